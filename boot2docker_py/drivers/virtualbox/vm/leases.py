"""The address that a VM keeps on its host-only network, by a fixed lease of the DHCP server."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
from typing import Any

from boot2docker_py.drivers.base import HostOnly
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import network, versions

log = logging.getLogger(__name__)


def fix(api: API, machine: Any, adapter_name: str, wanted: HostOnly) -> None:
    """Give the machine an address of its own out of the range, which it keeps.

    Versions before 6.1 cannot; their DHCP server tends to give a MAC the same address again.
    """
    if not wanted.dhcp or not versions.has_fixed_leases(api):
        return
    server = network.server_of(api, adapter_name)
    if server is None:
        return
    _forget_lost(api, server)
    taken = {one.machineId: one.fixedAddress for one in api.array(server, "individualConfigs")}
    if _is_inside(taken.get(machine.id, ""), wanted):
        return
    address = next((one for one in _range(wanted) if one not in taken.values()), None)
    if address is None:
        log.warning("The host-only network has no address left that the VM could keep.")
        return
    versions.set_fixed_lease(api, server, machine, address)
    # A server that runs already, for another VM, reads it now; one that does not, when it starts.
    with contextlib.suppress(failures.APIError), failures.translated():
        server.restart()


def forget(api: API, machine: Any) -> None:
    """Take the fixed leases of a machine away."""
    if versions.has_fixed_leases(api):
        for server in api.array(api.virtualbox, "DHCPServers"):
            for lease in api.array(server, "individualConfigs"):
                if lease.machineId == machine.id:
                    lease.remove()


def _forget_lost(api: API, server: Any) -> None:
    known = {machine.id for machine in api.array(api.virtualbox, "machines")}
    for lease in api.array(server, "individualConfigs"):
        if lease.machineId and lease.machineId not in known:
            lease.remove()


def _is_inside(address: str, wanted: HostOnly) -> bool:
    return bool(address) and address in _range(wanted)


def _range(wanted: HostOnly) -> list[str]:
    first, last = (int(ipaddress.IPv4Address(one)) for one in (wanted.lower_ip, wanted.upper_ip))
    return [str(ipaddress.IPv4Address(number)) for number in range(first, last + 1)]
