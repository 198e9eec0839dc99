"""The address of an adapter, from what guests tell."""

from __future__ import annotations

import pytest

from boot2docker_py.errors import GuestError
from boot2docker_py.guest.addresses import parse

OURS = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast state UP group default
    link/ether 08:00:27:0a:0b:0c brd ff:ff:ff:ff:ff:ff
    altname enp0s3
    inet 10.0.2.15/24 brd 10.0.2.255 scope global dynamic eth0
       valid_lft 86343sec preferred_lft 86343sec
3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast state UP group default
    link/ether 08:00:27:de:ad:01 brd ff:ff:ff:ff:ff:ff
    inet 192.168.59.103/24 brd 192.168.59.255 scope global dynamic eth1
       valid_lft 543sec preferred_lft 543sec
    inet6 fe80::a00:27ff:fede:ad01/64 scope link
       valid_lft forever preferred_lft forever
4: docker0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group default
    link/ether 02:42:53:f5:5d:8a brd ff:ff:ff:ff:ff:ff
    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0
"""

# Of busybox in boot2docker v1.8.0; its adapters may come in another order.
ORIGINAL = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
3: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast qlen 1000
    link/ether 08:00:27:de:ad:01 brd ff:ff:ff:ff:ff:ff
    inet 192.168.59.104/24 brd 192.168.59.255 scope global eth0
4: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast qlen 1000
    link/ether 08:00:27:0a:0b:0c brd ff:ff:ff:ff:ff:ff
    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth1
"""

WITHOUT = OURS.replace(
    "    inet 192.168.59.103/24 brd 192.168.59.255 scope global dynamic eth1\n", ""
)


@pytest.mark.parametrize(
    ("told", "address"),
    [(OURS, "192.168.59.103"), (ORIGINAL, "192.168.59.104"), (WITHOUT, None), ("", None)],
    ids=["ours", "the original's", "no lease", "nothing"],
)
def test_the_address_is_that_of_the_adapter_with_the_mac(told: str, address: str | None) -> None:
    assert parse(told, "08:00:27:DE:AD:01") == address


def test_another_mac_has_none() -> None:
    assert parse(OURS, "08:00:27:00:00:00") is None


MAC = "08:00:27:de:ad:01"


@pytest.mark.parametrize(
    "word",
    ["$(id)`x`;rm\x1b[31m/24", "1.2.3", "999.1.1.1/8", "1.2.3.4.5", "\u0661.1.1.1/8", "", "::1/64"],
)
def test_what_is_no_address_is_not_believed(word: str) -> None:
    """Scripts put it into a command line: http://$(boot2docker ip)."""
    with pytest.raises(GuestError):
        parse(f"2: eth0:\n    link/ether {MAC}\n    inet {word}\n", MAC)


@pytest.mark.parametrize(
    "told", ["", "\n\n", " \n", "2:\n  link/ether\n  inet\n", "  inet\n", "\x00"]
)
def test_what_tells_nothing(told: str) -> None:
    assert parse(told, MAC) is None
