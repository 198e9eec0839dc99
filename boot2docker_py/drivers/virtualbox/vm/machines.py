"""Machines of VirtualBox: found, made, described, unregistered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from boot2docker_py.drivers.base import VMInfo, VMSpec
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import media, nat, versions

MARK = "boot2docker-py/made"  # extra data: this machine and its disk are ours to delete


def find(api: API, name: str) -> Any:
    """Return the machine of that name, None when there is none.

    One that VirtualBox cannot read has no name; it is found by its file.
    """
    try:
        with failures.translated():
            return api.virtualbox.findMachine(name)
    except failures.APIError as error:
        if error.result_code != failures.OBJECT_NOT_FOUND:
            raise
    for machine in api.array(api.virtualbox, "machines"):
        if not machine.accessible and Path(machine.settingsFilePath).stem == name:
            return machine
    return None


def find_by_id(api: API, identity: str) -> Any:
    """Return the machine with this identity, None when there is none."""
    for machine in api.array(api.virtualbox, "machines"):
        if machine.id == identity:
            return machine
    return None


def settings_file(api: API, name: str) -> Path:
    """Return where VirtualBox puts the settings of a new machine."""
    return Path(api.virtualbox.composeMachineFilename(name, "", "", ""))


def configure(api: API, machine: Any, spec: VMSpec, ssh_port: int) -> None:
    """Make of a new machine what the original made of it."""
    machine.memorySize = spec.memory_mb
    machine.CPUCount = spec.cpus
    versions.set_platform(api, machine)
    versions.audio_adapter(api, machine).enabled = False
    devices = ("DVD", "HardDisk", "Null", "Null")
    for position, device in enumerate(devices, start=1):
        machine.setBootOrder(position, api.number("DeviceType", device))
    media.add_controller(api, machine)
    nat.set_up(api, machine, ssh_port, spec.docker_port)
    _log_console(api, machine, spec.console_log)
    machine.setExtraData(MARK, "1")


def _log_console(api: API, machine: Any, file: Path) -> None:
    serial = machine.getSerialPort(0)
    serial.IRQ = 4
    versions.set_port_address(api, serial, 0x3F8)
    serial.path = str(file)  # before the mode, which is refused without
    serial.hostMode = api.number("PortMode", "RawFile")
    serial.enabled = True


def describe(api: API, machine: Any) -> VMInfo:
    """Return what the machine is made of."""
    iso, disk = media.attached(machine, media.ISO_PORT), media.attached(machine, media.DISK_PORT)
    host_ports = nat.host_ports(api, machine)
    settings = Path(machine.settingsFilePath)
    return VMInfo(
        name=machine.name,
        uuid=machine.id,
        iso=Path(iso.location if iso else ""),
        disk=Path(disk.location if disk else ""),
        disk_mb=disk.logicalSize // media.MB if disk else 0,
        memory_mb=machine.memorySize,
        cpus=machine.CPUCount,
        ssh_port=host_ports.get(nat.SSH, 0),
        docker_port=host_ports.get(nat.ENGINE, 0),
        config_file=settings,
        folder=settings.parent,
        console_log=console_log(api, machine),
        hypervisor_log=Path(machine.logFolder, "VBox.log"),
    )


def console_log(api: API, machine: Any) -> Path | None:
    """Return the file that the serial console is logged to; the original had a pipe, or nothing."""
    serial = machine.getSerialPort(0)
    is_file = serial.enabled and serial.hostMode == api.number("PortMode", "RawFile")
    return Path(serial.path) if is_file else None


def damage(machine: Any) -> str:
    """Return what the machine lacks to be started, as far as files go; empty when nothing."""
    files = media.files_of(machine, media.DISK_PORT)
    if not files:
        return f"it has no data disk in port {media.DISK_PORT} of {media.CONTROLLER}"
    missing = [file for file in files if not file.exists()]
    return f"the data disk '{missing[0]}' is missing" if missing else ""


def is_ours(machine: Any) -> bool:
    """Whether we may delete the machine: it has our mark, or the shape of the original's."""
    return bool(machine.getExtraData(MARK)) or own_disk(machine) is not None


def own_disk(machine: Any) -> Path | None:
    """Return the data disk when it is the machine's own: it carries our mark, or its shape.

    The original made none; its disk has the machine's name and lies beside the settings. Docker
    Machine's is called "disk" and lies in the folder above them, which has the machine's name.
    """
    disk = media.attached(machine, media.DISK_PORT)
    if disk is None:
        return None
    path, settings = Path(disk.location), Path(machine.settingsFilePath)
    is_named = bool(re.fullmatch(re.escape(machine.name) + r"(-\d+)?", path.stem))
    is_beside = path.parent == settings.parent and is_named
    above = settings.parent.parent
    is_of_machine = path == above / "disk.vmdk" and above.name == machine.name
    return path if is_beside or is_of_machine else None


def unregister(api: API, machine: Any, disk: Path | None) -> None:
    """Take the machine out of VirtualBox, delete its settings, snapshots and own disk, no other."""
    from boot2docker_py.drivers.virtualbox.vm import leases

    settings = Path(machine.settingsFilePath)
    if not machine.accessible:
        machine.unregister(api.number("CleanupMode", "UnregisterOnly"))
        settings.unlink(missing_ok=True)
        return
    leases.forget(api, machine)
    removed = list(machine.unregister(api.number("CleanupMode", "Full")) or [])
    ours = [medium for medium in removed if disk and Path(medium.base.location) == disk]
    failures.wait(machine.deleteConfig(ours))
