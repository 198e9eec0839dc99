"""What is said on a terminal of 60 columns: in lines that fit, and never cut."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from boot2docker_py.cli.terminal import columns_of
from boot2docker_py.drivers.model import State
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession
from tests.unit.machine.test_states import STATES, cells

COLUMNS = 60
# What has to stay in one piece, so that it can be copied: a command, a word.
_ONE_PIECE = re.compile(r"(try: )?[\"$('*]*(boot2docker|docker) .*|\S+")
# The others pass by themselves, or are said like one of these.
IN_STATES = ("absent", "off", "running", "saved", "broken")
SAID = [(command, state) for command, state, _status, _after in cells() if state in IN_STATES]
WRONG = [
    "up --memroy 4g",
    "up --memory lots",
    "set --timeout never --memory lots --cpus many",
    "strat",
    "logs nosuch",
    "snapshot make clean",
    "snapshot take",
    "up now",
    "--driver other up",
    "cp a b",
    "cp a",
    "reset --to clean --wipe",
    "upgrade --check --pin",
    "--hostip 1.2.3.4 --netmask 255.255.255.0 up",
    "export nowhere/work.vm",
    "import nothing.vm",
    "set --iso-url https://an.address.example/of/a/file/boot2docker.iso",
]


class Narrow:
    """A terminal of 60 columns at which commands are typed, about a VM in some state."""

    def __init__(self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch) -> None:
        self._boot2docker = boot2docker
        self._monkeypatch = monkeypatch

    def type(self, command: str, state: State) -> str:
        """Return what a command says; data for other programs are no lines of a screen."""
        driver = FakeDriver(state)
        if state is not State.ABSENT:
            driver.had_snapshot("clean")
        endpoint = FakeEndpoint()
        endpoint.is_running = state is State.RUNNING
        for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
            self._monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
            self._monkeypatch.setattr(stream, "fileno", lambda at=descriptor: at, raising=False)
        answer = self._boot2docker(command.split(), FakeSession(driver, endpoint))
        return answer.out + answer.err if command.startswith(("doctor", "help")) else answer.err


@pytest.fixture
def narrow(boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Narrow:
    size = os.terminal_size((COLUMNS, 24))
    monkeypatch.setattr(os, "get_terminal_size", lambda _descriptor: size)
    monkeypatch.setenv("TERM", "dumb")  # nothing is written over
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    FakeDriver(State.OFF).export(tmp_path / "old.vm")
    return Narrow(boot2docker, monkeypatch)


def fits(line: str) -> bool:
    return columns_of(line) <= COLUMNS or bool(_ONE_PIECE.fullmatch(line.strip()))


@pytest.mark.parametrize(("command", "state"), SAID)
def test_what_a_command_says_fits(narrow: Narrow, command: str, state: str) -> None:
    said = narrow.type(command, STATES[state])
    assert [line for line in said.splitlines() if not fits(line)] == []


@pytest.mark.parametrize("command", ["up", "logs", "set", "swarm"])
def test_a_page_of_help_fits(narrow: Narrow, command: str) -> None:
    said = narrow.type(f"help {command}", State.RUNNING)
    assert "With any command: " in said
    assert [line for line in said.splitlines() if not fits(line)] == []


@pytest.mark.parametrize("command", WRONG)
def test_what_is_said_of_a_wrong_command_fits(narrow: Narrow, command: str) -> None:
    said = narrow.type(command, State.RUNNING)
    assert "error: " in said
    assert [line for line in said.splitlines() if not fits(line)] == []


def test_the_end_of_up_is_one_line(narrow: Narrow) -> None:
    said = narrow.type("up --use", State.OFF)
    assert "The engine answers; docker uses it (context 'boot2docker').\n" in said


def test_a_line_that_is_too_long_is_noticed() -> None:
    assert not fits("This line has far more letters than a narrow terminal has columns.")
    assert fits("try: boot2docker set --memory 4096 --disksize 40000 --cpus 2 --restart")
