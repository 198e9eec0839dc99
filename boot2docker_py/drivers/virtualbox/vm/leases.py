"""The address that a VM keeps on its host-only network, by a fixed lease of the DHCP server."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
from typing import TYPE_CHECKING

from boot2docker_py.drivers.model import HostOnly
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import network, versions

if TYPE_CHECKING:
    from virtualbox.library import IDHCPServer, IMachine

log = logging.getLogger(__name__)


def fix(api: API, machine: IMachine, adapter_name: str, wanted: HostOnly) -> None:
    """Give the machine an address of its own out of the range, which it keeps.

    Versions before 6.1 cannot; their DHCP server tends to give a MAC the same address again.
    """
    if not wanted.dhcp or not versions.has_fixed_leases(api):
        return
    server = network.server_of(api, adapter_name)
    if server is None:
        return
    _forget_lost(api, server)
    taken = {one.machine_id: one.fixed_address for one in server.individual_configs}
    if _is_inside(taken.get(machine.id_p, ""), wanted):
        return
    addresses = (str(ipaddress.IPv4Address(number)) for number in _range(wanted))
    address = next((one for one in addresses if one not in taken.values()), None)
    if address is None:
        log.warning("The host-only network has no address left that the VM could keep.")
        return
    versions.set_fixed_lease(api, server, machine, address)
    # A server that runs already, for another VM, reads it now; one that does not, when it starts.
    with contextlib.suppress(failures.APIError), failures.translated():
        server.restart()


def forget(api: API, machine: IMachine) -> None:
    """Take the fixed leases of a machine away."""
    if versions.has_fixed_leases(api):
        for server in api.virtualbox.dhcp_servers:
            for lease in server.individual_configs:
                if lease.machine_id == machine.id_p:
                    lease.remove()


def _forget_lost(api: API, server: IDHCPServer) -> None:
    known = {machine.id_p for machine in api.virtualbox.machines}
    for lease in server.individual_configs:
        if lease.machine_id and lease.machine_id not in known:
            lease.remove()


def _is_inside(address: str, wanted: HostOnly) -> bool:
    return bool(address) and int(ipaddress.IPv4Address(address)) in _range(wanted)


def _range(wanted: HostOnly) -> range:
    """Return the addresses as numbers: of a large network there are millions."""
    first, last = (int(ipaddress.IPv4Address(one)) for one in (wanted.lower_ip, wanted.upper_ip))
    return range(first, last + 1)
