"""What the guest says about an engine that does not answer."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.guest import engine_state
from boot2docker_py.guest.engine_state import EngineState, read
from tests.unit.ssh.real_sshd import Sshd, eventually

LONG_S = 60.0
LOG = 'level=info msg="Starting up"\nfailed to start daemon: invalid -H\n'


@pytest.fixture
def bootsync(tmp_path: Path) -> Iterator[Path]:
    """Run a script of the user that does not end."""
    script = tmp_path / "bootsync.sh"
    script.write_text("read _\n")
    running = subprocess.Popen(["/bin/sh", str(script)], stdin=subprocess.PIPE)
    yield script
    running.kill()
    running.communicate()


@pytest.mark.usefixtures("bootsync")
def test_a_script_that_runs_is_found_with_its_time(sshd: Sshd) -> None:
    with sshd.connect() as connection:

        def script_s() -> int:
            state = engine_state.look(connection, LONG_S)
            assert state.script == "bootsync.sh"
            assert not state.has_ended
            return state.script_s

        eventually(lambda: 1 <= script_s() < 100)


def test_what_asks_does_not_find_itself(sshd: Sshd) -> None:
    with sshd.connect() as connection:
        assert engine_state.look(connection, LONG_S).script == ""


@pytest.mark.parametrize("fact", ["lives", "killed", "starts", "waits 7 bootsync.sh"])
def test_an_engine_that_may_still_come(fact: str) -> None:
    assert not read(f"{fact}\nlog\n{LOG}").has_ended


def test_an_engine_that_has_ended_and_its_last_words() -> None:
    state = read(f"log\n{LOG}\n")
    assert state == EngineState(has_ended=True, last_words="failed to start daemon: invalid -H")


@pytest.mark.parametrize(
    "told", ["", "waits\n", "waits x y\n", "waits -5 x\n", "waits 9999999999999 x\n", "log\n"]
)
def test_nonsense_is_no_time(told: str) -> None:
    state = read(told)
    assert state.script_s == 0
    assert state.last_words == ""


def test_last_words_have_a_bound() -> None:
    assert len(read("log\n" + "x" * 100_000).last_words) == engine_state.WORDS_LENGTH


def test_an_engine_that_left_no_log_is_not_said_to_have_ended() -> None:
    assert not read("").has_ended
