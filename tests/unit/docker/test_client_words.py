"""`boot2docker docker`: which words of a command line are paths of this machine, and which not."""

from __future__ import annotations

import shlex
from typing import Mapping

import pytest

from boot2docker_py.docker import client_words
from boot2docker_py.errors import UsageError
from boot2docker_py.guest.shared_folders import Folder, SharedFolders


def said(line: str, environ: Mapping[str, str] = {}, platform: str = "darwin") -> list[str]:
    shares = {"darwin": Folder("/Users", "m"), "win32": Folder("C:\\Users", "c/Users")}
    working = {"darwin": "/Users/me", "win32": "C:\\Users\\me"}[platform]
    folders = SharedFolders(
        [shares[platform]], working, platform=platform, real_path=lambda path: path
    )
    words = shlex.split(line, posix=platform != "win32")
    return client_words.for_guest(words, folders, environ)


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("ps -a", "ps -a"),
        ("", ""),
        ("--version", "--version"),
        ("run -v .:/w busybox ls", "run -v /m/me:/w busybox ls"),
        ("run -itv ./a:/w:ro busybox", "run -itv /m/me/a:/w:ro busybox"),
        ("run -it --rm -v.:/w busybox", "run -it --rm -v/m/me:/w busybox"),
        ("run -v=.:/w busybox", "run -v=/m/me:/w busybox"),
        ("run --volume=/Users/x:/w busybox", "run --volume=/m/x:/w busybox"),
        ("run -v data:/w -v /anonymous busybox", "run -v data:/w -v /anonymous busybox"),
        ("run -v vm:/w busybox", "run -v vm:/w busybox"),
        ("run -v vm:/var/lib:/w:ro busybox", "run -v /var/lib:/w:ro busybox"),
        ("run -v /var/run/docker.sock:/s busybox", "run -v /var/run/docker.sock:/s busybox"),
        ("run --name x -w /etc busybox ls -v /etc", "run --name x -w /etc busybox ls -v /etc"),
        ("run --rm=true busybox -v /etc:/x", "run --rm=true busybox -v /etc:/x"),
        ("run -- busybox -v /etc:/x", "run -- busybox -v /etc:/x"),
        (
            "run --mount type=bind,source=./a,target=/w,readonly busybox",
            "run --mount type=bind,source=/m/me/a,target=/w,readonly busybox",
        ),
        (
            "run --mount=type=volume,source=data,target=/w busybox",
            "run --mount=type=volume,source=data,target=/w busybox",
        ),
        ("run --mount source=data,target=/w b", "run --mount source=data,target=/w b"),
        ("run --env-file x.env busybox", "run --env-file /m/me/x.env busybox"),
        ("container run -v .:/w busybox", "container run -v /m/me:/w busybox"),
        ("-D --log-level debug run -v .:/w b", "-D --log-level debug run -v /m/me:/w b"),
        ("exec -it box cat /etc/passwd", "exec -it box cat /etc/passwd"),
        ("build .", "build /m/me"),
        ("build -t a/b:1 -f a/D --no-cache a", "build -t a/b:1 -f /m/me/a/D --no-cache /m/me/a"),
        ("build --tag x .. --pull", "build --tag x /m --pull"),
        ("build - ", "build -"),
        ("build https://host/x.git#main", "build https://host/x.git#main"),
        ("buildx build -o out .", "buildx build -o /m/me/out /m/me"),
        ("build --secret id=a,src=./s .", "build --secret id=a,src=/m/me/s /m/me"),
        ("build --build-context a=./a .", "build --build-context a=/m/me/a /m/me"),
        ("build --build-context b=docker-image://b", "build --build-context b=docker-image://b"),
        ("cp box:/etc/x .", "cp box:/etc/x /m/me"),
        ("cp -a notes.txt box:/etc", "cp -a /m/me/notes.txt box:/etc"),
        ("cp - box:/etc", "cp - box:/etc"),
        ("load -i x.tar", "load -i /m/me/x.tar"),
        ("image save --output=x.tar busybox", "image save --output=/m/me/x.tar busybox"),
        ("export -o x.tar box", "export -o /m/me/x.tar box"),
        ("import x.tar name:1", "import /m/me/x.tar name:1"),
        ("import - name:1", "import - name:1"),
        ("volume create .", "volume create ."),
    ],
)  # fmt: skip
def test_words(line: str, there: str) -> None:
    assert said(line) == shlex.split(there)


@pytest.mark.parametrize(
    ("line", "there"),
    [
        (r"run -v C:\Users\me\site:/w:ro busybox", "run -v /c/Users/me/site:/w:ro busybox"),
        (r"run -v C:/Users/me/site:/w busybox", "run -v /c/Users/me/site:/w busybox"),
        (r"run -v .\site:/w busybox", "run -v /c/Users/me/site:/w busybox"),
        (r"run -v /c/Users/me/site:/w busybox", "run -v /c/Users/me/site:/w busybox"),
        (r"run -v data:/w busybox", "run -v data:/w busybox"),
        (
            r"run --mount type=bind,src=C:\Users\x,dst=/w busybox",
            "run --mount type=bind,src=/c/Users/x,dst=/w busybox",
        ),
        (r"build -f sub\Dockerfile .", "build -f /c/Users/me/sub/Dockerfile /c/Users/me"),
        (r"cp C:\Users\me\x box:/etc", "cp /c/Users/me/x box:/etc"),
        (r"cp box:/etc .\etc", "cp box:/etc /c/Users/me/etc"),
    ],
)
def test_words_on_windows(line: str, there: str) -> None:
    assert said(line, platform="win32") == there.split()


@pytest.mark.parametrize(
    "line",
    ["run -v /etc:/x busybox", "build /srv", "run --env-file /etc/x busybox", "load -i /srv/x.tar"],
)
def test_paths_that_the_vm_does_not_see_are_refused(line: str) -> None:
    with pytest.raises(UsageError, match="does not see"):
        said(line)


def test_variables_are_those_of_this_machine() -> None:
    environ = {"HERE": "a b"}
    line = "run -e HERE --env THERE -e SET=1 --env=HERE busybox -e HERE"
    assert said(line, environ) == shlex.split(
        "run -e 'HERE=a b' --env THERE -e SET=1 '--env=HERE=a b' busybox -e HERE"
    )
    assert said("build --build-arg HERE -", environ)[2] == "HERE=a b"


def test_every_switch_and_option_of_run_that_docker_knows_is_read_right() -> None:
    """The words of the container begin where docker itself says so."""
    for switch in client_words.FORMS["run"].switches.split():
        assert said(f"run {switch} busybox -v /etc:/x")[2:] == ["busybox", "-v", "/etc:/x"]
    assert said("run --name -v busybox -v /etc:/x") == "run --name -v busybox -v /etc:/x".split()


def test_the_line_for_the_shell_keeps_words_apart() -> None:
    folders = SharedFolders([Folder("/Users", "m")], "/Users/a b", real_path=str, platform="darwin")
    line = client_words.command_line(["run", "x", "echo", "it's; $HOME"], folders, {})
    assert line.startswith("cd '/m/a b' || {")
    assert shlex.split(line.rpartition("}; ")[2]) == [
        "exec",
        "docker",
        "run",
        "x",
        "echo",
        "it's; $HOME",
    ]


def test_a_working_folder_that_the_vm_does_not_see_is_left() -> None:
    folders = SharedFolders([], "/srv", can_share=False, platform="linux")
    assert client_words.command_line(["ps"], folders, {}) == "exec docker ps"
