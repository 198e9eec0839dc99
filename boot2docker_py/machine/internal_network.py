"""A VM's place on a network that VMs have among themselves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Iterator

from boot2docker_py import lock
from boot2docker_py.config import INTERNAL_ADDRESSES
from boot2docker_py.drivers.model import InternalNetwork
from boot2docker_py.errors import UsageError
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.drivers.base import Driver
    from boot2docker_py.paths import VMPaths

NUMBERS = range(1, 255)


def address_of(network: InternalNetwork) -> str:
    """Return the address of the VM on the network."""
    return f"{INTERNAL_ADDRESSES.rpartition('.')[0]}.{network.number}"


@contextlib.contextmanager
def joined(
    driver: Driver, paths: VMPaths, name: str, deadline: Deadline
) -> Iterator[InternalNetwork | None]:
    """Yield a free place on the network `name`, which the VM has to be made with in the block.

    None without a name, or for a driver that has no such networks.

    Raises:
        UsageError: the network is full.
    """
    if not name or not driver.features.has_internal_network:
        yield None
        return
    # No VM has a name that begins with a dot.
    file = paths.folder.parent / f".network-{name}.lock"
    network = f"the internal network '{name}'"
    with lock.hold(file, deadline, purpose=f"a new VM on {network}", guarded=network):
        if driver.has_remains():
            driver.delete()  # what a killed command has left of this VM has a place there
        taken = driver.numbers_on(name)
        free = next((number for number in NUMBERS if number not in taken), None)
        if free is None:
            raise UsageError(
                f"the internal network '{name}' is full: it has {len(NUMBERS)} VMs",
                resolution="Take another, as in: boot2docker --internal-network other init",
            )
        yield InternalNetwork(name, free)
