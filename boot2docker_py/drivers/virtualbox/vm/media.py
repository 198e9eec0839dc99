"""The image and the data disk: made, attached, found again, taken away."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator

from boot2docker_py.drivers.new_seed import (
    NEW_SEED_AT_BYTES,
    NEW_SEED_LIMIT_BYTES,
    may_be_laid,
    no_room_for_seed,
)
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.binding.pyvbox import given
from boot2docker_py.drivers.virtualbox.vm import progress, versions
from boot2docker_py.drivers.virtualbox.vm.progress import Show, no_show
from boot2docker_py.drivers.virtualbox.vm.status import CONTROLLER, DISK_PORT
from boot2docker_py.errors import StorageError, UsageError, WrongStateError
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from virtualbox.library import IMachine, IMedium, IMediumIO

PORTS = 4
ISO_PORT = 0
MB = 1 << 20

# How long VirtualBox's server may go on with what a killed process had asked of it.
SERVER_ENDS_S = 5.0


def make_disk(api: API, path: Path, seed: bytes, size_mb: int) -> IMedium:
    """Make a disk that grows as it is written, with the seed at its start."""
    if not versions.can_write_to_media(api):
        return make_disk_file(api, path, seed, size_mb)
    disk = _made(api, path, lambda: _make_empty(api, path, size_mb))
    _write(disk, seed)
    return disk


def copy_disk(api: API, base: Path, path: Path, show: Show = no_show) -> IMedium:
    """Make a disk with the content of another, which is only read; it has an identity of its own.

    Raises:
        UsageError: that is no disk that VirtualBox can read.
    """
    with _opened(api, base) as original:
        return _made(api, path, lambda: _copy(api, original, path, show))


def demand_readable(api: API, base: Path) -> None:
    """Raise UsageError when the file is not a disk that VirtualBox can read."""
    with _opened(api, base):
        pass


def _made(api: API, path: Path, make: Callable[[], IMedium]) -> IMedium:
    deadline = Deadline(SERVER_ENDS_S)
    while True:
        try:
            return make()
        except failures.APIError as error:
            # VirtualBox's server goes on with what a killed `create` had asked of it, and lists
            # that disk only when it is made.
            if error.result_code != failures.INVALID_ARGUMENT or deadline.has_passed():
                raise
            forget(api, path)
            path.unlink(missing_ok=True)
            deadline.clock.sleep(0.05)


def make_disk_file(api: API, path: Path, seed: bytes, size_mb: int) -> IMedium:
    """Make such a disk where VirtualBox cannot write the seed: the file is made by us."""
    from boot2docker_py.drivers.virtualbox.vm import disk_files

    forget(api, path)
    disk_files.write(path, size_mb * MB, _by_sectors(seed))
    return api.virtualbox.open_medium(
        str(path),
        api.library.DeviceType.hard_disk,
        api.library.AccessMode.read_write,
        False,  # noqa: FBT003 - of the API: the disk keeps its id
    )


def copy_medium(api: API, original: IMedium, path: Path, show: Show = no_show) -> IMedium:
    """Make a disk with the content of a disk of VirtualBox, as it is now; it builds on no other."""
    return _made(api, path, lambda: _copy(api, original, path, show))


def link(api: API, original: IMedium, path: Path) -> IMedium:
    """Make a disk that builds on another, and has only what differs from it."""

    def make() -> IMedium:
        disk = _new(api, path)
        failures.wait(original.create_diff_storage(disk, [api.library.MediumVariant.standard]))
        return disk

    return _made(api, path, make)


def lay(api: API, disk: IMedium, name: str, new_seed: bytes) -> None:
    """Lay a new seed into the disk of a machine of that name; see `Driver.reseed`."""
    if not new_seed:
        return
    assert len(new_seed) <= NEW_SEED_LIMIT_BYTES, len(new_seed)
    if not versions.can_write_to_media(api):
        raise WrongStateError(
            f"VM '{name}' cannot be given a new name and new keys",
            details="VirtualBox before 6.0 does not write into a disk",
            resolution="Keep the old ones: --keep-keys",
        )
    content = disk.open_for_io(True, "")  # noqa: FBT003 - of the API: to be written
    try:
        there = b""
        while len(there) < NEW_SEED_LIMIT_BYTES:
            offset = NEW_SEED_AT_BYTES + len(there)
            there += versions.read(content, offset, NEW_SEED_LIMIT_BYTES - len(there))
        if not may_be_laid(new_seed, there):
            raise no_room_for_seed(name)
        whole = new_seed.ljust(NEW_SEED_LIMIT_BYTES, b"\0")
        _write_all(content, NEW_SEED_AT_BYTES, whole)
    finally:
        content.close()


def _by_sectors(seed: bytes) -> bytes:
    return seed + bytes(-len(seed) % 512)


def _make_empty(api: API, path: Path, size_mb: int) -> IMedium:
    disk = _new(api, path)
    standard = api.library.MediumVariant.standard
    failures.wait(disk.create_base_storage(size_mb * MB, [standard]))
    return disk


def _copy(api: API, original: IMedium, path: Path, show: Show) -> IMedium:
    disk = _new(api, path)
    standard, no_parent = api.library.MediumVariant.standard, api.library.IMedium(None)
    progress.follow(original.clone_to(disk, [standard], no_parent), show)
    return disk


def _new(api: API, path: Path) -> IMedium:
    return api.virtualbox.create_medium(
        path.suffix[1:].upper(),
        str(path),
        api.library.AccessMode.read_write,
        api.library.DeviceType.hard_disk,
    )


@contextlib.contextmanager
def _opened(api: API, path: Path) -> Iterator[IMedium]:
    """Yield the disk in a file, which VirtualBox forgets again unless it knew it."""
    hard_disk, read_only = api.library.DeviceType.hard_disk, api.library.AccessMode.read_only
    known = {os.path.normcase(disk.location) for disk in api.virtualbox.hard_disks}
    try:
        with failures.translated():
            # Not with a new identity, which would be written into the file.
            disk = api.virtualbox.open_medium(str(path), hard_disk, read_only, False)  # noqa: FBT003
    except failures.APIError as error:
        raise UsageError(
            f"'{path}' is not a disk that VirtualBox can copy"
            if path.is_file()
            else f"there is no disk '{path}'",
            details=error.details,
            resolution="Name a VMDK, VDI or VHD file with --basevmdk.",
        ) from error
    try:
        yield disk
    finally:
        if os.path.normcase(disk.location) not in known:
            disk.close()


def _write(disk: IMedium, seed: bytes) -> None:
    content = disk.open_for_io(True, "")  # noqa: FBT003 - of the API: to be written
    _write_all(content, 0, _by_sectors(seed))
    content.close()


def _write_all(content: IMediumIO, offset: int, whole: bytes) -> None:
    written = 0
    while written < len(whole):
        written += versions.write(content, offset + written, whole[written:])


def add_controller(api: API, machine: IMachine) -> None:
    """Add the controller of the image and the disk."""
    controller = machine.add_storage_controller(CONTROLLER, api.library.StorageBus.sata)
    controller.port_count = PORTS
    controller.use_host_io_cache = True


def attach(api: API, machine: IMachine, iso: Path, disk: IMedium) -> None:
    """Attach the image and the disk."""
    dvd, hard_disk = api.library.DeviceType.dvd, api.library.DeviceType.hard_disk
    machine.attach_device(CONTROLLER, ISO_PORT, 0, dvd, _image(api, iso))
    machine.attach_device(CONTROLLER, DISK_PORT, 0, hard_disk, disk)


def insert(api: API, machine: IMachine, iso: Path) -> None:
    """Put another image into the drive."""
    force = False
    machine.mount_medium(CONTROLLER, ISO_PORT, 0, _image(api, iso), force)


def _image(api: API, iso: Path) -> IMedium:
    dvd, read_only = api.library.DeviceType.dvd, api.library.AccessMode.read_only
    return api.virtualbox.open_medium(str(iso), dvd, read_only, False)  # noqa: FBT003 - its id stays


def exchange(api: API, machine: IMachine, disk: IMedium) -> None:
    """Attach a data disk in place of the one that is there, if any."""
    if attached(machine, DISK_PORT):
        machine.detach_device(CONTROLLER, DISK_PORT, 0)
    machine.attach_device(CONTROLLER, DISK_PORT, 0, api.library.DeviceType.hard_disk, disk)


def attached(machine: IMachine, port: int) -> IMedium | None:
    """Return what is in a port, without what snapshots have made of it; None: there is nothing.

    Of a linked clone it is what that has of its own, not the disk of another that it builds on.
    """
    medium = top(machine, port)
    while medium is not None:
        below = given(medium.parent)
        if below is None or _is_of_others(below, machine):
            return medium
        medium = below
    return None


def _is_of_others(disk: IMedium, machine: IMachine) -> bool:
    users = list(disk.machine_ids)
    return bool(users) and machine.id_p not in users


def top(machine: IMachine, port: int) -> IMedium | None:
    """Return what is in a port itself, which may build on the media of snapshots."""
    try:
        with failures.translated():
            medium = given(machine.get_medium(CONTROLLER, port, 0))
    except failures.APIError as error:
        if error.result_code != failures.OBJECT_NOT_FOUND:
            raise
        return None
    return medium


def known(api: API, path: Path) -> IMedium | None:
    """Return VirtualBox's object for the disk in a file, None when it has none."""
    waiting = list(api.virtualbox.hard_disks)
    while waiting:
        disk = waiting.pop()
        if os.path.normcase(disk.location) == os.path.normcase(str(path)):
            return disk
        waiting += disk.children
    return None


def is_used(api: API, disk: IMedium) -> bool:
    """Tell whether a machine that is there has the disk, now or in a snapshot."""
    users = list(disk.machine_ids)
    return bool(users) and any(machine.id_p in users for machine in api.virtualbox.machines)


def forget(api: API, path: Path) -> None:
    """Take a disk that no machine has out of VirtualBox's list; its file is left alone.

    What snapshots have built on it, and a killed `delete` has left, is of no use any more.
    """
    disk = known(api, path)
    if disk is not None and not disk.machine_ids:
        for child in disk.children:
            _delete_tree(child)
        disk.close()


def _delete_tree(disk: IMedium) -> None:
    for child in disk.children:
        _delete_tree(child)
    file = Path(disk.location)
    disk.close()
    file.unlink(missing_ok=True)


def not_stuck(api: API, path: Path) -> Path:
    """Return a path for a new disk: the one given, or beside it where VirtualBox is stuck with it.

    When a process is killed between attaching a disk and saving that, VirtualBox keeps the disk in
    its list, as one of a machine that is gone, until its server ends (7.2.22).
    """
    known = {machine.id_p for machine in api.virtualbox.machines}
    stuck = [
        os.path.normcase(disk.location)
        for disk in api.virtualbox.hard_disks
        if set(disk.machine_ids) - known
    ]
    candidate, number = path, 1
    while os.path.normcase(str(candidate)) in stuck:
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate


def demand_new(path: Path) -> None:
    """Raise StorageError when there is a file where the disk is to be."""
    if path.exists():
        raise StorageError(
            f"there is a data disk without a VM: '{path}'",
            resolution="Move it away; boot2docker never writes over a data disk.",
        )


def delete_files(*paths: Path) -> None:
    """Delete files of the disk and, when nothing else is there, their folders."""
    for path in paths:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something else lives there, or it never was
            path.parent.rmdir()


def built_on(disk: IMedium) -> list[Path]:
    """Return the files that snapshots have made on top of a disk."""
    files = []
    for child in disk.children:
        files += [*built_on(child), Path(child.location)]
    return files
