"""The VMs of a swarm, and the engine in each."""

from __future__ import annotations

import ipaddress
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Iterable

from boot2docker_py.drivers.model import IS_ON, InternalNetwork, State, VMInfo
from boot2docker_py.errors import HypervisorError, NotFoundError, StorageError
from boot2docker_py.guest.swarm import Engine
from boot2docker_py.machine.images import pins
from boot2docker_py.machine.internal_network import address_of
from boot2docker_py.machine.swarm.wishes import in_order
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts

log = logging.getLogger(__name__)

# The parts of a VM, by its name.
PartsOf = Callable[[str], "Parts"]


class Member:
    """One VM of a swarm."""

    def __init__(self, name: str, parts: Parts, info: VMInfo, network: InternalNetwork) -> None:
        self.name = name
        self.parts = parts
        self.memory_mb = info.memory_mb
        self.address = address_of(network)
        self.overlay_pool = _half_without(info.nat_network)

    @property
    def state(self) -> State:
        """Return the state of the VM."""
        return self.parts.driver.state()

    @property
    def is_on(self) -> bool:
        """Tell whether its memory is in use."""
        return self.state in IS_ON

    @cached_property
    def engine(self) -> Engine:
        """Return the swarm mode of its engine."""
        return Engine(self.name, self.parts.endpoint.open_engine)

    def pinned_version(self) -> str:
        """Return the version of the image that it is pinned to, nothing when it is not."""
        try:
            pin = pins.read(self.parts.paths.vm(self.name))
        except StorageError as error:
            log.debug("%s: %s", error.brief, error.details)
            return "unknown"
        return pin.version if pin else ""

    def up(self, deadline: Deadline) -> None:
        """Bring VM and engine up."""
        self.parts.machine.up(deadline)
        self.parts.access.settle()


def _half_without(network: str) -> str:
    """Return the half of 10.0.0.0/8 in which a network is not.

    Docker takes overlay networks from the whole of it, from its beginning on: the third would be
    10.0.2.0/24, and its containers would not reach this machine, which is there for VMs.
    """
    low, high = ipaddress.ip_network("10.0.0.0/8").subnets()
    return str(low if ipaddress.ip_network(network).overlaps(high) else high)


def of_swarm(swarm: str, names: Iterable[str], parts_of: PartsOf) -> list[Member]:
    """Return the VMs on the internal network of the swarm, in the order of their names."""
    found = []
    for name in sorted(names, key=in_order):
        parts = parts_of(name)
        try:
            info = parts.driver.describe()
        except (NotFoundError, HypervisorError):
            continue  # it is about to be made or deleted, or its hypervisor is not there any more
        network = info.internal_network
        if network and network.name == swarm:
            found.append(Member(name, parts, info, network))
    return found


def running(members: Iterable[Member]) -> list[Member]:
    """Return those that run."""
    return [member for member in members if member.state is State.RUNNING]


def networks(names: Iterable[str], parts_of: PartsOf) -> dict[str, list[str]]:
    """Return the internal networks that VMs are on, and the names of these VMs."""
    found: dict[str, list[str]] = {}
    for name in sorted(names, key=in_order):
        try:
            network = parts_of(name).driver.describe().internal_network
        except (NotFoundError, HypervisorError):
            continue
        if network:
            found.setdefault(network.name, []).append(name)
    return found
