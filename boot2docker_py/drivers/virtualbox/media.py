"""The image and the data disk: made, attached, found again, taken away."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from boot2docker_py.drivers.virtualbox import failures, versions
from boot2docker_py.drivers.virtualbox.api import API
from boot2docker_py.errors import StorageError
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
    deadline = Deadline(SERVER_ENDS_S)
    while True:
        try:
            disk = _make_empty(api, path, size_mb)
            break
        except failures.APIError as error:
            # VirtualBox's server goes on with what a killed `create` had asked of it, and lists
            # that disk only when it is made.
            if error.result_code != failures.INVALID_ARGUMENT or deadline.has_passed():
                raise
            forget(api, path)
            path.unlink(missing_ok=True)
            deadline.clock.sleep(0.05)
    _write(disk, seed)
    return disk


def make_disk_file(api: API, path: Path, seed: bytes, size_mb: int) -> Any:
    """Make such a disk where VirtualBox cannot write the seed: the file is made by us."""
    from boot2docker_py.drivers.virtualbox import disk_files

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
    disk = api.virtualbox.createMedium(
        path.suffix[1:].upper(),
        str(path),
        api.number("AccessMode", "ReadWrite"),
        api.number("DeviceType", "HardDisk"),
    )
    standard = api.number("MediumVariant", "Standard")
    failures.wait(disk.createBaseStorage(size_mb * MB, [standard]))
    return disk


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
    try:
        with failures.translated():
            medium = machine.getMedium(CONTROLLER, port, 0)
    except failures.APIError as error:
        if error.result_code == failures.OBJECT_NOT_FOUND:
            return None
        raise
    return medium and medium.base


def forget(api: API, path: Path) -> None:
    """Take a disk that no machine has out of VirtualBox's list; its file is left alone."""
    for disk in api.array(api.virtualbox, "hardDisks"):
        is_it = os.path.normcase(disk.location) == os.path.normcase(str(path))
        if is_it and not api.array(disk, "machineIds"):
            disk.close()


def demand_new(path: Path) -> None:
    """Raise StorageError when there is a file where the disk is to be."""
    if path.exists():
        raise StorageError(
            f"there is a data disk without a VM: '{path}'",
            resolution="Move it away; boot2docker never writes over a data disk.",
        )


def delete_files(path: Path) -> None:
    """Delete the disk's file and, when nothing else is there, its folder."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # something else lives there, or it never was
        path.parent.rmdir()
