"""What a machine that is off is made of, changed: memory, CPUs, ports, network, a larger disk.

All in one session, which keeps all or nothing.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.drivers.model import Changes
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import (
    machines,
    media,
    nat,
    new_disk,
    room,
    sessions,
    snapshots,
    start,
    status,
)
from boot2docker_py.errors import Boot2DockerError, WrongStateError

if TYPE_CHECKING:
    from virtualbox.library import IMachine, IMedium

log = logging.getLogger(__name__)

# What a larger disk needs for its own tables, in each file of its chain: of a VMDK, 4 KB for every
# 32 MB, and as much again for what has to make way for them.
MB_FOR_MB_OF_TABLES = 2048

# E_NOTIMPL and VBOX_E_NOT_SUPPORTED; other versions say it in words alone.
_CANNOT = (0x80004001, 0x80BB0009)
_CANNOT_WORDS = ("VERR_NOT_SUPPORTED", "VERR_NOT_IMPLEMENTED", "does not support")


def change(api: API, machine: IMachine, changes: Changes, note: Path) -> None:
    """Change a machine that is off; `note` is the file that names disks that may be left."""
    disk_mb = changes.disk_mb or 0
    grows = disk_mb > 0 and disk_mb > size_mb(machine)
    if grows:
        _demand_own(machine)
        _demand_room(machine, disk_mb)
        if note.exists():  # VirtualBox may still be letting go for a command that was killed
            sessions.wait_until_free(api, machine)
        new_disk.clean_up(api, machine, note)
    with sessions.changed(api, machine) as changing:
        if changes.memory_mb is not None:
            changing.memory_size = changes.memory_mb
        if changes.cpus is not None:
            changing.cpu_count = changes.cpus
        nat.change(api, changing, changes.ssh_port, changes.docker_port)
        if changes.host_only is not None:
            start.set_host_only(api, changing, changes.host_only)
        if grows:
            larger = _larger(api, machine, disk_mb, note)
            if larger:
                media.exchange(api, changing, larger)


def size_mb(machine: IMachine) -> int:
    """Return the size of the data disk as the guest sees it."""
    disk = media.top(machine, status.DISK_PORT)
    return disk.logical_size // media.MB if disk else 0


def _demand_own(machine: IMachine) -> None:
    if machines.own_disk(machine) is None:
        raise WrongStateError(
            f"the data disk of the VM '{machine.name}' is not its own, so it does not grow",
            resolution="Grow it in the VirtualBox window, under Tools, Media.",
        )


def _demand_room(machine: IMachine, disk_mb: int) -> None:
    needed_mb = disk_mb // MB_FOR_MB_OF_TABLES + 1
    chain = snapshots.chain_of(machine)
    for folder in {Path(disk.location).parent for disk in chain}:
        room.demand_in(folder, needed_mb * len(chain))


def _larger(api: API, machine: IMachine, disk_mb: int, note: Path) -> IMedium | None:
    """Let the disk grow where it is; else return a larger one with its content.

    All disks of its chain grow: VirtualBox neither copies nor exports one that is larger than what
    it builds on (7.2.22). Of a VMDK that a full disk kept from growing once it says that it has
    grown, each time in vain.
    """
    chain = snapshots.chain_of(machine)
    if _builds_on_others(machine, chain):
        return converted(api, machine, chain[0], disk_mb, note)
    try:
        for disk in reversed(chain):
            if _crashes(disk):
                return converted(api, machine, chain[0], disk_mb, note)
            _resize(disk, disk_mb)
            if disk.logical_size < disk_mb * media.MB:
                return converted(api, machine, chain[0], disk_mb, note)
    except Boot2DockerError as error:
        if not _is_refused(error):
            raise
        return converted(api, machine, chain[0], disk_mb, note)
    return None


def _builds_on_others(machine: IMachine, chain: list[IMedium]) -> bool:
    root = media.attached(machine, status.DISK_PORT)
    return root is not None and root.id_p != chain[-1].id_p


def _crashes(disk: IMedium) -> bool:
    """Tell whether the server would end when it is asked to resize (7.2.22)."""
    return any(str(variant) == "VmdkStreamOptimized" for variant in disk.variant)


def _is_refused(error: Boot2DockerError) -> bool:
    code = getattr(error, "result_code", 0)
    return code in _CANNOT or any(words in error.details for words in _CANNOT_WORDS)


def converted(api: API, machine: IMachine, disk: IMedium, disk_mb: int, note: Path) -> IMedium:
    """Return a larger disk with the content of `disk`, in a format that can grow.

    It builds on no other; snapshots keep what they build on.
    """
    log.info("VirtualBox cannot let this disk grow; it becomes a VDI. That takes a while...")
    old = Path(disk.location)
    new = new_disk.free_name(api, machine, old, ".vdi")
    new_disk.write(note, [new, *_own_files(machine)])
    larger = media.copy_medium(api, disk, new)
    _resize(larger, disk_mb)
    return larger


def _own_files(machine: IMachine) -> list[Path]:
    """Return the files of the disk, without those of other machines that it builds on."""
    root = media.attached(machine, status.DISK_PORT)
    files = []
    for disk in snapshots.chain_of(machine):
        files.append(Path(disk.location))
        if root is not None and disk.id_p == root.id_p:
            break
    return files


def _resize(disk: IMedium, disk_mb: int) -> None:
    with failures.translated():
        failures.wait(disk.resize(disk_mb * media.MB))
        disk.refresh_state()  # else it tells its size of before (7.2.22)
