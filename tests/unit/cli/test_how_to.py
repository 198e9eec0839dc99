"""What the pages say to type, in the order of each page, on VMs in memory."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession
from tests.how_to import NOWHERE, ON_ONE_VM, PAGES, commands_of


class SharingDriver(FakeDriver):
    features = FakeDriver.features._replace(has_shared_folders=True)


class Machine:
    """One machine whose VMs are all in memory, running at first."""

    def __init__(self, boot2docker: Boot2Docker) -> None:
        self._boot2docker = boot2docker
        self._vms: dict[str, FakeDriver] = {}

    def type(self, words: list[str]) -> str:
        name = words[words.index("--vm") + 1] if "--vm" in words else "boot2docker-vm"
        at_first = State.ABSENT if "import" in words else State.RUNNING
        if name not in self._vms or "import" in words:
            self._vms[name] = SharingDriver(at_first, name=name)
        answer = self._boot2docker(words, FakeSession(self._vms[name], FakeEndpoint()))
        assert answer.status == 0, f"{' '.join(words)}: {answer.err}"
        return answer.out


@pytest.mark.skipif(sys.platform == "win32", reason="the pages quote as sh does")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_says_to_type_works(
    page: Path, boot2docker: Boot2Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / "bin" / "docker"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\nexit 0\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "work").mkdir()
    (tmp_path / "company.cer").write_text("a certificate")
    monkeypatch.chdir(tmp_path)
    machine = Machine(boot2docker)
    for command in commands_of(page):
        words = shlex.split(os.path.expandvars(command))
        if words[0] == "boot2docker" and command not in ON_ONE_VM[page.name]:
            machine.type(words[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_run_somewhere(page: Path) -> None:
    others = [one for one in commands_of(page) if not one.startswith("boot2docker ")]
    assert set(others) <= {*ON_ONE_VM[page.name], *NOWHERE}


def test_what_is_said_of_commands_is_said_of_commands_on_the_pages() -> None:
    typed = {page.name: set(commands_of(page)) for page in PAGES}
    assert typed.keys() == ON_ONE_VM.keys()
    for page, commands in ON_ONE_VM.items():
        assert set(commands) <= typed[page]
    assert set(NOWHERE) <= set().union(*typed.values())
