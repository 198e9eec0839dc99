"""The host-only adapter and its DHCP server: found, repaired, made at most once, never leaked."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from boot2docker_py.drivers.model import HostOnly
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import versions
from boot2docker_py.errors import Boot2DockerError, NetworkError
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    import ipaddress

    from virtualbox.library import IDHCPServer, IHostNetworkInterface, IMachine

log = logging.getLogger(__name__)

# VirtualBox's own name for the network of an adapter begins with this.
NETWORK_PREFIX = "HostInterfaceNetworking-"
ADAPTER = "boot2docker-py/host-only-adapter"  # extra data: identity of the machine's adapter
# On Windows an adapter may appear some time after its making was said to have failed
# (VirtualBox ticket 14040).
APPEARS_WITHIN_S = 10.0
GO_ON = "Or go on without it: --hostonly off."


def ensure(api: API, wanted: HostOnly, known_id: str = "") -> str:
    """Return the name of an adapter with the wanted address, made when there is none.

    `known_id` is that of the adapter that was used before, which Windows may have renamed.

    Raises:
        NetworkError: it cannot be had.
    """
    remove_orphans(api)
    adapter = find(api, wanted, known_id)
    if adapter is None:
        _demand_no_collision(api, wanted)
        adapter = _make(api, wanted)
    elif not _is_addressed(adapter, wanted):
        log.warning("Host-only adapter '%s' has lost its address; setting it.", adapter.name)
        _set_address(adapter, wanted)
    if sys.platform != "win32":
        _let_keep_address(api, adapter, wanted)
    _serve(api, adapter, wanted)
    return str(adapter.name)


def problem(api: API, wanted: HostOnly, known_id: str) -> str:
    """Return what `repair`, or `ensure`, would put right; empty when nothing is wrong."""
    try:
        adapter = find(api, wanted, known_id)
    except NetworkError as error:
        return error.brief
    if adapter is None:
        return f"there is no host-only adapter with the address {wanted.host_ip}"
    if not _is_addressed(adapter, wanted):
        return (
            f"host-only adapter '{adapter.name}' has the address "
            f"{adapter.ip_address}/{adapter.network_mask}, not {wanted.host_ip}/{wanted.netmask}"
        )
    server = _server(api, adapter.network_name)
    if server is None or not _is_as_wanted(server, wanted):
        return f"host-only adapter '{adapter.name}' has no DHCP server, or another than the VM's"
    return ""


def repair(api: API, wanted: HostOnly, known_id: str) -> None:
    """Do what `ensure` does for an adapter that is there.

    Raises:
        NetworkError: there is none, or it cannot be changed.
    """
    if find(api, wanted, known_id) is None:
        raise NetworkError(
            f"there is no host-only adapter with the address {wanted.host_ip}",
            resolution="It is made when the VM starts: boot2docker restart",
        )
    ensure(api, wanted, known_id)


def attach(api: API, machine: IMachine, adapter_name: str) -> None:
    """Make the second adapter of the machine a host-only one."""
    card = machine.get_network_adapter(1)
    card.adapter_type = api.library.NetworkAdapterType.virtio
    card.host_only_interface = adapter_name
    identity = next((one.id_p for one in _adapters(api) if one.name == adapter_name), "")
    machine.set_extra_data(ADAPTER, identity)
    card.attachment_type = api.library.NetworkAttachmentType.host_only
    card.enabled = True


def known_id(machine: IMachine) -> str:
    """Return the identity of the adapter that the machine was given, empty if not by us."""
    return str(machine.get_extra_data(ADAPTER))


def mac(api: API, machine: IMachine) -> str:
    """Return the MAC address of the machine's host-only adapter, empty when it has none."""
    if not is_attached(api, machine):
        return ""
    digits = str(machine.get_network_adapter(1).mac_address).lower()
    return ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))


def server_of(api: API, adapter_name: str) -> IDHCPServer | None:
    """Return the DHCP server of an adapter, None when it has none."""
    networks = [one.network_name for one in _adapters(api) if one.name == adapter_name]
    return _server(api, networks[0]) if networks else None


def detach(api: API, machine: IMachine) -> None:
    """Take the second adapter out of the machine."""
    card = machine.get_network_adapter(1)
    card.attachment_type = api.library.NetworkAttachmentType.null
    card.enabled = False


def is_attached(api: API, machine: IMachine) -> bool:
    """Tell whether the machine has a host-only adapter."""
    card = machine.get_network_adapter(1)
    host_only = api.library.NetworkAttachmentType.host_only
    return bool(card.enabled and card.attachment_type == host_only)


def _adapters(api: API) -> list[IHostNetworkInterface]:
    host_only = api.library.HostNetworkInterfaceType.host_only
    return [one for one in _interfaces(api) if one.interface_type == host_only]


def _interfaces(api: API) -> list[IHostNetworkInterface]:
    return list(api.virtualbox.host.network_interfaces)


def find(api: API, wanted: HostOnly, known_id: str) -> IHostNetworkInterface | None:
    """Return the adapter that has the wanted address, or had it when its identity was noted."""
    adapters = _adapters(api)
    addressed = [adapter for adapter in adapters if adapter.ip_address == wanted.host_ip]
    found = addressed or [adapter for adapter in adapters if adapter.id_p == known_id]
    _demand_one(adapters, addressed, wanted.host_ip)
    if found:
        return found[0]
    # Windows re-addresses adapters after a sleep; the DHCP server still says which one it is.
    for adapter in adapters:
        server = _server(api, adapter.network_name)
        if server is not None and server.ip_address == wanted.dhcp_ip:
            return adapter
    return None


def _demand_one(
    adapters: list[IHostNetworkInterface], addressed: list[IHostNetworkInterface], address: str
) -> None:
    """Raise NetworkError when it would be chance which adapter is used."""
    names = [str(adapter.name) for adapter in adapters]
    twice = sorted({name for name in names if names.count(name) > 1})
    if len(addressed) > 1:
        what = f"{len(addressed)} host-only adapters have the address {address}"
        details = ", ".join(f"'{adapter.name}'" for adapter in addressed)
    elif twice:
        what, details = f"several host-only adapters are called '{twice[0]}'", ", ".join(names)
    else:
        return
    raise NetworkError(
        what,
        details=details,
        resolution="Remove those that no VM needs, in the VirtualBox window under Network, or "
        f'with: VBoxManage hostonlyif remove "NAME". {GO_ON}',
    )


def _is_addressed(adapter: IHostNetworkInterface, wanted: HostOnly) -> bool:
    return bool(adapter.ip_address == wanted.host_ip and adapter.network_mask == wanted.netmask)


def _let_keep_address(api: API, adapter: IHostNetworkInterface, wanted: HostOnly) -> None:
    """Note the address where VirtualBox looks for it when a VM starts.

    Except on Windows, VirtualBox sets the adapter's address from this key when a VM starts, or
    invents one; without the key a renamed adapter loses its address.
    """
    for key, value in (("IPAddress", wanted.host_ip), ("IPNetMask", wanted.netmask)):
        place = f"HostOnly/{adapter.name}/{key}"
        if api.virtualbox.get_extra_data(place) != value:
            api.virtualbox.set_extra_data(place, value)


def _demand_no_collision(api: API, wanted: HostOnly) -> None:
    network = _network(wanted.host_ip, wanted.netmask)
    for interface in _interfaces(api):
        if not interface.ip_address or interface.ip_address == "0.0.0.0":
            continue
        if network.overlaps(_network(interface.ip_address, interface.network_mask or "")):
            raise NetworkError(
                f"the host-only network {network} is in use by '{interface.name}'",
                details=f"it has the address {interface.ip_address}",
                resolution=f"Choose another with --hostip, --dhcpip, --lowerip, --upperip. {GO_ON}",
            )


def _network(address: str, mask: str) -> ipaddress.IPv4Network:
    import ipaddress

    return ipaddress.IPv4Network(f"{address}/{mask or '255.255.255.255'}", strict=False)


def _make(api: API, wanted: HostOnly) -> IHostNetworkInterface:
    log.info("Making a host-only network adapter; Windows may ask for permission.")
    before = {one.id_p for one in _adapters(api)}
    failure: Boot2DockerError | None = None
    try:
        with failures.translated():
            failures.wait(versions.create_host_only_adapter(api))
    except failures.APIError as error:
        failure = error
    adapter = _appeared(api, before, 0.0 if failure and _is_final(failure) else APPEARS_WITHIN_S)
    if adapter is None:
        raise NetworkError(
            "VirtualBox cannot make a host-only adapter",
            details=failure.details if failure else "it does not appear",
            resolution=f"Make one in the VirtualBox window, under Network. {GO_ON}",
        ) from failure
    try:
        _set_address(adapter, wanted)
    except BaseException:
        failures.wait(api.virtualbox.host.remove_host_only_network_interface(adapter.id_p))
        raise
    return next(one for one in _adapters(api) if one.id_p == adapter.id_p)


def _is_final(failure: Boot2DockerError) -> bool:
    return "VBoxNetAdpCtl" in failure.details  # of Linux and macOS, where nothing comes late


def _appeared(api: API, before: set[str], timeout_s: float) -> IHostNetworkInterface | None:
    deadline = Deadline(timeout_s)
    while True:
        for adapter in _adapters(api):
            if adapter.id_p not in before:
                return adapter
        if deadline.has_passed():
            return None
        deadline.clock.sleep(0.5)


def _set_address(adapter: IHostNetworkInterface, wanted: HostOnly) -> None:
    try:
        with failures.translated():
            adapter.enable_static_ip_config(wanted.host_ip, wanted.netmask)
    except failures.APIError as error:
        hint = ""
        if error.result_code == failures.ACCESS_DENIED:
            hint = (
                "From 6.1.28 on it allows 192.168.56.0/21, and what /etc/vbox/networks.conf adds. "
            )
        raise NetworkError(
            f"VirtualBox does not set the address {wanted.host_ip} of '{adapter.name}'",
            details=error.details,
            resolution=f"{hint}Choose another with --hostip. {GO_ON}",
        ) from error


def _server(api: API, network_name: str) -> IDHCPServer | None:
    for server in api.virtualbox.dhcp_servers:
        if server.network_name == network_name:
            return server
    return None


def _serve(api: API, adapter: IHostNetworkInterface, wanted: HostOnly) -> None:
    server = _server(api, adapter.network_name)
    if server is None:
        server = api.virtualbox.create_dhcp_server(adapter.network_name)
    settings = _settings(wanted)
    if settings != _present_settings(server):
        server.set_configuration(*settings)
    if bool(server.enabled) != wanted.dhcp:
        server.enabled = wanted.dhcp


def _settings(wanted: HostOnly) -> tuple[str, str, str, str]:
    return wanted.dhcp_ip, wanted.netmask, wanted.lower_ip, wanted.upper_ip


def _present_settings(server: IDHCPServer) -> tuple[str, str, str, str]:
    return server.ip_address, server.network_mask, server.lower_ip, server.upper_ip


def _is_as_wanted(server: IDHCPServer, wanted: HostOnly) -> bool:
    return _present_settings(server) == _settings(wanted) and bool(server.enabled) == wanted.dhcp


def remove_orphans(api: API) -> None:
    """Remove the DHCP servers of adapters that are gone."""
    networks = {one.network_name for one in _adapters(api)}
    for server in api.virtualbox.dhcp_servers:
        name = server.network_name
        if name.startswith(NETWORK_PREFIX) and name not in networks:
            log.info("Removing the DHCP server of an adapter that is gone: '%s'.", name)
            api.virtualbox.remove_dhcp_server(server)
