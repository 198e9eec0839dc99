"""The host-only adapter of a VM: found again, never by chance, with an address that stays."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import network
from boot2docker_py.errors import NetworkError
from boot2docker_py.paths import Paths
from tests.virtualbox.test_driver import _vboxmanage, api, driver, paths, spec  # noqa: F401
from tests.virtualbox.test_network import WANTED, addresses, clean  # noqa: F401


def _leases(api: API) -> dict[str, str]:  # noqa: F811
    found = {}
    for server in api.virtualbox.dhcp_servers:
        for lease in server.individual_configs:
            found[lease.machine_id] = lease.fixed_address
    return found


def test_each_vm_keeps_an_address_and_gives_it_back(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    api: API,  # noqa: F811
    tmp_path: Path,
) -> None:
    other_paths = Paths(home=tmp_path / "other", user_home=tmp_path).vm(
        f"other {uuid.uuid4().hex[:8]}"
    )
    other = VirtualBoxDriver(other_paths, api)
    wanted = spec._replace(host_only=WANTED)
    driver.create(wanted)
    other.create(wanted)
    one, two = driver.describe().uuid, other.describe().uuid
    assert _leases(api) == {one: "192.168.59.103", two: "192.168.59.104"}
    driver.delete()
    assert _leases(api) == {two: "192.168.59.104"}
    driver.create(wanted)
    assert _leases(api) == {driver.describe().uuid: "192.168.59.103", two: "192.168.59.104"}
    other.delete()


def test_no_fixed_address_without_dhcp(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    api: API,  # noqa: F811
) -> None:
    driver.create(spec._replace(host_only=WANTED._replace(dhcp=False)))
    assert _leases(api) == {}


def test_the_mac_is_that_of_the_second_adapter(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    assert driver.host_only_mac() == ""
    driver.delete()
    driver.create(spec._replace(host_only=WANTED))
    command = ["VBoxManage", "showvminfo", driver.describe().name, "--machinereadable"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    digits = driver.host_only_mac().replace(":", "").upper()
    assert f'macaddress2="{digits}"' in told


def test_two_adapters_with_the_address_are_named_and_none_is_picked(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    api: API,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    network.ensure(api, WANTED)
    _vboxmanage("hostonlyif", "create")
    subprocess.run(["ip", "address", "add", "192.168.59.3/24", "dev", "vboxnet1"], check=True)
    before = addresses(api)
    assert before == {"vboxnet0": "192.168.59.3", "vboxnet1": "192.168.59.3"}
    required = WANTED._replace(mode="required")
    with pytest.raises(NetworkError, match="2 host-only adapters") as caught:
        driver.create(spec._replace(host_only=required))
    assert caught.value.details == "'vboxnet0', 'vboxnet1'"
    assert "hostonlyif remove" in caught.value.resolution
    driver.create(spec._replace(host_only=WANTED))
    assert driver.host_only_mac() == ""
    assert "2 host-only adapters" in caplog.text
    assert addresses(api) == before


def test_a_renamed_adapter_is_found_and_the_vm_pointed_to_it(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    api: API,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver.create(spec._replace(host_only=WANTED))
    rename = (
        "ip link set vboxnet0 down; ip link set vboxnet0 name vboxnet5; ip link set vboxnet5 up"
    )
    subprocess.run(["sh", "-ec", rename], check=True)
    driver.start()  # which in this bed takes the adapter out again
    assert driver.state() is State.RUNNING
    assert "HostInterfaceNetworking-vboxnet5" in caplog.text
    assert addresses(api) == {"vboxnet5": "192.168.59.3"}
    assert _leases(api) == {driver.describe().uuid: "192.168.59.103"}
