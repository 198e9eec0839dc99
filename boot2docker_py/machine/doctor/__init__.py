"""What may be wrong, looked at all at once: the checks of `boot2docker doctor`, as data."""

from __future__ import annotations

from boot2docker_py.machine.doctor import (
    of_client,
    of_files,
    of_guest,
    of_login,
    of_mounts,
    of_networks,
    of_plugins,
    of_resources,
    of_swarm,
    of_vm,
)

CHECKS = (
    *of_vm.CHECKS,
    *of_guest.CHECKS,
    *of_mounts.CHECKS,
    *of_networks.CHECKS,
    *of_swarm.CHECKS,
    *of_resources.CHECKS,
    *of_files.CHECKS,
    *of_client.CHECKS,
    *of_plugins.CHECKS,
    *of_login.CHECKS,
)
