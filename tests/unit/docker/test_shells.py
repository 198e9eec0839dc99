"""What `shellinit` prints, evaluated by the real shells; golden lines where there is none here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.cli.commands.shell import own_shell
from boot2docker_py.docker import environment, shells
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import UsageError
from boot2docker_py.host import processes
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession

ODD = [
    "unix:///run/user/docker.sock",
    'unix:///a  b/it\'s "mine"/$HOME `id` $(id)/Käse ☃/back\\slash/\\',
    "!! !x ' \\' \\\\ ; & | < > * ? [a] {a,b} ~ # = % %PATH% ^",
    "''",
    "=ls",
    "=",
    "~root",
]
# The real shell, and how it evaluates the output of a command, as the hint says.
REAL = {
    "bash": ("sh", ["bash", "--norc", "-c"]),
    "dash": ("sh", ["dash", "-c"]),
    "zsh": ("zsh", ["zsh", "-f", "-c"]),
    "fish": ("fish", ["fish", "--no-config", "-c"]),
    "tcsh": ("tcsh", ["tcsh", "-f", "-c"]),
}


def evaluated(program: str, lines: list[str], tmp_path: Path) -> dict[str, str]:
    """Return the environment of a child of the shell, after it has evaluated `lines`."""
    shell, command = REAL[program]
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {program}")
    (tmp_path / "lines").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    told = "import json, os; print(json.dumps(dict(os.environ)))"
    environ = {**os.environ, "FILE": str(tmp_path / "lines"), "LC_ALL": "C.UTF-8", "OLD": "old"}
    script = f"{shells.hint(shell, 'cat $FILE')}; '{sys.executable}' -c '{told}'"
    answer = subprocess.run([*command, script], env=environ, capture_output=True, check=True)
    assert answer.stderr == b""
    found: dict[str, str] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize("program", REAL)
class TestRealShells:
    @pytest.mark.parametrize("value", ODD)
    def test_value_arrives_as_it_is(self, program: str, value: str, tmp_path: Path) -> None:
        shell = REAL[program][0]
        lines = [shells.set_line(shell, "ONE", value), shells.set_line(shell, "TWO", "2")]
        found = evaluated(program, lines, tmp_path)
        assert (found["ONE"], found["TWO"]) == (value, "2")

    def test_unset_removes_and_forgives_what_is_not_there(
        self, program: str, tmp_path: Path
    ) -> None:
        lines = [shells.unset_line(REAL[program][0], name) for name in ("NEVER_SET", "OLD")]
        assert "OLD" not in evaluated(program, lines, tmp_path)


class TestGoldenLines:
    def test_cmd(self) -> None:
        line = shells.set_line("cmd", "DOCKER_HOST", "npipe:////./pipe/a & b's %x% Käse")
        assert line == 'SET "DOCKER_HOST=npipe:////./pipe/a & b\'s %x% Käse"'
        assert shells.unset_line("cmd", "DOCKER_HOST") == 'SET "DOCKER_HOST="'
        wanted = "@FOR /f \"tokens=*\" %i IN ('boot2docker shellinit') DO @%i"
        assert shells.hint("cmd", "boot2docker shellinit") == wanted

    def test_powershell(self) -> None:
        line = shells.set_line("powershell", "DOCKER_HOST", "it's $a \u2019")
        assert line == "$Env:DOCKER_HOST = 'it''s $a \u2019\u2019'"
        removed = shells.unset_line("powershell", "DOCKER_HOST")
        assert removed == "Remove-Item Env:DOCKER_HOST -ErrorAction SilentlyContinue"

    @pytest.mark.parametrize(("shell", "value"), [("cmd", 'a"b'), ("cmd", "a\nb"), ("tcsh", "\n")])
    def test_what_a_shell_cannot_write_is_an_error(self, shell: str, value: str) -> None:
        with pytest.raises(UsageError):
            environment.of_engine(value).lines(shell)


@pytest.mark.parametrize(
    ("above", "environ", "platform", "shell"),
    [
        (["fish"], {"SHELL": "/bin/bash"}, "linux", "fish"),
        (["-zsh"], {}, "darwin", "zsh"),
        (["dash"], {}, "linux", "sh"),
        (["make"], {"SHELL": "/usr/bin/fish"}, "linux", "fish"),
        ([], {"SHELL": "/bin/oddsh"}, "linux", "sh"),
        (["py.exe", "cmd.exe", "bash.exe"], {"MSYSTEM": "MINGW64"}, "win32", "cmd"),
        (["pwsh.exe", "explorer.exe"], {}, "win32", "powershell"),
        (["boot2docker.exe", "PowerShell.EXE"], {}, "win32", "powershell"),
        (["bash.exe", "mintty.exe"], {"MSYSTEM": "MINGW64"}, "win32", "bash"),
        (["mintty.exe"], {"MSYSTEM": "MSYS", "SHELL": "/usr/bin/zsh"}, "win32", "zsh"),
        (["python.exe"], {"TERM": "cygwin", "SHELL": "C:\\x\\bash.exe"}, "win32", "bash"),
        (["explorer.exe"], {}, "win32", "cmd"),
    ],
)
def test_shell_is_told_by_its_process(
    above: list[str], environ: dict[str, str], platform: str, shell: str
) -> None:
    assert shells.detect(above, environ, platform) == shell


def test_chain_of_processes_ends_where_it_bites_its_tail() -> None:
    table = {9: (5, "python.exe"), 5: (3, "cmd.exe"), 3: (5, "explorer.exe")}
    assert processes.chain(9, table) == ["cmd.exe", "explorer.exe"]
    assert processes.chain(1, table) == []


@pytest.mark.parametrize(
    ("environ", "detected", "platform", "command"),
    [
        ({"SHELL": "/usr/bin/fish"}, "bash", "linux", ["/usr/bin/fish"]),
        ({}, "sh", "darwin", ["/bin/sh"]),
        ({"COMSPEC": "C:\\W\\cmd.exe"}, "cmd", "win32", ["C:\\W\\cmd.exe"]),
        ({"SHELL": "/usr/bin/bash"}, "bash", "win32", ["bash.exe", "-i"]),
        ({}, "powershell", "win32", ["powershell.exe", "-NoLogo"]),
    ],
)
def test_own_shell(
    environ: dict[str, str], detected: str, platform: str, command: list[str]
) -> None:
    assert own_shell(environ, detected, platform) == command


def session(state: State = State.RUNNING) -> FakeSession:
    return FakeSession(FakeDriver(state), FakeEndpoint())


class TestCommands:
    def test_shellinit_prints_code_alone(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["shellinit", "--shell", "fish"], session())
        assert answer.status == 0
        assert answer.out.splitlines()[0] == "set -gx DOCKER_HOST 'unix:///fake/docker.sock';"
        assert "boot2docker shellinit --shell fish | source" in answer.err

    def test_shellinit_tells_testcontainers_where_the_socket_is_for_its_containers(
        self, boot2docker: Boot2Docker
    ) -> None:
        """It mounts the socket that DOCKER_HOST names, which the VM has at another place."""
        name = "TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE"
        lines = boot2docker(["shellinit", "--shell", "sh"], session()).out.splitlines()
        assert shells.set_line("sh", name, "/var/run/docker.sock") in lines
        unset = boot2docker(["shellinit", "--unset", "--shell", "sh"], session()).out.splitlines()
        assert shells.unset_line("sh", name) in unset

    def test_shellinit_of_a_stopped_vm_prints_nothing(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["env"], session(State.OFF))
        assert (answer.status, answer.out) == (4, "")

    def test_unset_needs_no_vm(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["socket", "--unset"], session(State.ABSENT))
        assert (answer.status, answer.out.splitlines()[0]) == (0, "unset DOCKER_HOST")

    def test_no_proxy_keeps_what_was_there(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("no_proxy", "intranet, localhost")
        answer = boot2docker(["shellinit", "--no-proxy", "--json"], session())
        assert json.loads(answer.out)["set"]["NO_PROXY"] == "intranet,localhost,127.0.0.1"

    @pytest.mark.parametrize(
        ("words", "proxy", "wanted"),
        [
            (["--tls"], "http://proxy:3128", "192.168.59.103,127.0.0.1,localhost"),
            (["--tls"], "", None),
            (["--tls", "--no-proxy"], "", "192.168.59.103,127.0.0.1,localhost"),
            ([], "http://proxy:3128", None),
        ],
    )
    def test_tls_keeps_the_vm_off_a_proxy_by_itself(
        self,
        boot2docker: Boot2Docker,
        monkeypatch: pytest.MonkeyPatch,
        words: list[str],
        proxy: str,
        wanted: str | None,
    ) -> None:
        """As the original did; over SSH there is no proxy to keep it off."""
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        answer = boot2docker(["shellinit", *words, "--json"], session())
        assert json.loads(answer.out)["set"].get("no_proxy") == wanted

    def test_delete_tells_a_shell_that_points_at_the_vm(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "shellinit --unset" not in boot2docker(["delete", "-f"], session()).err
        monkeypatch.setenv("DOCKER_HOST", FakeEndpoint.docker_host)
        answer = boot2docker(["delete", "-f"], session())
        assert 'eval "$(boot2docker shellinit --unset)"' in answer.err

    def test_shell_runs_the_command_with_the_engine(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DOCKER_CONTEXT", "another")
        script = 'echo "$DOCKER_HOST ${DOCKER_CONTEXT-none} $1" > "$0"; exit 7'
        words = ["sh", "-c", script, str(tmp_path / "told"), "--json"]
        answer = boot2docker(["shell", *words], session(State.OFF))
        assert (answer.status, answer.out) == (7, "")
        assert "'exit' ends this" not in answer.err
        assert (tmp_path / "told").read_text() == "unix:///fake/docker.sock none --json\n"

    @pytest.mark.parametrize(
        ("words", "status"),
        [(["/no/such"], 127), (["/etc/passwd"], 126), (["sh", "-c", "kill -9 $$"], 137)],
    )
    def test_shell_ends_as_shells_do(
        self, boot2docker: Boot2Docker, words: list[str], status: int
    ) -> None:
        assert boot2docker(["shell", *words], session()).status == status
