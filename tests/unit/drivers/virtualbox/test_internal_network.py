"""Whose internal network is which, on VirtualBox of every version."""

from __future__ import annotations

import pytest

from boot2docker_py.drivers.model import HostOnly, InternalNetwork, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import network
from boot2docker_py.errors import HypervisorError
from tests.unit.drivers.virtualbox.models import NetworkAdapter
from tests.unit.drivers.virtualbox.server import Connection

HOST_ONLY = HostOnly(
    *("auto", "192.168.59.3", "255.255.255.0", True),
    *("192.168.59.99", "192.168.59.103", "192.168.59.254"),
)
CABLE = InternalNetwork("cable", 1)


def third_card(virtualbox: Connection) -> NetworkAdapter:
    return virtualbox.server.registered[0].getNetworkAdapter(2)


@pytest.mark.parametrize(
    "change",
    [
        {"internalNetwork": "cable"},  # of another program
        {"internalNetwork": "boot2docker-00000000-cable"},  # of another user
        {"MACAddress": "080027000001"},
        {"MACAddress": ""},
        {"enabled": False},
        {"attachmentType": "Bridged"},
    ],
)
def test_a_card_that_is_not_as_we_make_it_is_on_no_network_of_ours(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec, change: dict[str, object]
) -> None:
    driver.create(spec._replace(internal_network=CABLE))
    assert driver.describe().internal_network == CABLE
    vars(third_card(virtualbox)).update(change)
    assert driver.describe().internal_network is None
    assert driver.numbers_on("cable") == set()


def test_a_network_that_fails_does_not_cost_the_host_only_one(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    driver.create(spec._replace(internal_network=CABLE, host_only=HOST_ONLY))
    name = third_card(virtualbox).internalNetwork
    refusal = f"Failed to open/create the internal network '{name}' (VERR_INTNET_INCOMPATIBLE)."
    virtualbox.server.start_refusals.append(refusal)
    with pytest.raises(HypervisorError) as caught:
        driver.start()
    assert name in caught.value.details
    assert network.is_attached(virtualbox.api, driver.machine())
