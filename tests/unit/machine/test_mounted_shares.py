"""A guest lets go of its shared folders while its memory is written, or nothing is begun."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import pytest

from boot2docker_py.drivers.model import Share, State
from boot2docker_py.errors import Boot2DockerError, HypervisorError, WrongStateError
from boot2docker_py.guest import mounted_shares
from boot2docker_py.machine.questions import Questions
from boot2docker_py.machine.resets import Resets
from boot2docker_py.paths import Paths
from boot2docker_py.ssh.connection import Result
from boot2docker_py.wait import Deadline
from tests.fakes import FakeDriver
from tests.unit.machine.test_machine import House, paths  # noqa: F401 - a fixture


class SharingDriver(FakeDriver):
    """A hypervisor that writes no memory while a share is mounted."""

    features = FakeDriver.features._replace(has_shared_folders=True, shares_forbid_saving=True)
    shared: Sequence[Share] = (Share("work", Path("/work")),)
    save_fails = False

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.guest = Guest(is_mounted=state in (State.RUNNING, State.PAUSED))

    def shares(self) -> Sequence[Share]:
        return self.shared

    def save(self) -> None:
        self._demand_released()
        super().save()

    def take_snapshot(self, name: str, *, memory: bool = True) -> None:
        if memory and self.peek() is State.RUNNING:
            self._demand_released()
        super().take_snapshot(name, memory=memory)

    def _demand_released(self) -> None:
        if self.guest.is_mounted or self.save_fails:
            raise HypervisorError("Migration is disabled")


class Guest:
    """The shared folders in a guest."""

    def __init__(self, *, is_mounted: bool) -> None:
        self.is_mounted = is_mounted
        self.is_used = False

    def release_shares(self, deadline: Deadline) -> None:
        if self.is_used:
            raise WrongStateError("they are in use")
        self.is_mounted = False

    def mount_shares(self, deadline: Deadline) -> None:
        self.is_mounted = True


class SharingHouse(House):
    def __init__(self, paths: Paths, state: State) -> None:  # noqa: F811
        super().__init__(paths, state)
        self.driver: SharingDriver = SharingDriver(state)
        self.machine: Resets = Resets(
            self.config,
            Questions(self.config.vm, self.driver),
            lambda: self.endpoint,
            self.images,
            self.paths,
            shares=lambda: self.driver.guest,
        )


def write_memory(house: SharingHouse, command: str) -> None:
    if command == "save":
        house.machine.save(house.deadline())
    else:
        house.machine.take_snapshot("clean", house.deadline())


def test_memory_is_saved_without_them_and_they_come_back(paths: Paths) -> None:  # noqa: F811
    house = SharingHouse(paths, State.RUNNING)
    house.machine.save(house.deadline())
    assert house.driver.peek() is State.SAVED
    assert not house.driver.guest.is_mounted
    house.machine.up(house.deadline())
    assert house.driver.guest.is_mounted


def test_a_paused_vm_goes_on_to_be_asked(paths: Paths) -> None:  # noqa: F811
    house = SharingHouse(paths, State.PAUSED)
    house.machine.save(house.deadline())
    assert house.driver.peek() is State.SAVED


def test_a_live_snapshot_is_taken_without_them(paths: Paths) -> None:  # noqa: F811
    house = SharingHouse(paths, State.RUNNING)
    house.machine.take_snapshot("clean", house.deadline())
    assert house.driver.peek() is State.RUNNING
    assert house.driver.guest.is_mounted
    house.driver.guest.is_mounted = False  # as in the memory of the snapshot
    house.machine.reset_to("clean", house.deadline())
    assert house.driver.guest.is_mounted


def test_a_snapshot_of_a_paused_vm_says_what_is_in_the_way(paths: Paths) -> None:  # noqa: F811
    house = SharingHouse(paths, State.PAUSED)
    with pytest.raises(WrongStateError):
        house.machine.take_snapshot("clean", house.deadline())
    assert not house.driver.snapshots()


def test_a_snapshot_of_the_disk_alone_leaves_them_in_use(paths: Paths) -> None:  # noqa: F811
    house = SharingHouse(paths, State.RUNNING)
    house.driver.guest.is_used = True
    house.machine.take_snapshot("disk", house.deadline(), memory=False)
    assert house.driver.guest.is_mounted


@pytest.mark.parametrize("command", ["save", "snapshot"])
def test_while_something_uses_them_nothing_is_begun(paths: Paths, command: str) -> None:  # noqa: F811
    house = SharingHouse(paths, State.RUNNING)
    house.endpoint.is_running = True
    house.driver.guest.is_used = True
    with pytest.raises(WrongStateError, match="in use"):
        write_memory(house, command)
    assert house.driver.peek() is State.RUNNING
    assert house.driver.guest.is_mounted
    assert not house.endpoint.is_resting


@pytest.mark.parametrize("command", ["save", "snapshot"])
def test_after_a_failure_they_are_there_again(paths: Paths, command: str) -> None:  # noqa: F811
    house = SharingHouse(paths, State.RUNNING)
    house.driver.save_fails = True
    with pytest.raises(Boot2DockerError):
        write_memory(house, command)
    assert house.driver.guest.is_mounted


def test_a_vm_without_shares_is_asked_nothing(paths: Paths) -> None:  # noqa: F811
    house = SharingHouse(paths, State.RUNNING)
    house.driver.shared = ()
    house.driver.guest.is_mounted, house.driver.guest.is_used = False, True
    house.machine.save(house.deadline())
    house.machine.up(house.deadline())
    assert not house.driver.guest.is_mounted


class Shell:
    """A guest's answers to what is run there, by the word that asks."""

    def __init__(self, **answers: Result) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def run(self, command: str, *, timeout_s: float) -> Result:
        word = command.split(mounted_shares.PROGRAM)[-1].split(";")[0].strip()
        self.asked.append(word)
        return self.answers.get(word, Result(0, b"", b""))


def release(shell: Shell) -> None:
    mounted_shares.release(shell, Deadline(10))  # type: ignore[arg-type]


def test_who_uses_them_is_named_with_what_to_type() -> None:
    shell = Shell(holders=Result(0, b"container web\ncontainer db\nprocess 7 bash\n", b""))
    with pytest.raises(WrongStateError) as caught:
        release(shell)
    assert "container web, container db, process 7 bash" in caught.value.details
    assert "docker stop web db\n" in caught.value.resolution
    assert shell.asked == ["holders"]


def test_a_use_that_began_in_between_is_named() -> None:
    shell = Shell(release=Result(1, b"", b"busy"))
    with pytest.raises(WrongStateError) as caught:
        release(shell)
    assert "a program of the VM" in caught.value.details


def test_a_guest_that_tells_without_end_is_cut() -> None:
    shell = Shell(
        holders=Result(0, b"container " + b"x" * 5000 + b"\n" + b"process 1 a\n" * 900, b"")
    )
    with pytest.raises(WrongStateError) as caught:
        release(shell)
    assert len(caught.value.details) < 3000


def test_a_name_that_no_container_has_is_not_typed_into_a_shell() -> None:
    told = b"container x; rm -rf ~\ncontainer $(reboot)\ncontainer web.1_a-b\n"
    with pytest.raises(WrongStateError) as caught:
        release(Shell(holders=Result(0, told, b"")))
    assert caught.value.resolution.splitlines()[0] == "docker stop web.1_a-b"
    with pytest.raises(WrongStateError) as caught:
        release(Shell(holders=Result(0, b"container x; rm -rf ~\n", b"")))
    assert caught.value.resolution.splitlines()[0] == "End it in the VM"
