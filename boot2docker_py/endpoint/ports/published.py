"""What containers and services publish, out of the engine's lists of them. Plain data."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import dataclass, replace
from typing import Any, Iterable, Iterator, Mapping

from boot2docker_py import untrusted

ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"
PROTOCOLS = ("tcp", "udp", "sctp")
NAME_LETTERS = 256
MOST_PORTS = 20_000  # of one VM; more have no use
LOOPBACK_OF = {ANY_IPV4: "127.0.0.1", ANY_IPV6: "::1"}


@dataclass(frozen=True)
class PublishedPort:
    """One port of the VM that leads to a port of a container, or of a service's containers."""

    container: str  # or service
    protocol: str  # tcp, udp or sctp
    port: int  # of the VM
    container_port: int
    guest_address: str  # in the VM: 0.0.0.0, ::, or the one that `docker run -p` named
    is_of_service: bool = False  # at every manager of a swarm, so that several VMs have it

    @property
    def key(self) -> tuple[str, int]:
        """Return what this machine has only once."""
        return self.protocol, self.port

    @property
    def target(self) -> str:
        """Return the address at which the guest itself reaches it."""
        return LOOPBACK_OF.get(self.guest_address, self.guest_address)

    @property
    def is_for_loopback(self) -> bool:
        """Tell whether `docker run -p` asked for the machine itself alone."""
        return self.guest_address == "::1" or self.guest_address.startswith("127.")


def published_by(publishing: Iterable[Mapping[str, Any]]) -> list[PublishedPort]:
    """Return the published ports, in a fixed order: those that are reached everywhere first.

    The engine is the VM's, so nothing of it is believed: what is no port is left out, and the ports
    beside it are served.
    """
    every = (port for one in publishing for port in _of_one(one))
    found = set(itertools.islice(every, MOST_PORTS))
    return sorted((port for port in found if not _is_twin(port, found)), key=_rank)


def _is_twin(port: PublishedPort, found: set[PublishedPort]) -> bool:
    """Tell whether it is the IPv6 half of a port that is published by IPv4 too."""
    of_ipv4 = {ANY_IPV6: ANY_IPV4, "::1": "127.0.0.1"}.get(port.guest_address)
    return of_ipv4 is not None and replace(port, guest_address=of_ipv4) in found


def _of_one(one: Mapping[str, Any]) -> Iterator[PublishedPort]:
    return _of_service(one) if "Endpoint" in one else _of_container(one)


def _of_service(service: Mapping[str, Any]) -> Iterator[PublishedPort]:
    """Yield what the routing mesh serves: at every node, whichever has the containers.

    Engine API, "ServiceList": Endpoint.Ports. What is published in mode host is its container's.
    """
    endpoint, spec = service.get("Endpoint"), service.get("Spec")
    entries = endpoint.get("Ports") if isinstance(endpoint, dict) else None
    name = spec.get("Name") if isinstance(spec, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("PublishMode") == "host":
            continue
        port = untrusted.integer(entry.get("PublishedPort"), 1, 65535)
        container_port = untrusted.integer(entry.get("TargetPort"), 1, 65535)
        protocol = entry.get("Protocol")
        if port and container_port and protocol in PROTOCOLS:
            yield PublishedPort(
                *(str(name)[:NAME_LETTERS], protocol, port, container_port, ANY_IPV4),
                is_of_service=True,
            )


def _of_container(container: Mapping[str, Any]) -> Iterator[PublishedPort]:
    name = _name(container)
    entries = container.get("Ports")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        port = untrusted.integer(entry.get("PublicPort"), 1, 65535)
        container_port = untrusted.integer(entry.get("PrivatePort"), 1, 65535)
        protocol, address = entry.get("Type"), _address(entry.get("IP") or ANY_IPV4)
        if port and container_port and protocol in PROTOCOLS and address:
            yield PublishedPort(name, protocol, port, container_port, address)


def _address(text: object) -> str:
    try:
        # What stands behind a % may be any text.
        if isinstance(text, str) and "%" not in text:
            return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    return ""


def _name(container: Mapping[str, Any]) -> str:
    """Return its own name; those with a second slash are names that others know it by."""
    names = container.get("Names")
    plain = [str(name)[1:] for name in names] if isinstance(names, list) else []
    own = [name for name in plain if "/" not in name]
    return own[0][:NAME_LETTERS] if own else str(container.get("Id"))[:12]


def _rank(port: PublishedPort) -> tuple[object, ...]:
    address = port.guest_address
    preferred = [ANY_IPV4, ANY_IPV6, "127.0.0.1"]
    place = preferred.index(address) if address in preferred else len(preferred)
    return port.protocol, port.port, place, address, port.container, port.container_port
