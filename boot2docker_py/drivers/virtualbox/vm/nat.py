"""The NAT adapter's port rules: 127.0.0.1 of the host to the guest's SSH server and engine."""

from __future__ import annotations

import logging
from typing import Any

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.errors import NetworkError

log = logging.getLogger(__name__)

SSH, ENGINE = "ssh", "docker"  # the original's names of the rules
GUEST_PORTS = {SSH: 22, ENGINE: 2376}


def set_up(api: API, machine: Any, ssh_port: int, docker_port: int) -> None:
    """Make the first adapter NAT, with the rules; a port of 0 makes no rule."""
    adapter = machine.getNetworkAdapter(0)
    adapter.enabled = True
    adapter.adapterType = api.number("NetworkAdapterType", "Virtio")
    adapter.attachmentType = api.number("NetworkAttachmentType", "NAT")
    for name, port in ((SSH, ssh_port), (ENGINE, docker_port)):
        if port:
            _add(api, adapter.NATEngine, name, port)


def host_ports(api: API, machine: Any) -> dict[str, int]:
    """Return the ports on the host by the names of their rules."""
    rules = api.array(machine.getNetworkAdapter(0).NATEngine, "redirects")
    # Each is "name,protocol,host address,host port,guest address,guest port".
    fields = [rule.split(",") for rule in rules]
    return {field[0]: int(field[3]) for field in fields}


def ssh_port(api: API, machine: Any) -> int:
    """Return the port on the host that leads to the guest's SSH server.

    Raises:
        NetworkError: no rule of the VM leads there.
    """
    found = host_ports(api, machine).get(SSH)
    if found is None:
        name = machine.name
        raise NetworkError(
            f"the VM '{name}' has no port on {ports.HOST} for SSH",
            details=f"its first network adapter has no forwarding rule named '{SSH}'",
            resolution="boot2docker poweroff, then: "
            f'VBoxManage modifyvm "{name}" --natpf1 "{SSH},tcp,{ports.HOST},{ports.USUAL_SSH},,22"',
        )
    return found


def taken(api: API, machine: Any) -> dict[str, int]:
    """Return those of our rules whose ports another program has."""
    return {
        name: port
        for name, port in host_ports(api, machine).items()
        if name in GUEST_PORTS and not ports.is_free(port)
    }


def move(api: API, machine: Any, names: dict[str, int]) -> None:
    """Give the rules other ports, which they keep."""
    engine = machine.getNetworkAdapter(0).NATEngine
    for name, port in names.items():
        other = ports.any_free()
        log.warning("Port %s of the VM is taken by another program; it is now %s.", port, other)
        engine.removeRedirect(name)
        _add(api, engine, name, other)


def _add(api: API, engine: Any, name: str, port: int) -> None:
    tcp = api.number("NATProtocol", "TCP")
    engine.addRedirect(name, tcp, ports.HOST, port, "", GUEST_PORTS[name])
