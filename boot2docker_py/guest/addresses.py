"""The guest's addresses, asked of it; an adapter is known by its MAC, not by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boot2docker_py.errors import GuestError

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

COMMAND = "ip addr show"  # of iproute2 and of busybox alike


def of_mac(connection: Connection, mac: str, deadline: Deadline) -> str | None:
    """Return the IPv4 address of the guest's adapter, None when it has none.

    Raises:
        GuestError: the guest does not tell.
    """
    result = connection.run(COMMAND, timeout_s=deadline.remaining_s())
    if result.status != 0:
        raise GuestError(
            "the VM does not tell its addresses",
            details=f"{COMMAND}: {result.stderr.decode(errors='replace').strip()}",
        )
    return parse(result.stdout.decode(errors="replace"), mac)


def parse(told: str, mac: str) -> str | None:
    """Return the first IPv4 address of the adapter with the MAC in what `ip addr show` said."""
    is_it = False
    for line in told.splitlines():
        words = line.lower().split()
        if not line[:1].isspace():  # a new adapter begins
            is_it = False
        elif words[:1] == ["link/ether"]:
            is_it = words[1:2] == [mac.lower()]
        elif words[:1] == ["inet"] and is_it:
            return _address(words[1] if len(words) > 1 else "")
    return None


def _address(word: str) -> str:
    """Return the address of `ADDRESS/BITS`; scripts and browsers take it as it is."""
    import ipaddress

    try:
        return str(ipaddress.IPv4Address(word.partition("/")[0]))
    except ValueError as error:
        raise GuestError("the VM does not tell its addresses", details=str(error)) from error
