"""The watch over calls that wait for a server that has ended."""

from __future__ import annotations

import pytest

from boot2docker_py.drivers.virtualbox.binding.server import ABSENT_FOR_S, Watch, ages_of
from boot2docker_py.errors import HypervisorEndedError


class Host:
    """Processes of a host and its clock, and what the watch has reported."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.started_at: list[float] = []
        self.told: list[HypervisorEndedError] = []
        self.questions = 0
        self.watch = Watch(self.told.append, self.ages_s, lambda: self.now_s)

    def ages_s(self) -> list[float]:
        self.questions += 1
        return [self.now_s - started_at for started_at in self.started_at]

    def look(self, times: int) -> None:
        for _time in range(times):
            self.now_s += 1
            self.watch.look()


@pytest.fixture
def host() -> Host:
    """Return a host with the server that we are connected to, and one of somebody else."""
    host = Host()
    host.started_at = [990.0, 500.0]
    host.watch.connected()
    return host


def test_a_call_that_outlives_the_server_is_told_once(host: Host) -> None:
    with host.watch.calling():
        host.look(5)
        host.started_at.clear()
        host.look(ABSENT_FOR_S - 1)
        assert not host.told
        host.look(20)
    assert [error.exit_status for error in host.told] == [6]


def test_a_server_that_another_command_has_started_is_not_ours(host: Host) -> None:
    with host.watch.calling():
        host.look(5)
        host.started_at[:] = [host.now_s]
        host.look(ABSENT_FOR_S)
    assert host.told


def test_a_long_call_to_a_living_server_is_let_be(host: Host) -> None:
    with host.watch.calling():
        host.look(100_000)
    assert not host.told


def test_a_server_that_ends_between_two_calls_is_left_to_the_next_one(host: Host) -> None:
    host.started_at.clear()
    host.look(100)
    for _call in range(100):
        with host.watch.calling():
            host.look(1)
    assert not host.told
    assert not host.questions, "quick calls cost nothing"


def test_a_call_within_a_call_is_the_same(host: Host) -> None:
    host.started_at.clear()
    with host.watch.calling():
        for _call in range(ABSENT_FOR_S + 1):
            with host.watch.calling():
                host.look(1)
    assert host.told


def test_connecting_has_time_to_start_a_server() -> None:
    host = Host()
    with host.watch.calling():
        host.look(ABSENT_FOR_S)
        host.started_at.append(host.now_s)
        host.look(100)
        assert not host.told
        host.started_at.clear()
        host.look(ABSENT_FOR_S)
    assert host.told


def test_ages_are_read_from_ps() -> None:
    told = """
      03:07 /Applications/VirtualBox.app/Contents/MacOS/VBoxSVC
   01:00:00 VBoxSVC
2-01:00:01 /Applications/VirtualBox.app/Contents/MacOS/VBoxSVC
      00:01 /Applications/VirtualBox.app/Contents/MacOS/VBoxHeadless
      00:09 grep VBoxSVC
"""
    assert ages_of(told) == [187.0, 3600.0, 176401.0]
