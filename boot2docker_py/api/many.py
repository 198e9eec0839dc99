"""All VMs of this user."""

from __future__ import annotations

from typing import Sequence

from boot2docker_py.drivers.many import Listed
from boot2docker_py.machine.parts import Parts


def ls(*, driver: str = "auto") -> Sequence[Listed]:
    """Return all VMs of this user, by name: ours, the original's, Docker Toolbox's.

    `driver` is auto, virtualbox or qemu: whose VMs are listed.
    """
    return Parts({"driver": driver}).every_vm
