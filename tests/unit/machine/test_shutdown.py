"""A shutdown, and containers that take their time."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import DeadlineError, GuestError, HypervisorError, WrongStateError
from boot2docker_py.paths import find
from tests.fakes import FakeDriver
from tests.unit.machine.test_machine import House

BEGINS = "boot2docker: shutting down\n"
RUNS = "boot2docker: container web still runs, and has 600 s to end\n"
CUT = "boot2docker: container web was cut off\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(find({"BOOT2DOCKER_DIR": str(tmp_path / "home")}, tmp_path))
    house.machine.up(house.deadline())
    return house


def says(house: House, text: str) -> None:
    assert house.driver.spec is not None
    console: Path = house.driver.spec.console_log
    console.parent.mkdir(parents=True, exist_ok=True)
    console.write_text(text)


COMMANDS: list[Callable[[House], object]] = [
    lambda house: house.machine.down(house.deadline(20)),
    lambda house: house.machine.restart(house.deadline(20)),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_containers_with_time_left_at_the_deadline_are_named_and_go_on(
    house: House, command: Callable[[House], object]
) -> None:
    says(house, BEGINS + RUNS)
    house.driver.hears_power_button = False
    with pytest.raises(DeadlineError) as caught:
        command(house)
    assert "web" in caught.value.details
    assert house.driver.peek() is State.RUNNING


def test_containers_that_are_cut_off_by_force_are_named(house: House) -> None:
    says(house, BEGINS + RUNS)
    house.driver.hears_power_button = False
    with pytest.raises(DeadlineError) as caught:
        house.machine.down(house.deadline(20), force=True)
    assert "web" in caught.value.brief
    assert house.driver.peek() is State.OFF
    assert house.endpoint.is_resting


def test_containers_that_the_guest_cut_off_are_named_when_all_is_done(house: House) -> None:
    says(house, BEGINS + CUT)
    with pytest.raises(GuestError, match="web"):
        house.machine.restart(house.deadline())
    assert house.driver.peek() is State.RUNNING
    assert house.driver.memory == "boot 2"
    assert house.endpoint.is_running


def test_what_was_cut_off_is_told_once(house: House) -> None:
    says(house, BEGINS + CUT)
    with pytest.raises(GuestError):
        house.machine.down(house.deadline())
    house.machine.up(house.deadline())
    assert house.driver.peek() is State.RUNNING


def test_the_engine_hears_at_each_press_that_it_will_end(house: House) -> None:
    """A hold of the forwarder's has an end; containers may take longer."""
    house.driver.presses_to_hear = 3
    house.machine.down(house.deadline())
    assert house.endpoint.calls.count("expect_stop") == 3


class BreaksAtShutdown(FakeDriver):
    """A hypervisor that stops answering for its VM when its power button is pressed."""

    def shutdown(self) -> None:
        self.hangs_when_broken = True
        self.is_now(State.BROKEN)

    def power_off(self) -> None:
        self.is_now(State.OFF)


class Half(FakeDriver):
    """A VM without a data disk, which is broken as soon as it is off."""

    def shutdown(self) -> None:
        self.is_now(State.BROKEN)


class EndsBeforeThePress(FakeDriver):
    """A VM that powers off by itself between the question how it is and the power button."""

    def shutdown(self) -> None:
        self.is_now(State.OFF)
        raise HypervisorError("there is no process to talk to")


def of_kind(tmp_path: Path, kind: type[FakeDriver]) -> House:
    class Built(House):
        pass

    Built.kind = kind
    house = Built(find({"BOOT2DOCKER_DIR": str(tmp_path / "home")}, tmp_path))
    house.machine.up(house.deadline())
    return house


def test_a_vm_that_breaks_is_not_taken_for_off(tmp_path: Path) -> None:
    house = of_kind(tmp_path, BreaksAtShutdown)
    with pytest.raises(WrongStateError, match="broken"):
        house.machine.down(house.deadline())


def test_one_that_is_broken_when_it_is_off_is_off(tmp_path: Path) -> None:
    house = of_kind(tmp_path, Half)
    assert house.machine.down(house.deadline()) is State.RUNNING


def test_one_that_breaks_is_off_by_force(tmp_path: Path) -> None:
    house = of_kind(tmp_path, BreaksAtShutdown)
    house.machine.down(house.deadline(), force=True)
    assert house.driver.peek() is State.OFF


def test_one_that_ends_before_its_button_is_pressed_is_off(tmp_path: Path) -> None:
    house = of_kind(tmp_path, EndsBeforeThePress)
    house.machine.down(house.deadline())
    assert house.driver.peek() is State.OFF
