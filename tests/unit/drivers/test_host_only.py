"""Which host-only adapter is the VM's, where the adapters are as only Windows makes them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from boot2docker_py.drivers.base import HostOnly
from boot2docker_py.drivers.virtualbox.vm import network
from boot2docker_py.errors import NetworkError

WANTED = HostOnly(
    *("auto", "192.168.59.3", "255.255.255.0", True),
    *("192.168.59.99", "192.168.59.103", "192.168.59.254"),
)


class Host:
    """The adapters of a host, as far as they are looked at."""

    def __init__(self, *adapters: SimpleNamespace) -> None:
        self.virtualbox = SimpleNamespace(host="host")
        self._adapters = adapters

    def number(self, _enumeration: str, _member: str) -> int:
        return 2

    def array(self, _thing: object, attribute: str) -> list[SimpleNamespace]:
        return list(self._adapters) if attribute == "networkInterfaces" else []


def adapter(name: str, identity: str, address: str) -> SimpleNamespace:
    return SimpleNamespace(
        name=name,
        id=identity,
        IPAddress=address,
        interfaceType=2,
        networkName=f"HostInterfaceNetworking-{name}",
    )


def found(known_id: str, *adapters: SimpleNamespace) -> Any:
    host: Any = Host(*adapters)
    return network._find(host, WANTED, known_id)


def test_one_that_was_renamed_and_re_addressed_is_known_by_its_identity() -> None:
    moved = adapter("Ethernet 7", "guid-7", "169.254.1.2")
    other = adapter("Host-Only #2", "guid-2", "192.168.99.1")
    assert found("guid-7", other, moved) is moved


def test_the_address_goes_before_an_identity_of_before() -> None:
    old, new = adapter("old", "guid-1", "169.254.1.2"), adapter("new", "guid-2", "192.168.59.3")
    assert found("guid-1", old, new) is new


def test_adapters_of_one_name_are_told_apart_by_nobody() -> None:
    twins = [adapter("Host-Only", f"guid-{n}", f"192.168.{n}.1") for n in (59, 60)]
    with pytest.raises(NetworkError, match="called 'Host-Only'"):
        found("guid-59", *twins)


def test_strangers_are_not_taken() -> None:
    assert found("", adapter("Host-Only", "guid-2", "192.168.99.1")) is None
