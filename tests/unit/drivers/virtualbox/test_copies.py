"""Copies on VirtualBox of every version: what they have of the source."""

from __future__ import annotations

from boot2docker_py.drivers.model import Own, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver


def test_a_clone_has_the_format_and_the_nat_network_of_the_source(
    driver: VirtualBoxDriver, other: VirtualBoxDriver, spec: VMSpec, own: Own
) -> None:
    driver.create(spec._replace(disk_format="VDI", nat_network="10.9.8.0/24", docker_port=23456))
    other.clone(driver, own)
    source, clone = driver.describe(), other.describe()
    assert clone.disk.suffix == ".vdi"
    assert clone.nat_network == source.nat_network == "10.9.8.0/24"
    assert clone.docker_port not in (0, source.docker_port)
