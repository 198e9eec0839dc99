"""Machines that are made of others, those that build on another's snapshot, and new names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.advice import quoted
from boot2docker_py.drivers import ports
from boot2docker_py.drivers.model import Own, VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import (
    machines,
    media,
    sessions,
    snapshots,
    start,
    status,
)
from boot2docker_py.errors import StorageError, WrongStateError
from boot2docker_py.paths import VMPaths, make_private_folder

if TYPE_CHECKING:
    from virtualbox.library import IMachine, IMedium


def spec_of(api: API, machine: IMachine, own: Own, snapshot: str) -> VMSpec:
    """Return what a copy of a machine is made of, with ports of its own."""
    found = machines.describe(api, snapshots.as_it_was(machine, snapshot))
    return VMSpec(
        iso=own.iso,
        seed=b"",
        disk_mb=found.disk_mb,
        memory_mb=found.memory_mb,
        cpus=found.cpus,
        ssh_port=_other_port(found.ssh_port),
        docker_port=found.docker_port and _other_port(found.docker_port),
        console_log=own.console_log,
        host_only=start.wanted_host_only(machine),
        disk_format=found.disk.suffix[1:].upper() or "VMDK",
        nat_network=found.nat_network,
        internal_network=own.internal_network,
    )


def disk_of(machine: IMachine, snapshot: str) -> IMedium:
    """Return the data disk of a machine, as it is or as it was at a snapshot."""
    disk = media.top(snapshots.as_it_was(machine, snapshot), status.DISK_PORT)
    if disk is None:
        raise StorageError(f"the VM '{machine.name}' has no data disk")
    return disk


def linked_to(api: API, machine: IMachine, snapshot: str = "") -> list[str]:
    """Return the names of the machines that build on a machine, or on one snapshot of it."""
    if not machine.accessible:
        return []
    disks = snapshots.disks_of(machine, snapshot)
    users = {
        identity
        for disk in disks
        for child in disk.children
        for identity in child.machine_ids
        if identity != machine.id_p
    }
    return sorted(one.name for one in api.virtualbox.machines if one.id_p in users)


def demand_none_linked(api: API, machine: IMachine, verb: str, snapshot: str = "") -> None:
    """Raise WrongStateError when other machines build on the machine, or on one snapshot."""
    clones = linked_to(api, machine, snapshot)
    if clones:
        raise WrongStateError(
            f"cannot {verb} the VM '{machine.name}': other VMs build on it",
            details="linked clones: " + ", ".join(f"'{name}'" for name in clones),
            resolution="Delete those first, as in: " f"boot2docker delete --vm {quoted(clones[0])}",
        )


def rename(api: API, machine: IMachine, paths: VMPaths, to: VMPaths) -> None:
    """Give a machine that is off, and our folder of it, another name.

    The machine has it last: a `rename` that was killed is found by the old name, and ended.
    """
    disk = media.attached(machine, status.DISK_PORT)
    is_own = machines.own_disk(machine) is not None
    console_log = machines.console_log(api, machine)
    with sessions.changed(api, machine) as changing:
        _move_folder(paths.folder, to.folder)  # now that no one else holds the machine
        make_private_folder(to.run)
        if disk is not None and is_own:  # its file keeps its name, by which it was known as own
            changing.set_extra_data(machines.OWN_DISK, disk.id_p)
        changing.name = to.name
        if console_log == paths.console_log:
            changing.get_serial_port(0).path = str(to.console_log)


def _move_folder(old: Path, new: Path) -> None:
    """Move what is in a folder, one by one: a part of it may have been moved already."""
    make_private_folder(new)
    if old.is_dir():
        for entry in sorted(old.iterdir()):
            os.replace(entry, new / entry.name)  # noqa: PTH105 - Path.replace() is the same
        old.rmdir()


def _other_port(port: int) -> int:
    while True:
        found = ports.any_free()
        if found != port:
            return found
