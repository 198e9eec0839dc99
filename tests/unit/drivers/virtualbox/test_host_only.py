"""Which host-only adapter is the VM's, where the adapters are as only Windows makes them."""

from __future__ import annotations

import pytest

from boot2docker_py.drivers.model import HostOnly
from boot2docker_py.drivers.virtualbox.vm import network
from boot2docker_py.errors import NetworkError
from tests.unit.drivers.virtualbox.server import Connection, Interface

WANTED = HostOnly(
    *("auto", "192.168.59.3", "255.255.255.0", True),
    *("192.168.59.99", "192.168.59.103", "192.168.59.254"),
)


def adapter(name: str, identity: str, address: str) -> Interface:
    made = Interface(name, "HostOnly", address)
    made.change("id", identity)
    return made


def found(virtualbox: Connection, known_id: str, *adapters: Interface) -> str | None:
    virtualbox.server.host.change("networkInterfaces", list(adapters))
    adapter = network.find(virtualbox.api, WANTED, known_id)
    return adapter and str(adapter.name)


def test_an_adapter_that_was_renamed_and_re_addressed_is_known_by_its_identity(
    virtualbox: Connection,
) -> None:
    moved = adapter("Ethernet 7", "guid-7", "169.254.1.2")
    other = adapter("Host-Only #2", "guid-2", "192.168.99.1")
    assert found(virtualbox, "guid-7", other, moved) == "Ethernet 7"


def test_the_address_goes_before_an_identity_of_before(virtualbox: Connection) -> None:
    old, new = adapter("old", "guid-1", "169.254.1.2"), adapter("new", "guid-2", "192.168.59.3")
    assert found(virtualbox, "guid-1", old, new) == "new"


def test_adapters_of_one_name_cannot_be_told_apart(virtualbox: Connection) -> None:
    twins = [adapter("Host-Only", f"guid-{n}", f"192.168.{n}.1") for n in (59, 60)]
    with pytest.raises(NetworkError, match="called 'Host-Only'"):
        found(virtualbox, "guid-59", *twins)


def test_adapters_of_strangers_are_not_taken(virtualbox: Connection) -> None:
    assert found(virtualbox, "", adapter("Host-Only", "guid-2", "192.168.99.1")) is None


def test_what_is_wrong_with_an_adapter_is_named_and_repaired(virtualbox: Connection) -> None:
    ours = adapter("vboxnet0", "guid-0", "169.254.1.2")
    virtualbox.server.host.change("networkInterfaces", [ours])
    assert "has the address 169.254.1.2/" in network.problem(virtualbox.api, WANTED, "guid-0")
    network.repair(virtualbox.api, WANTED, "guid-0")
    assert network.problem(virtualbox.api, WANTED, "guid-0") == ""
    server = network.server_of(virtualbox.api, "vboxnet0")
    assert server is not None
    server.enabled = False
    assert "no DHCP server" in network.problem(virtualbox.api, WANTED, "guid-0")
    network.repair(virtualbox.api, WANTED, "guid-0")
    assert network.problem(virtualbox.api, WANTED, "guid-0") == ""


def test_an_adapter_that_is_gone_is_not_made_by_a_repair(virtualbox: Connection) -> None:
    virtualbox.server.host.change("networkInterfaces", [])
    assert "there is no host-only adapter" in network.problem(virtualbox.api, WANTED, "guid-0")
    with pytest.raises(NetworkError, match="there is no host-only adapter"):
        network.repair(virtualbox.api, WANTED, "guid-0")
