"""The table of docs/states.md, every cell of it tried."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.cli.app import app
from boot2docker_py.drivers.model import State
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession

PAGE = Path(__file__).parents[3] / "docs" / "states.md"
STATES = {state.name.lower(): state for state in State}


def _rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if not row[0].startswith("-")]


def cells() -> Iterator[tuple[str, str, int, str]]:
    head, *rows = _rows()
    for command, *cells in rows:
        for state, cell in zip(head[1:], cells):
            status, after = cell.split()
            yield command, state, int(status), after


@pytest.mark.parametrize(("command", "state", "status", "after"), list(cells()))
def test_cell(
    boot2docker: Boot2Docker,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    state: str,
    status: int,
    after: str,
) -> None:
    monkeypatch.setenv("PATH", "")  # a docker client of this machine plays no part
    monkeypatch.chdir(tmp_path)
    FakeDriver(State.OFF).export(tmp_path / "old.vm")
    driver, endpoint = FakeDriver(STATES[state]), FakeEndpoint()
    if state != "absent":
        driver.had_snapshot("clean")
    endpoint.is_running = driver.peek() is State.RUNNING
    answer = boot2docker(command.split(), FakeSession(driver, endpoint))
    assert (answer.status, driver.peek()) == (status, STATES[after]), answer
    if status and command != "doctor":
        assert answer.out == ""
        assert "error: " in answer.err


def test_table_is_whole() -> None:
    """Every command and every state has its cells."""
    head, *rows = _rows()
    assert set(head[1:]) == set(STATES)
    assert {row[0].split()[0] for row in rows} == set(app.commands)
    assert all(len(row) == len(head) for row in rows)


@pytest.mark.parametrize("command", ["up", "down", "save", "restart", "upgrade", "init"])
@pytest.mark.parametrize("state", [State.STARTING, State.STOPPING])
def test_a_state_that_never_passes_ends_by_deadline(
    boot2docker: Boot2Docker, command: str, state: State
) -> None:
    driver = FakeDriver(state, polls=float("inf"))
    session = FakeSession(driver, FakeEndpoint())
    answer = boot2docker([command, "--timeout", "0.3"], session)
    assert answer.status == 5
    assert "boot2docker poweroff" in answer.err
    assert driver.peek() is state
