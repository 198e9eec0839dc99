"""The guest's clock, compared with this machine's whenever the engine has come up."""

from __future__ import annotations

import time

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import GuestError
from boot2docker_py.guest import clock
from boot2docker_py.wait import Deadline
from tests.conftest import Boot2Docker
from tests.fakes import FakeConnection, FakeDriver, FakeEndpoint, FakeSession


def session(off_s: float) -> FakeSession:
    endpoint = FakeEndpoint()
    endpoint.clock_is_off_s = off_s
    return FakeSession(FakeDriver(State.RUNNING), endpoint)


@pytest.mark.parametrize("command", ["up", "restart", "reset", "shell"])
def test_clock_that_is_off_is_set_and_said(boot2docker: Boot2Docker, command: str) -> None:
    slow = session(-3600)
    answer = boot2docker([command], slow)
    assert answer.status == 0
    assert "The clock of the VM was 60 min slow, and is set." in answer.err
    (words,) = slow.connection.commands
    assert words[:-1] == ["sudo", "-n", "date", "-u", "-s"]
    assert abs(int(words[-1][1:]) - time.time()) < 60


class Busy(FakeEndpoint):
    """Its forwarder is long about the clock, which it has read before others set it."""

    def wait_for_clock(self) -> None:
        raise AssertionError("there is nothing to wait for")


def test_clock_that_is_right_is_left_alone_and_costs_no_wait(boot2docker: Boot2Docker) -> None:
    right = FakeSession(FakeDriver(State.RUNNING), Busy())
    answer = boot2docker(["up"], right)
    assert "clock" not in answer.err
    assert right.connection.commands == []


def test_clock_that_the_forwarder_is_setting_is_waited_for(boot2docker: Boot2Docker) -> None:
    slow = session(-3600)
    slow.endpoint.sets_clock = True
    assert boot2docker(["up"], slow).status == 0
    assert slow.connection.commands == []


def test_clock_that_cannot_be_set_is_a_warning(boot2docker: Boot2Docker) -> None:
    class Refusing(FakeConnection):
        def run(self, command: object, *, stdin: bytes = b"", timeout_s: float) -> None:  # type: ignore[override]
            raise GuestError("no", details="really")

    fast = session(120)
    fast.connection = Refusing()
    answer = boot2docker(["up"], fast)
    assert answer.status == 0
    assert "warning: The clock of the VM is 2 min fast. no: really" in answer.err


def test_host_that_has_lost_its_clock_is_no_example(caplog: pytest.LogCaptureFixture) -> None:
    lost = session(0)
    lost.endpoint.is_running = True
    deadline = Deadline(10)
    was_set = clock.keep_right(lost.endpoint, lambda: lost.connection, deadline, lambda: 1e9)  # type: ignore[arg-type, return-value]
    assert (was_set, lost.connection.commands) == (False, [])
    assert "The clock of this machine cannot be right" in caplog.text


@pytest.mark.parametrize(
    ("skew_s", "words"),
    [(-3, "3 s slow"), (150, "2 min fast"), (-90_000, "25 h slow"), (31_536_000, "365 days fast")],
)
def test_said(skew_s: float, words: str) -> None:
    assert clock.said(skew_s) == words
