"""A VM's place on a network that VMs have among themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.model import InternalNetwork
from boot2docker_py.errors import UsageError
from boot2docker_py.machine.internal_network import NUMBERS, joined
from boot2docker_py.paths import Paths, find
from boot2docker_py.wait import Deadline
from tests.fakes import FakeDriver, a_spec


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find({"BOOT2DOCKER_DIR": str(tmp_path)})


def on_the_cable(house: dict[str, FakeDriver], name: str, number: int) -> FakeDriver:
    driver = FakeDriver(name=name, house=house)
    driver.create(
        a_spec(Path("boot2docker.iso"))._replace(internal_network=InternalNetwork("cable", number))
    )
    return driver


def place_of(driver: FakeDriver, paths: Paths, network: str = "cable") -> InternalNetwork | None:
    with joined(driver, paths.vm(driver.name), network, Deadline(5)) as place:
        return place


def test_a_new_vm_gets_the_first_number_that_is_free(paths: Paths) -> None:
    house: dict[str, FakeDriver] = {}
    on_the_cable(house, "a", 1)
    on_the_cable(house, "b", 3)
    assert place_of(FakeDriver(name="c", house=house), paths) == InternalNetwork("cable", 2)


def test_what_a_killed_command_has_left_of_a_vm_gives_its_number_back(paths: Paths) -> None:
    house: dict[str, FakeDriver] = {}
    half_made = on_the_cable(house, "a", 1)
    half_made.remains = True
    assert place_of(half_made, paths) == InternalNetwork("cable", 1)
    assert not half_made.has_remains()


def test_half_made_vms_of_other_names_keep_theirs(paths: Paths) -> None:
    house: dict[str, FakeDriver] = {}
    on_the_cable(house, "a", 1).remains = True
    assert place_of(FakeDriver(name="b", house=house), paths) == InternalNetwork("cable", 2)
    assert house["a"].has_remains()


def test_a_network_has_an_end(paths: Paths) -> None:
    house: dict[str, FakeDriver] = {}
    for number in NUMBERS:
        on_the_cable(house, f"vm-{number}", number)
    with pytest.raises(UsageError, match="'cable' is full"):
        place_of(FakeDriver(name="one-more", house=house), paths)


def test_a_vm_without_a_network_has_no_place(paths: Paths) -> None:
    assert place_of(FakeDriver(name="a", house={}), paths, network="") is None
