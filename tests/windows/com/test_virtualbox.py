"""The rules for every driver, on VirtualBox through COM: real pywin32, real marshalling."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import VMSpec
from boot2docker_py.drivers.virtualbox.binding import failures, pyvbox
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.binding.numbers import is_alias
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.paths import Paths, VMPaths
from tests.driver_contract import HostContract, SnapshotContract
from tests.fakes import a_spec
from tests.unit.drivers.virtualbox import profile
from tests.windows.com.serving import VERSION, WHY_NOT, connected

pytestmark = pytest.mark.skipif(not VERSION, reason=WHY_NOT)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[API]:
    with connected(tmp_path_factory.mktemp("VirtualBox VMs")) as api:
        yield api


@pytest.fixture
def spec(tmp_path: Path) -> VMSpec:
    iso = tmp_path / "blank, really.iso"
    iso.write_bytes(bytes(1 << 20))
    return a_spec(iso)


@pytest.fixture
def vm_paths(tmp_path: Path) -> VMPaths:
    return Paths(home=tmp_path / "home", user_home=tmp_path).vm(f"Jörg's vm {uuid.uuid4().hex[:8]}")


@pytest.fixture
def driver(api: API, vm_paths: VMPaths) -> Iterator[VirtualBoxDriver]:
    driver = VirtualBoxDriver(vm_paths, api)
    yield driver
    driver.delete()


class TestContract(HostContract, SnapshotContract):
    """The rules for every driver."""

    can_leave_memory_out = False


def test_the_numbers_are_those_of_the_registered_type_library(api: API) -> None:
    found = {one.__name__: one for one in pyvbox.enumerations(api.library)}
    for name, members in profile.of(VERSION).enumerations.items():
        for member, number in members.items():
            assert name not in found or is_alias(member) or str(found[name](number)) == member
    assert str(api.library.MachineState(6)) == {"6.1": "Paused", "7.2": "Running"}[VERSION]


def test_a_refusal_has_the_code_and_the_words_of_virtualbox(api: API) -> None:
    with pytest.raises(failures.APIError) as caught, failures.translated():
        api.virtualbox.find_machine("none")
    assert caught.value.result_code == failures.OBJECT_NOT_FOUND
    assert "Could not find a registered machine named 'none'" in caught.value.details


def test_an_array_that_is_empty_is_a_list(api: API) -> None:
    assert api.virtualbox.dhcp_servers == []
