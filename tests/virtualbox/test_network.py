"""The host-only network of the driver: adapters and DHCP servers of a real VirtualBox."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import HostOnly, State, VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import network
from boot2docker_py.errors import NetworkError
from tests.virtualbox.test_driver import api, driver, paths, spec  # noqa: F401 - fixtures

WANTED = HostOnly(
    *("auto", "192.168.59.3", "255.255.255.0", True),
    *("192.168.59.99", "192.168.59.103", "192.168.59.254"),
)


@pytest.fixture(autouse=True)
def clean(api: API) -> Iterator[None]:  # noqa: F811
    yield
    Path("/run/no-host-only-adapters").unlink(missing_ok=True)
    for name in addresses(api):
        subprocess.run(["VBoxManage", "hostonlyif", "remove", name], check=True)
    network.remove_orphans(api)


def addresses(api: API) -> dict[str, str]:  # noqa: F811
    host_only = api.library.HostNetworkInterfaceType.host_only
    found = api.virtualbox.host.network_interfaces
    return {one.name: one.ip_address for one in found if one.interface_type == host_only}


def servers(api: API) -> list[tuple[str, str, str]]:  # noqa: F811
    found = api.virtualbox.dhcp_servers
    return [(one.ip_address, one.lower_ip, one.upper_ip) for one in found]


def test_one_adapter_is_made_and_used_again(api: API) -> None:  # noqa: F811
    assert network.ensure(api, WANTED) == network.ensure(api, WANTED) == "vboxnet0"
    assert addresses(api) == {"vboxnet0": "192.168.59.3"}
    assert servers(api) == [("192.168.59.99", "192.168.59.103", "192.168.59.254")]


def test_an_adapter_that_was_re_addressed_is_repaired(api: API) -> None:  # noqa: F811
    name = network.ensure(api, WANTED)
    for words in (["flush", "dev", name], ["add", "169.254.7.7/16", "dev", name]):
        subprocess.run(["ip", "address", *words], check=True)
    assert network.ensure(api, WANTED) == name
    assert addresses(api) == {name: "192.168.59.3"}


def test_the_dhcp_server_of_a_lost_adapter_goes(api: API) -> None:  # noqa: F811
    name = network.ensure(api, WANTED)
    subprocess.run(["ip", "link", "delete", name], check=True)
    network.ensure(api, WANTED)
    assert len(servers(api)) == 1


def test_a_network_in_use_is_named_and_nothing_is_made(api: API) -> None:  # noqa: F811
    for words in (
        ["link", "add", "office0", "type", "bridge"],
        ["address", "add", "192.168.59.200/24", "dev", "office0"],
        ["link", "set", "office0", "up"],
    ):
        subprocess.run(["ip", *words], check=True)
    try:
        with pytest.raises(NetworkError, match="office0"):
            network.ensure(api, WANTED)
    finally:
        subprocess.run(["ip", "link", "delete", "office0"], check=True)
    assert addresses(api) == {}


def test_auto_goes_on_without_an_adapter_and_required_does_not(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    Path("/run/no-host-only-adapters").touch()
    required = WANTED._replace(mode="required")
    with pytest.raises(NetworkError, match="host-only"):
        driver.create(spec._replace(host_only=required))
    assert driver.state() is State.ABSENT
    driver.create(spec._replace(host_only=WANTED))
    assert "no host-only network" in caplog.text


def test_a_start_that_fails_by_the_host_only_adapter_is_tried_without(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without a kernel driver VirtualBox refuses to attach one, as it does on broken hosts."""
    driver.create(spec._replace(host_only=WANTED))
    driver.start()
    assert driver.state() is State.RUNNING
    assert "without its host-only network" in caplog.text
