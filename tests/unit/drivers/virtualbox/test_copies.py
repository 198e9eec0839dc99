"""Copies on VirtualBox of every version: what they have of the source."""

from __future__ import annotations

import pytest

from boot2docker_py.drivers.model import Own, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import sessions
from boot2docker_py.errors import BusyError
from boot2docker_py.paths import VMPaths


def test_a_clone_has_the_format_and_the_nat_network_of_the_source(
    driver: VirtualBoxDriver, other: VirtualBoxDriver, spec: VMSpec, own: Own
) -> None:
    driver.create(spec._replace(disk_format="VDI", nat_network="10.9.8.0/24", docker_port=23456))
    other.clone(driver, own)
    source, clone = driver.describe(), other.describe()
    assert clone.disk.suffix == ".vdi"
    assert clone.nat_network == source.nat_network == "10.9.8.0/24"
    assert clone.docker_port not in (0, source.docker_port)


def test_a_vm_that_another_program_holds_keeps_its_files_when_it_is_not_renamed(
    driver: VirtualBoxDriver,
    vm_paths: VMPaths,
    other_paths: VMPaths,
    spec: VMSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver.create(spec)
    vm_paths.known_hosts.write_text("the pin of the VM")
    monkeypatch.setattr(sessions, "LOCK_TIMEOUT_S", 0.1)
    with sessions.held(driver.api, driver.machine()), pytest.raises(BusyError):
        driver.rename(other_paths)
    assert vm_paths.known_hosts.exists()
    assert not other_paths.folder.exists()
    driver.rename(other_paths)
    assert other_paths.known_hosts.read_text() == "the pin of the VM"
