"""What another program needs to log in to a VM as we do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boot2docker_py.guest import names
from boot2docker_py.guest.ssh_config import HostBlock

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts


def of_vm(parts: Parts) -> HostBlock:
    """Return how the VM is logged in to, which need not run.

    Raises:
        NotFoundError: there is no VM.
    """
    parts.questions.info()
    return HostBlock(
        host=names.host_name(parts.config.vm),
        address=parts.driver.ssh_address(),
        user=names.USER,
        key=parts.config.ssh_key,
        known_hosts=parts.vm_paths.known_hosts,
    )
