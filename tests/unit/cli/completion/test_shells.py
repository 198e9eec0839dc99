"""The real shells, each at a terminal of its own: what is begun, Tab, Enter; and what then runs."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.cli.completion.scripts import SCRIPTS
from boot2docker_py.wait import Deadline
from tests.conftest import Boot2Docker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no terminal to be had")

LONG_S = 120.0
REPOSITORY = Path(__file__).parents[4]
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}


class Terminal:
    """A shell at a terminal. `boot2docker` there completes, and else notes its arguments."""

    def __init__(self, shell: str, folder: Path, home: Path) -> None:
        import pty

        self._noted = folder / "noted"
        program = folder / "boot2docker"
        program.write_text(
            "#!/bin/sh\n"
            'if [ -n "$_BOOT2DOCKER_COMPLETE" ]; then\n'
            f"    PYTHONPATH={REPOSITORY} exec {shlex.quote(sys.executable)} -m boot2docker_py\n"
            "fi\n"
            f"printf '%s\\n' \"$@\" > {self._noted}.new; mv {self._noted}.new {self._noted}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        environ = {
            **{name: value for name, value in os.environ.items() if name != "PROMPT_COMMAND"},
            **{"PATH": f"{folder}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(folder)},
            **{"BOOT2DOCKER_DIR": str(home), "PS1": "$ ", "XDG_DATA_HOME": str(folder)},
        }
        self._terminal, theirs = pty.openpty()
        # `setsid --ctty` makes it the shell's own, as a terminal's window does.
        self._shell = subprocess.Popen(
            ["setsid", "--ctty", *START[shell]],
            env=environ,
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        # What a shell shows is read, lest it waits; it is not looked at.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while os.read(self._terminal, 4096):
                pass
        except OSError:  # the shell has ended
            pass

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def noted(self) -> list[str]:
        """Return the words that boot2docker was run with."""
        deadline = Deadline(LONG_S)
        while not self._noted.exists():
            assert not deadline.has_passed(), "the shell has run nothing"
            deadline.clock.sleep(0.05)
        words = self._noted.read_text().splitlines()
        self._noted.unlink()
        return words

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait(LONG_S)
        self._reader.join(LONG_S)
        os.close(self._terminal)


@pytest.fixture(params=list(START))
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def terminal(shell: str, tmp_path: Path, home: Path) -> Iterator[Terminal]:
    folder = tmp_path / "terminal"
    folder.mkdir()
    for name in ("alone", "two words"):
        (home / "vms" / name).mkdir(parents=True)
        (home / "vms" / name / "driver").write_text("qemu\n")
    (folder / "some.iso").touch()
    (folder / "script").write_text(SCRIPTS[shell])
    terminal = Terminal(shell, folder, home)
    terminal.type(". ./script\n")
    yield terminal
    terminal.close()


def test_tab_completes(terminal: Terminal) -> None:
    """One terminal for all of it: a shell takes a while to begin."""
    for begun, words in [
        ("upg\t", ["upgrade"]),
        ("logs hyp\t", ["logs", "hypervisor"]),
        ("up --driver virt\t", ["up", "--driver", "virtualbox"]),
        ("up --vm al\t", ["up", "--vm", "alone"]),
        ("up --vm tw\t", ["up", "--vm", "two words"]),
        ("up --memo\t4g", ["up", "--memory", "4g"]),
        ("download --iso som\t", ["download", "--iso", "some.iso"]),
        ("cp v\t/etc .", ["cp", "vm:/etc", "."]),
    ]:
        terminal.type(f"boot2docker {begun}\n")
        assert terminal.noted() == words


def test_powershell_is_asked_as_it_was() -> None:
    """There is none here: a change of its script is tried in one, then the copy is changed."""
    golden = Path(__file__).with_name("boot2docker.ps1").read_text("utf-8")
    assert SCRIPTS["powershell"] == golden


class TestInstall:
    FILES = {"bash": ".bashrc", "zsh": ".zshrc", "fish": None}

    @pytest.mark.parametrize("shell", FILES)
    def test_a_new_shell_reads_it_once(
        self, boot2docker: Boot2Docker, tmp_path: Path, shell: str
    ) -> None:
        named = self.FILES[shell]
        file = tmp_path / named if named else None
        if file:
            file.write_text("mine\n")
        for _ in range(2):
            answer = boot2docker(["completion", shell, "--install"])
            assert answer.status == 0
        if file:
            lines = file.read_text().splitlines()
            assert lines[0] == "mine"
            assert sum("boot2docker completion" in line for line in lines) == 1

    @pytest.mark.skipif(sys.platform == "win32", reason="names are Unicode there")
    def test_a_home_whose_name_is_no_unicode(
        self, boot2docker: Boot2Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / os.fsdecode(b"h\xe4")
        monkeypatch.setenv("BOOT2DOCKER_DIR", str(home))
        assert boot2docker(["completion", "bash", "--install"]).status == 0
        assert os.fsencode(home) in (tmp_path / ".bashrc").read_bytes()

    def test_bash_reads_what_was_installed(self, boot2docker: Boot2Docker, tmp_path: Path) -> None:
        boot2docker(["completion", "bash", "--install"])
        words = f". {tmp_path}/.bashrc; complete -p boot2docker"
        told = subprocess.run(["bash", "--norc", "-c", words], capture_output=True, check=True)
        assert b"_boot2docker_completion" in told.stdout

    def test_powershell_says_where_its_profile_is(
        self, boot2docker: Boot2Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profile = tmp_path / "Documents" / "profile.ps1"
        program = tmp_path / "bin" / "pwsh"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho '{profile}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        answer = boot2docker(["completion", "powershell", "--install"])
        assert answer.status == 0
        script = next((tmp_path / "b2d").glob("completion/*.ps1"))
        assert script.read_text() == SCRIPTS["powershell"]
        assert f". '{script}'" in profile.read_text()

    def test_without_a_powershell_the_way_by_hand_is_said(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        answer = boot2docker(["completion", "powershell", "--install"])
        assert answer.status == 1
        assert "$PROFILE" in answer.err


@pytest.mark.parametrize("shell", SCRIPTS)
def test_it_is_printed(boot2docker: Boot2Docker, shell: str) -> None:
    answer = boot2docker(["completion", shell])
    assert (answer.status, answer.out) == (0, SCRIPTS[shell])
