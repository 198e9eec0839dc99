"""A program ends with the process that started it, however that ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest

from boot2docker_py import lock
from boot2docker_py.host import bound_program

# Holds a file locked as long as it lives, and says when it does.
LIVES = """
import sys, time
from pathlib import Path
from boot2docker_py import lock
file = Path(sys.argv[1]).open("w+b")
assert lock.try_lock(file)
Path(sys.argv[2]).touch()
time.sleep(600)
"""
STARTS = """
import sys
from boot2docker_py.host import bound_program
with bound_program.started(sys.argv[1:]) as program:
    program.wait()
"""
PATIENCE_S = 60.0


def wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until, complaint
        time.sleep(0.05)


def wait_until_there(file: Path) -> None:
    wait_until(file.exists, "it has not begun")


def has_ended(held: Path) -> bool:
    """Tell whether nobody holds the file locked any more; wait for that."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with held.open("r+b") as file:
            if lock.try_lock(file):
                return True
        time.sleep(0.05)
    return False


@pytest.fixture
def lives(tmp_path: Path) -> list[str]:
    return [sys.executable, "-c", LIVES, str(tmp_path / "held"), str(tmp_path / "begun")]


def test_it_ends_with_a_process_that_is_killed(tmp_path: Path, lives: list[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS, *lives]) as starter:
        wait_until_there(tmp_path / "begun")
        assert starter.poll() is None
        starter.kill()
    assert has_ended(tmp_path / "held")


def test_it_ends_with_the_block_that_it_was_started_for(tmp_path: Path, lives: list[str]) -> None:
    def run_and_fail() -> None:
        with bound_program.started(lives):
            wait_until_there(tmp_path / "begun")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_and_fail()
    assert has_ended(tmp_path / "held")


def test_its_words_and_its_status_are_its_own() -> None:
    says = "import sys; sys.stdout.write('not shown'); sys.stderr.write('no space'); sys.exit(7)"
    with bound_program.started([sys.executable, "-c", says]) as program:
        assert program.wait(PATIENCE_S) == 7
        assert program.stderr is not None
        assert program.stderr.read() == b"no space"


if sys.platform == "win32":

    @pytest.mark.parametrize("status", [0xC0000005, 0xC0000135])  # a crash; a missing DLL
    def test_it_ends_with_a_status_of_windows(status: int) -> None:
        ends = f"import ctypes; ctypes.windll.kernel32.ExitProcess({status})"
        with bound_program.started([sys.executable, "-c", ends]) as program:
            assert program.wait(PATIENCE_S) == status
            assert program.stderr is not None
            assert program.stderr.read() == b""


def test_one_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with bound_program.started([str(tmp_path / "none")]) as program:
        assert program.wait(PATIENCE_S) == 1
        assert program.stderr is not None
        words = program.stderr.read().decode(errors="replace")
    assert words.strip()
    assert "Traceback" not in words
