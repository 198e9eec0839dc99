"""Where the published ports of a VM's containers are reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Sequence

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts


class Published(NamedTuple):
    """The published ports of a VM, and its own address, None where it has none."""

    ip: str | None
    ports: Sequence[dict[str, Any]]  # as `boot2docker ports --json` has them


def of_vm(parts: Parts) -> Published:
    """Return the published ports of a VM that runs.

    Raises:
        NotFoundError, WrongStateError: there is no VM, or it does not run.
        GuestError: it is not known, because the forwarder or the engine is out of reach.
    """
    parts.questions.running_address()
    found = parts.endpoint.ports()
    host_only = parts.access.host_only_address() if found else None
    ports = [{**port, "vm_address": _at_vm(port, host_only)} for port in found]
    return Published(host_only, ports)


def _at_vm(port: dict[str, Any], host_only: str | None) -> str | None:
    """Return where the port is reached at the VM's own address, None if it is not."""
    is_there = host_only and port["guest_address"] in ("0.0.0.0", "::", host_only)
    return f"{host_only}:{port['port']}" if is_there else None
