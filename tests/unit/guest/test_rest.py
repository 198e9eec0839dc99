"""A guest that is waited for until it has nothing to do, and not for ever."""

from __future__ import annotations

from typing import Any

import pytest

from boot2docker_py.guest import rest
from boot2docker_py.ssh.connection import Result
from boot2docker_py.wait import Deadline
from tests.fakes import FakeClock, FakeConnection
from tests.unit.ssh.real_sshd import Sshd

IDLE = "cpu  100 0 50 900 7 1 1 0 0 0\n"


class Telling(FakeConnection):
    """A guest that says the same each time, a second later."""

    def __init__(self, told: str, clock: FakeClock) -> None:
        super().__init__()
        self._told, self._clock = told, clock

    def run(self, command: Any, *, stdin: bytes = b"", timeout_s: float) -> Result:
        self.commands.append(command)
        self._clock.sleep(1.0)
        return Result(0, self._told.encode(), b"")


def looks_at(told: str, within_s: float) -> int:
    clock = FakeClock()
    guest: Any = Telling(told, clock)
    rest.wait(guest, Deadline(within_s, clock))
    return len(guest.commands)


def test_one_that_rests_is_looked_at_once() -> None:
    assert looks_at(IDLE + IDLE.replace("900", "999"), 5.0) == 1


def test_one_that_only_waits_for_its_disk_rests() -> None:
    assert looks_at(IDLE + IDLE.replace(" 7 ", " 107 "), 5.0) == 1


@pytest.mark.parametrize("busy", ["cpu  150", "cpu  300"])
def test_one_that_never_rests_is_not_waited_for_for_ever(busy: str) -> None:
    assert looks_at(IDLE + IDLE.replace("cpu  100", busy), 5.0) == 4


@pytest.mark.parametrize(
    "told",
    ["", IDLE, "cpu\ncpu\n", IDLE + "cpu  x 0 5 9 7 1 1\n", IDLE + "cpu  -1 0 5 9 7 1 1\n"],
)
def test_one_that_does_not_tell_is_not_waited_for(told: str) -> None:
    assert looks_at(told, 5.0) == 1


def test_a_linux_tells(sshd: Sshd) -> None:
    with sshd.connect() as connection:
        used = rest.used_cpu(connection, 60.0)
    assert used is not None
    assert used >= 0
