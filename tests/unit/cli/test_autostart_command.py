"""`boot2docker autostart`, and what `delete` and `doctor` make of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.host import autostart
from boot2docker_py.host.autostart import Kept
from boot2docker_py.host.autostart.entry import settings_in
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession

VM = "of the tests"


def session(state: State = State.RUNNING) -> FakeSession:
    return FakeSession(FakeDriver(state), FakeEndpoint())


@pytest.fixture(autouse=True)
def _user_has_our_folder(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    if sys.platform == "win32":  # the registry has none of the test's variables
        for name in settings_in(os.environ):
            monkeypatch.delenv(name)


def kept() -> tuple[Kept, bool]:
    return autostart.entry(VM).kept(settings_in(os.environ))


def test_on_off_and_status(boot2docker: Boot2Docker) -> None:
    words = ["--vm", VM, "autostart"]
    assert boot2docker([*words, "status"], session()).out == "off\n"
    answer = boot2docker([*words, "on"], session())
    assert (answer.status, answer.out) == (0, "")
    assert "starts when you log in" in answer.err
    assert boot2docker([*words, "status"], session()).out == "on\n"
    boot2docker([*words, "on", "--save-at-logoff"], session())
    assert boot2docker([*words, "status"], session()).out == "on, saved at logoff\n"
    told = json.loads(boot2docker([*words, "status", "--json"], session()).out)
    assert (told["autostart"], told["saves_at_logoff"]) == ("on", True)
    for _again in range(2):
        assert boot2docker([*words, "off"], session()).status == 0
        assert kept() == (Kept.OFF, False)


@pytest.mark.parametrize("words", [["autostart"], ["autostart", "off", "--save-at-logoff"]])
def test_wrong_words_are_usage_errors(boot2docker: Boot2Docker, words: list[str]) -> None:
    assert boot2docker(words, session()).status == 2


def test_delete_takes_it_away(boot2docker: Boot2Docker) -> None:
    boot2docker(["--vm", VM, "autostart", "on"], session())
    assert kept()[0] is Kept.ON
    boot2docker(["--vm", VM, "delete", "--force"], session())
    assert kept()[0] is Kept.OFF


def test_doctor_tells_of_it(boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> tuple[str, str]:
        answer = boot2docker(["--vm", VM, "doctor", "--json"], session(State.OFF))
        [finding] = [f for f in json.loads(answer.out)["findings"] if f["id"] == "autostart"]
        return finding["level"], finding["found"]

    assert found()[1].startswith("off")
    boot2docker(["--vm", VM, "autostart", "on", "--save-at-logoff"], session())
    assert found() == ("ok", "on: the VM starts at login, and is saved at logoff")
    monkeypatch.setattr(sys, "executable", "/another/python")
    monkeypatch.setattr(autostart.Job.__new__, "__defaults__", ("/another/python", {}))
    assert found()[0] == "warning"
    autostart.entry(VM).remove()


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends the session elsewhere")
def test_what_runs_until_the_end_saves_the_vm_then(tmp_path: Path) -> None:
    """With a stand-in for the command that brings the VM up."""
    program = tmp_path / "runs.py"
    program.write_text(
        "import sys\n"
        "from boot2docker_py.cli.boundary import run\n"
        "from boot2docker_py.drivers.base import State\n"
        "from boot2docker_py.host import autostart\n"
        "from boot2docker_py.host.autostart.entry import settings_in, Job\n"
        "from tests.fakes import FakeDriver, FakeEndpoint, FakeSession\n"
        "import os\n"
        "autostart.entry('vm').write(Job('vm', True, settings=settings_in(os.environ)))\n"
        "driver = FakeDriver(State.RUNNING)\n"
        "Job.start = ['echo', 'started']\n"
        "status = run(['--vm', 'vm', 'autostart', 'run'], FakeSession(driver, FakeEndpoint()))\n"
        "print(driver.peek().value, status, flush=True)\n"
    )
    root = Path(__file__).parents[3]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, str(program)], stdout=-1, env=environ)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b"saved 0\n"
