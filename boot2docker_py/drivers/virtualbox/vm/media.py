"""The image and the data disk: made, attached, found again, taken away."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Callable, Iterator

from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import versions
from boot2docker_py.errors import StorageError, UsageError
from boot2docker_py.wait import Deadline

CONTROLLER = "SATA"
PORTS = 4
ISO_PORT, DISK_PORT = 0, 1
MB = 1 << 20

# How long VirtualBox's server may go on with what a killed process had asked of it.
SERVER_ENDS_S = 5.0


def make_disk(api: API, path: Path, seed: bytes, size_mb: int) -> Any:
    """Make a disk that grows as it is written, with the seed at its start."""
    if not versions.can_write_to_media(api):
        return make_disk_file(api, path, seed, size_mb)
    disk = _made(api, path, lambda: _make_empty(api, path, size_mb))
    _write(disk, seed)
    return disk


def copy_disk(api: API, base: Path, path: Path) -> Any:
    """Make a disk with the content of another, which is only read; it has an identity of its own.

    Raises:
        UsageError: that is no disk that VirtualBox can read.
    """
    with _opened(api, base) as original:
        return _made(api, path, lambda: _copy(api, original, path))


def demand_readable(api: API, base: Path) -> None:
    """Raise UsageError when the file is not a disk that VirtualBox can read."""
    with _opened(api, base):
        pass


def _made(api: API, path: Path, make: Callable[[], Any]) -> Any:
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


def make_disk_file(api: API, path: Path, seed: bytes, size_mb: int) -> Any:
    """Make such a disk where VirtualBox cannot write the seed: the file is made by us."""
    from boot2docker_py.drivers.virtualbox.vm import disk_files

    forget(api, path)
    disk_files.write(path, size_mb * MB, _by_sectors(seed))
    return api.virtualbox.openMedium(
        str(path),
        api.number("DeviceType", "HardDisk"),
        api.number("AccessMode", "ReadWrite"),
        False,  # noqa: FBT003 - of the API: the disk keeps its id
    )


def _by_sectors(seed: bytes) -> bytes:
    return seed + bytes(-len(seed) % 512)


def _make_empty(api: API, path: Path, size_mb: int) -> Any:
    disk = _new(api, path)
    standard = api.number("MediumVariant", "Standard")
    failures.wait(disk.createBaseStorage(size_mb * MB, [standard]))
    return disk


def _copy(api: API, original: Any, path: Path) -> Any:
    disk = _new(api, path)
    standard = api.number("MediumVariant", "Standard")
    failures.wait(original.cloneTo(disk, [standard], None))
    return disk


def _new(api: API, path: Path) -> Any:
    return api.virtualbox.createMedium(
        path.suffix[1:].upper(),
        str(path),
        api.number("AccessMode", "ReadWrite"),
        api.number("DeviceType", "HardDisk"),
    )


@contextlib.contextmanager
def _opened(api: API, path: Path) -> Iterator[Any]:
    """Yield the disk in a file, which VirtualBox forgets again unless it knew it."""
    hard_disk, read_only = (
        api.number("DeviceType", "HardDisk"),
        api.number("AccessMode", "ReadOnly"),
    )
    known = {os.path.normcase(disk.location) for disk in api.array(api.virtualbox, "hardDisks")}
    try:
        with failures.translated():
            # Not with a new identity, which would be written into the file.
            disk = api.virtualbox.openMedium(str(path), hard_disk, read_only, False)  # noqa: FBT003
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


def _write(disk: Any, seed: bytes) -> None:
    content = disk.openForIO(True, "")  # noqa: FBT003 - of the API: to be written
    whole = _by_sectors(seed)
    offset = 0
    while offset < len(whole):
        offset += content.write(offset, list(whole[offset:]))
    content.close()


def add_controller(api: API, machine: Any) -> None:
    """Add the controller of the image and the disk."""
    controller = machine.addStorageController(CONTROLLER, api.number("StorageBus", "SATA"))
    controller.portCount = PORTS
    controller.useHostIOCache = True


def attach(api: API, machine: Any, iso: Path, disk: Any) -> None:
    """Attach the image and the disk."""
    dvd, hard_disk = api.number("DeviceType", "DVD"), api.number("DeviceType", "HardDisk")
    image = api.virtualbox.openMedium(
        str(iso),
        dvd,
        api.number("AccessMode", "ReadOnly"),
        False,  # noqa: FBT003
    )
    machine.attachDevice(CONTROLLER, ISO_PORT, 0, dvd, image)
    machine.attachDevice(CONTROLLER, DISK_PORT, 0, hard_disk, disk)


def attached(machine: Any, port: int) -> Any:
    """Return what is in a port, the base of a chain of snapshots; None when there is nothing."""
    medium = _top(machine, port)
    return medium and medium.base


def files_of(machine: Any, port: int) -> list[Path]:
    """Return the files of the disk in a port, with those of snapshots that it builds on."""
    medium, files = _top(machine, port), []
    while medium:
        files.append(Path(medium.location))
        medium = medium.parent
    return files


def _top(machine: Any, port: int) -> Any:
    try:
        with failures.translated():
            return machine.getMedium(CONTROLLER, port, 0)
    except failures.APIError as error:
        if error.result_code == failures.OBJECT_NOT_FOUND:
            return None
        raise


def forget(api: API, path: Path) -> None:
    """Take a disk that no machine has out of VirtualBox's list; its file is left alone.

    What snapshots have built on it, and a killed `delete` has left, is of no use any more.
    """
    for disk in api.array(api.virtualbox, "hardDisks"):
        is_it = os.path.normcase(disk.location) == os.path.normcase(str(path))
        if is_it and not api.array(disk, "machineIds"):
            for child in api.array(disk, "children"):
                _delete_tree(api, child)
            disk.close()


def _delete_tree(api: API, disk: Any) -> None:
    for child in api.array(disk, "children"):
        _delete_tree(api, child)
    file = Path(disk.location)
    disk.close()
    file.unlink(missing_ok=True)


def not_stuck(api: API, path: Path) -> Path:
    """Return a path for a new disk: the one given, or beside it where VirtualBox is stuck with it.

    When a process is killed between attaching a disk and saving that, VirtualBox keeps the disk in
    its list, as one of a machine that is gone, until its server ends (7.2.22).
    """
    known = {machine.id for machine in api.array(api.virtualbox, "machines")}
    stuck = [
        os.path.normcase(disk.location)
        for disk in api.array(api.virtualbox, "hardDisks")
        if set(api.array(disk, "machineIds")) - known
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


def built_on(api: API, disk: Any) -> list[Path]:
    """Return the files that snapshots have made on top of a disk."""
    files = []
    for child in api.array(disk, "children"):
        files += [*built_on(api, child), Path(child.location)]
    return files
