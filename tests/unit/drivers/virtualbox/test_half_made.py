"""Half a VM, as the original leaves one when its `init` fails: it is no circle of advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import media, sessions, versions
from boot2docker_py.errors import WrongStateError
from tests.unit.drivers.virtualbox.server import Connection

NAME = "Jörg's vm"
IDENTITY = "8b7aa5c2-3b13-4a3c-8a0f-5c6a2ba4d9c1"


@pytest.fixture
def half(virtualbox: Connection, driver: VirtualBoxDriver) -> VirtualBoxDriver:
    """Register a VM without a disk."""
    api = virtualbox.api
    machine = versions.create_machine(api, NAME, IDENTITY)
    media.add_controller(api, machine)
    machine.save_settings()
    api.virtualbox.register_machine(machine)
    return driver


def test_what_has_no_disk_of_anybody_is_deleted(half: VirtualBoxDriver, spec: VMSpec) -> None:
    assert half.state() is State.BROKEN
    assert not half.hangs()
    half.delete()
    assert half.state() is State.ABSENT
    half.create(spec)
    assert half.state() is State.OFF


def test_what_has_a_disk_of_somebody_is_kept(
    virtualbox: Connection, half: VirtualBoxDriver, tmp_path: Path, spec: VMSpec
) -> None:
    api = virtualbox.api
    disk = media.make_disk(api, tmp_path / "precious.vmdk", b"", 10)
    machine = api.virtualbox.find_machine(NAME)
    with sessions.changed(api, machine) as changing:
        media.attach(api, changing, spec.iso, disk)
        changing.save_settings()
    with pytest.raises(WrongStateError, match="not made by boot2docker"):
        half.delete()
    assert half.state() is not State.ABSENT
