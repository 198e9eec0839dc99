"""All VMs of this user, with one question to each hypervisor."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple, Sequence

from boot2docker_py import drivers
from boot2docker_py.drivers.base import Driver, OnHang
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import Boot2DockerError, HypervisorError
from boot2docker_py.paths import Paths

log = logging.getLogger(__name__)


class Listed(NamedTuple):
    """One VM in a list."""

    name: str
    driver: str
    state: State | None  # None: the hypervisor cannot be asked
    disk_bytes: int  # what its data disk takes on this machine, its snapshots' share of it too
    problem: str = ""
    images: tuple[Path, ...] | None = None  # that it boots, its snapshots too; None: not known
    images_of_memory: tuple[Path, ...] = ()  # that memory in its snapshots needs


def every(paths: Paths, wanted: str, on_hang: OnHang) -> list[Listed]:
    """Return the VMs, by name: ours, the original's, and Docker Toolbox's.

    `wanted` is auto, virtualbox or qemu: whose VMs are listed.
    """
    found: list[Listed] = []
    if wanted in ("auto", "qemu"):
        found += _of_qemu(paths)
    if wanted in ("auto", "virtualbox"):
        found += _of_virtualbox(paths, on_hang)
    return sorted(found, key=lambda vm: (vm.name, vm.driver))


def _of_qemu(paths: Paths) -> Sequence[Listed]:
    from boot2docker_py.drivers.qemu import files
    from boot2docker_py.drivers.qemu.driver import QEMUDriver

    names = [name for name in paths.vm_names() if drivers.record(paths.vm(name)) == "qemu"]
    found = []
    for name in names:
        vm = paths.vm(name)
        driver = QEMUDriver(vm)
        try:
            state: State | None = driver.state()
            problem = driver.problem() if state is State.BROKEN else ""
        except Boot2DockerError as error:
            state, problem = None, f"{error.brief}: {error.details}"
        if state is not State.ABSENT:
            used = _bytes_on_disk(files.Files(vm.folder).disk)
            found.append(Listed(name, "qemu", state, used, problem, _image_of(driver)))
    return found


def _image_of(driver: Driver) -> tuple[Path, ...] | None:
    """Return what it boots; snapshots of QEMU have their own name for the file."""
    try:
        return (driver.describe().iso,)
    except Boot2DockerError as error:
        log.debug("no image: %s (%s)", error.brief, error.details)
        return None


def _of_virtualbox(paths: Paths, on_hang: OnHang) -> Sequence[Listed]:
    from boot2docker_py.drivers.virtualbox import listing

    try:
        return [
            Listed(
                vm.name,
                "virtualbox",
                vm.state,
                sum(map(_bytes_on_disk, vm.disk)),
                vm.problem,
                vm.images,
                vm.images_of_memory,
            )
            for vm in listing.all_of(on_hang)
        ]
    except HypervisorError as error:
        log.debug("Not VirtualBox: %s (%s)", error.brief, error.details)
        names = [n for n in paths.vm_names() if drivers.record(paths.vm(n)) == "virtualbox"]
        return [Listed(name, "virtualbox", None, 0, error.brief) for name in names]


def _bytes_on_disk(file: Path) -> int:
    try:
        status = file.stat()
    except OSError:
        return 0
    blocks: int | None = getattr(status, "st_blocks", None)  # Windows has none
    return status.st_size if blocks is None else blocks * 512
