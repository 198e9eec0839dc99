"""Fixtures for all tiers: a home of its own for every test."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Sequence

import pytest

from boot2docker_py.cli.boundary import run
from boot2docker_py.cli.session import Session
from tests import own_home

# A shell that runs tests in the background makes them ignore Ctrl-C; what they start must not.
signal.signal(signal.SIGINT, signal.default_int_handler)


if sys.platform == "win32":
    from tests.windows import limits

    collect_ignore = ["unit/guest/test_terminal.py"]  # which cannot even be imported there

    def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
        limits.leave_out(config, items)

    def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
        for line in limits.report(terminalreporter.config):
            terminalreporter.write_line(line)


def pytest_unconfigure() -> None:
    """End what a test left running, else this process waits for it after the last word."""
    faulthandler.dump_traceback_later(120, exit=True)


class Answer(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Boot2Docker = Callable[..., Answer]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's own files."""
    for name in own_home.OTHER_PLACES:
        monkeypatch.delenv(name, raising=False)
    # What a company added to this machine is no matter of the tests.
    monkeypatch.setenv("BOOT2DOCKER_ENGINE_CA", "off")
    monkeypatch.setenv("BOOT2DOCKER_PROXY", "off")
    home = tmp_path / "b2d"
    monkeypatch.setenv("BOOT2DOCKER_DIR", str(home))
    for name in own_home.HOMES:
        monkeypatch.setenv(name, str(tmp_path))
    if sys.platform == "win32":  # whose own place for data no variable moves
        monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda _name: str(tmp_path))
    return home


@pytest.fixture
def boot2docker(capsys: pytest.CaptureFixture[str]) -> Iterator[Boot2Docker]:
    """Run the command line in this process, on the session given."""

    def invoke(arguments: Sequence[str], session: Session | None = None) -> Answer:
        status = run(arguments, session or Session())
        captured = capsys.readouterr()
        _close_log()
        return Answer(status, captured.out, captured.err)

    yield invoke
    _close_log()


def _close_log() -> None:
    log = logging.getLogger("boot2docker_py")
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.propagate = True
