"""Which hypervisor drives a VM: the one that was asked for, or the one that made it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Sequence

from boot2docker_py.errors import HypervisorError, UsageError

if TYPE_CHECKING:
    from boot2docker_py.drivers.base import Driver, OnHang
    from boot2docker_py.drivers.model import Snapshot
    from boot2docker_py.paths import VMPaths

log = logging.getLogger(__name__)


def choose(wanted: str, paths: VMPaths, on_hang: OnHang) -> Driver:
    """Return the driver for the VM; `wanted` is auto, virtualbox or qemu.

    `on_hang` is called, in another thread, when the hypervisor ends and a call to it hangs.

    Raises:
        UsageError: the VM was made with another driver than the wanted one.
        HypervisorError: there is no hypervisor, or not the one that is wanted.
    """
    made_with = record(paths)
    if made_with and wanted not in ("auto", made_with):
        raise UsageError(
            f"VM '{paths.name}' was made with driver {made_with}, not {wanted}",
            resolution="Omit --driver, or name another VM with --vm.",
        )
    return _open(made_with or wanted, paths, on_hang)


def snapshots(wanted: str, paths: VMPaths, on_hang: OnHang) -> Sequence[Snapshot]:
    """Return the snapshots of the VM, with as little loaded as that takes; `wanted` as above.

    Those of QEMU stand in a file. VirtualBox has to be asked, also of a VM that is not ours yet.

    Raises:
        NotFoundError, HypervisorError: there is no VM; VirtualBox cannot be asked.
    """
    made_with = record(paths) or wanted
    if made_with == "qemu":
        from boot2docker_py.drivers.qemu import files, snapshot_list

        kept = files.Files(paths.folder)
        if not kept.settings.exists():
            raise files.no_vm(paths.name)
        return snapshot_list.all_of(kept)
    return _virtualbox(paths, on_hang).snapshots()


def record(paths: VMPaths) -> str:
    """Return the name of the driver that made the VM, nothing when none of ours did."""
    try:
        return paths.driver_record.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def remember(paths: VMPaths, driver: Driver) -> None:
    """Write down which driver makes the VM, or has made it."""
    from boot2docker_py import whole_file

    whole_file.write(paths.driver_record, f"{driver.name}\n".encode())


def _open(name: str, paths: VMPaths, on_hang: OnHang) -> Driver:
    if name == "virtualbox":
        return _virtualbox(paths, on_hang)
    not_virtualbox: HypervisorError | None = None
    if name == "auto":
        try:
            return _virtualbox(paths, on_hang)
        except HypervisorError as error:
            not_virtualbox = error
            log.debug("Not VirtualBox: %s (%s)", error.brief, error.details)
    from boot2docker_py.drivers.qemu import driver as qemu

    if qemu.is_available():
        return qemu.QEMUDriver(paths)
    if not_virtualbox:
        raise neither(not_virtualbox, qemu.HOW_TO_INSTALL)
    raise HypervisorError("QEMU is not installed", resolution=qemu.HOW_TO_INSTALL)


def neither(virtualbox: HypervisorError, qemu_advice: str) -> HypervisorError:
    """Return what to say where VirtualBox cannot be used, as it says itself, and QEMU is not there.

    Each piece of advice is in it once.
    """
    return HypervisorError(
        "no hypervisor can be used",
        details=f"VirtualBox: {virtualbox.brief}: {virtualbox.details}",
        resolution=f"{virtualbox.resolution}\nOr: {qemu_advice}",
    )


def _virtualbox(paths: VMPaths, on_hang: OnHang) -> Driver:
    from boot2docker_py.drivers.virtualbox.binding import api

    connected = api.connect(on_hang)
    from boot2docker_py.drivers.virtualbox import driver  # in vain where there is no VirtualBox

    return driver.VirtualBoxDriver(paths, connected)
