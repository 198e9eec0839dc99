"""`boot2docker docker`, and the `docker` that `shell` offers where there is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Sequence

import pytest

from boot2docker_py.docker import stand_in
from boot2docker_py.drivers.model import Features, Share, State
from boot2docker_py.guest import terminal
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession
from tests.unit.ssh.real_sshd import Sshd


class SharingDriver(FakeDriver):
    features = Features(has_host_only_network=False, has_shared_folders=True)

    def __init__(self, *shares: Share) -> None:
        super().__init__(State.RUNNING)
        self.shared = shares

    def shares(self) -> Sequence[Share]:
        return self.shared


def session(state: State = State.RUNNING) -> FakeSession:
    return FakeSession(FakeDriver(state), FakeEndpoint())


def test_its_words_are_docker_s_even_our_own_flags(boot2docker: Boot2Docker) -> None:
    house = session()
    answer = boot2docker(["docker", "--help", "--json", "--vm", "x"], house)
    assert (answer.status, answer.out) == (0, "")
    assert house.connection.commands == [["exec docker --help --json --vm x"]]


def test_paths_are_those_of_the_shared_folders(
    boot2docker: Boot2Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    monkeypatch.chdir(tmp_path / "site")
    house = FakeSession(SharingDriver(Share("work", tmp_path)), FakeEndpoint())
    assert boot2docker(["docker", "run", "-v", ".:/w", "busybox"], house).status == 0
    [[line]] = house.connection.commands
    assert line.startswith("cd /work/site || ")
    assert line.endswith("exec docker run -v /work/site:/w busybox")


def test_a_folder_that_is_not_shared_is_a_usage_error(boot2docker: Boot2Docker) -> None:
    house = session()
    answer = boot2docker(["docker", "run", "-v", ".:/w", "busybox"], house)
    assert answer.status == 2
    assert f"the VM does not see '{Path.cwd()}'" in answer.err
    assert house.connection.commands == []


@pytest.mark.parametrize(
    ("state", "status", "advice"),
    [(State.OFF, 4, "boot2docker up"), (State.ABSENT, 3, "boot2docker")],
)
def test_a_vm_that_does_not_run_is_said(
    boot2docker: Boot2Docker, state: State, status: int, advice: str
) -> None:
    answer = boot2docker(["docker", "ps"], session(state))
    assert answer.status == status
    assert advice in answer.err


@pytest.mark.skipif(sys.platform == "win32", reason="runs sh")
class TestShell:
    @pytest.fixture
    def bare_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Leave nothing but sh in the PATH."""
        folder = tmp_path / "programs"
        folder.mkdir()
        (folder / "sh").symlink_to("/bin/sh")
        monkeypatch.setenv("PATH", str(folder))
        return folder

    def test_offers_docker_where_there_is_none(
        self, boot2docker: Boot2Docker, bare_path: Path, tmp_path: Path
    ) -> None:
        script = 'command -v docker > "$0"; echo "$BOOT2DOCKER_VM" >> "$0"'
        words = ["--vm", "other", "shell", "sh", "-c", script, str(tmp_path / "told")]
        answer = boot2docker(words, session(State.OFF))
        assert answer.status == 0
        assert "There is no docker client on this machine" in answer.err
        told = (tmp_path / "told").read_text().splitlines()
        assert told == [str(tmp_path / "b2d" / "bin" / "docker"), "other"]

    def test_leaves_a_docker_that_is_there_alone(
        self, boot2docker: Boot2Docker, bare_path: Path, tmp_path: Path
    ) -> None:
        (bare_path / "docker").write_text("#!/bin/sh\n")
        (bare_path / "docker").chmod(0o755)
        words = ["shell", "sh", "-c", 'command -v docker > "$0"', str(tmp_path / "told")]
        answer = boot2docker(words, session())
        assert "There is no docker client" not in answer.err
        assert (tmp_path / "told").read_text().strip() == str(bare_path / "docker")

    def test_what_it_offers_runs_our_docker_command(
        self, boot2docker: Boot2Docker, bare_path: Path, tmp_path: Path
    ) -> None:
        """In a folder with a module of our name, which is not ours."""
        (tmp_path / "boot2docker_py").mkdir()
        (tmp_path / "boot2docker_py" / "__init__.py").write_text("raise SystemExit(99)")
        script = f'cd "{tmp_path}"; docker ps 2> "$0"; echo $? >> "$0"'
        words = ["shell", "sh", "-c", script, str(tmp_path / "told")]
        assert boot2docker(["--driver", "qemu", *words], session()).status == 0
        *_words, status = (tmp_path / "told").read_text().split()
        assert status in ("3", "6")  # it has no VM, or no hypervisor to ask for one

    def test_goes_on_where_it_cannot_write(
        self, boot2docker: Boot2Docker, bare_path: Path, home: Path
    ) -> None:
        home.mkdir()
        (home / "bin").write_text("a file where the folder would be")
        answer = boot2docker(["shell", "sh", "-c", "exit 7"], session())
        assert answer.status == 7
        assert "none can be offered" in answer.err


def test_the_program_is_written_once(tmp_path: Path) -> None:
    stand_in.offered_in(tmp_path, {"PATH": ""})
    before = (tmp_path / "docker").stat().st_mtime_ns
    stand_in.offered_in(tmp_path, {"PATH": ""})
    assert (tmp_path / "docker").stat().st_mtime_ns == before
    assert json.dumps(sorted(file.name for file in tmp_path.iterdir())).count(".new") == 0


def test_the_line_is_read_by_a_real_shell_over_ssh(
    sshd: Sshd, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from boot2docker_py.docker import client_words
    from boot2docker_py.guest.shared_folders import Folder, SharedFolders

    (tmp_path / "docker").write_text('#!/bin/sh\npwd\nprintf "%s|" "$@"\nexit 7\n')
    (tmp_path / "docker").chmod(0o755)
    work = tmp_path / "it's $HOME"
    work.mkdir()
    folders = SharedFolders([Folder("/shared", str(tmp_path)[1:])], "/shared/it's $HOME")
    line = client_words.command_line(["run", "-e", "A=$B;'"], folders, {})
    with sshd.connect() as connection:
        words = [f"PATH={tmp_path}:$PATH; {line}"]
        assert terminal.run(connection, words, tty=False) == 7
    assert capfd.readouterr().out == f"{work}\nrun|-e|A=$B;'|"
