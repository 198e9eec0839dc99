"""The addresses of the guest, as it tells them itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.guest.ssh import Connection

HOST_ONLY_ADDRESS = "ip -4 -o addr show dev eth1 scope global"


def host_only_address(connection: Connection, deadline: Deadline) -> str | None:
    """Return the address on the host-only adapter, None where there is none."""
    result = connection.run(HOST_ONLY_ADDRESS, timeout_s=deadline.remaining_s())
    told = result.stdout.decode().split()
    return told[told.index("inet") + 1].partition("/")[0] if "inet" in told else None
