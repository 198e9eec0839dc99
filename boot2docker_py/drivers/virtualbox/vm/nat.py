"""The NAT adapter's port rules: 127.0.0.1 of the host to the guest's SSH server and engine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.model import USUAL_NAT_NETWORK
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import versions
from boot2docker_py.errors import NetworkError

if TYPE_CHECKING:
    from virtualbox.library import IMachine, INATEngine

log = logging.getLogger(__name__)

SSH, ENGINE = "ssh", "docker"  # the original's names of the rules
GUEST_PORTS = {SSH: 22, ENGINE: 2376}


def set_up(
    api: API, machine: IMachine, ssh_port: int, docker_port: int, chosen_network: str
) -> None:
    """Make the first adapter NAT, with the rules; a port of 0 makes no rule."""
    adapter = machine.get_network_adapter(0)
    adapter.enabled = True
    adapter.adapter_type = api.library.NetworkAdapterType.virtio
    adapter.attachment_type = api.library.NetworkAttachmentType.nat
    if chosen_network != network(machine):
        adapter.nat_engine.network = chosen_network
    versions.let_host_be_reached(api, adapter.nat_engine)
    for name, port in ((SSH, ssh_port), (ENGINE, docker_port)):
        if port:
            _add(api, adapter.nat_engine, name, port)


def network(machine: IMachine) -> str:
    """Return the network of the first adapter; VirtualBox names only one that was chosen."""
    return str(machine.get_network_adapter(0).nat_engine.network) or USUAL_NAT_NETWORK


def host_ports(machine: IMachine) -> dict[str, int]:
    """Return the ports on the host by the names of their rules."""
    rules = machine.get_network_adapter(0).nat_engine.redirects
    # Each is "name,protocol,host address,host port,guest address,guest port".
    fields = [rule.split(",") for rule in rules]
    return {field[0]: int(field[3]) for field in fields}


def ssh_port(machine: IMachine) -> int:
    """Return the port on the host that leads to the guest's SSH server.

    Raises:
        NetworkError: no rule of the VM leads there.
    """
    found = host_ports(machine).get(SSH)
    if found is None:
        name = machine.name
        raise NetworkError(
            f"the VM '{name}' has no port on {ports.HOST} for SSH",
            details=f"its first network adapter has no forwarding rule named '{SSH}'",
            resolution="boot2docker poweroff, then: "
            f'VBoxManage modifyvm "{name}" --natpf1 "{SSH},tcp,{ports.HOST},{ports.USUAL_SSH},,22"',
        )
    return found


def change(api: API, machine: IMachine, ssh_port: int | None, docker_port: int | None) -> None:
    """Give the rules other ports; None leaves one, for SSH 0 is any, for the engine no rule."""
    engine, present = machine.get_network_adapter(0).nat_engine, host_ports(machine)
    for name, port in ((SSH, ssh_port), (ENGINE, docker_port)):
        if port is None or port == present.get(name, 0):
            continue
        if name in present:
            engine.remove_redirect(name)
        if port or name == SSH:
            _add(api, engine, name, port or ports.any_free())


def taken(machine: IMachine) -> dict[str, int]:
    """Return those of our rules whose ports another program has."""
    return {
        name: port
        for name, port in host_ports(machine).items()
        if name in GUEST_PORTS and not ports.is_free(port)
    }


def move(api: API, machine: IMachine, names: dict[str, int]) -> None:
    """Give the rules other ports, which they keep."""
    engine = machine.get_network_adapter(0).nat_engine
    for name, port in names.items():
        other = ports.any_free()
        log.warning("Port %s of the VM is taken by another program; it is now %s.", port, other)
        engine.remove_redirect(name)
        _add(api, engine, name, other)


def _add(api: API, engine: INATEngine, name: str, port: int) -> None:
    tcp = api.library.NATProtocol.tcp
    engine.add_redirect(name, tcp, ports.HOST, port, "", GUEST_PORTS[name])
