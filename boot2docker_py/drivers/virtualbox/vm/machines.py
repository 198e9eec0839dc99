"""Machines of VirtualBox: found, made, described, unregistered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.drivers.model import VMInfo, VMSpec
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import (
    internal_network,
    media,
    nat,
    snapshots,
    status,
    versions,
)

if TYPE_CHECKING:
    from virtualbox.library import IMachine

OWN_DISK = "boot2docker-py/disk"  # extra data: the identity of the disk of a renamed machine
MARK = "boot2docker-py/made"  # extra data: this machine and its disk are ours to delete


def find(api: API, name: str) -> IMachine | None:
    """Return the machine of that name, None when there is none."""
    raw = status.find(api, name)
    return None if raw is None else api.library.IMachine(raw)


def find_by_id(api: API, identity: str) -> IMachine | None:
    """Return the machine with this identity, None when there is none."""
    for machine in api.virtualbox.machines:
        if machine.id_p == identity:
            return machine
    return None


def settings_file(api: API, name: str) -> Path:
    """Return where VirtualBox puts the settings of a new machine."""
    return Path(api.virtualbox.compose_machine_filename(name, "", "", ""))


def configure(api: API, machine: IMachine, spec: VMSpec, ssh_port: int) -> None:
    """Make of a new machine what the original made of it."""
    machine.memory_size = spec.memory_mb
    machine.cpu_count = spec.cpus
    versions.set_platform(api, machine)
    versions.audio_adapter(api, machine).enabled = False
    kinds = api.library.DeviceType
    devices = (kinds.dvd, kinds.hard_disk, kinds.null, kinds.null)
    for position, device in enumerate(devices, start=1):
        machine.set_boot_order(position, device)
    media.add_controller(api, machine)
    nat.set_up(api, machine, ssh_port, spec.docker_port, spec.nat_network)
    if spec.internal_network:
        internal_network.attach(api, machine, spec.internal_network)
    _log_console(api, machine, spec.console_log)
    machine.set_extra_data(MARK, "1")


def _log_console(api: API, machine: IMachine, file: Path) -> None:
    serial = machine.get_serial_port(0)
    serial.irq = 4
    versions.set_port_address(api, serial, 0x3F8)
    serial.path = str(file)  # before the mode, which is refused without
    serial.host_mode = api.library.PortMode.raw_file
    serial.enabled = True


def describe(api: API, machine: IMachine) -> VMInfo:
    """Return what the machine is made of."""
    iso, disk = media.attached(machine, media.ISO_PORT), media.attached(machine, status.DISK_PORT)
    present = media.top(machine, status.DISK_PORT)  # one with snapshots may have grown since
    host_ports = nat.host_ports(machine)
    settings = Path(machine.settings_file_path)
    return VMInfo(
        name=machine.name,
        uuid=machine.id_p,
        iso=Path(iso.location if iso else ""),
        disk=Path(disk.location if disk else ""),
        disk_mb=present.logical_size // media.MB if present else 0,
        memory_mb=machine.memory_size,
        cpus=machine.cpu_count,
        ssh_port=host_ports.get(nat.SSH, 0),
        docker_port=host_ports.get(nat.ENGINE, 0),
        config_file=settings,
        folder=settings.parent,
        console_log=console_log(api, machine),
        hypervisor_log=Path(machine.log_folder, "VBox.log"),
        console_socket=console_socket(api, machine),
        nat_network=nat.network(machine),
        internal_network=internal_network.of(api, machine),
    )


def console_log(api: API, machine: IMachine) -> Path | None:
    """Return the file that the serial console is logged to; the original had a pipe, or nothing."""
    serial = machine.get_serial_port(0)
    is_file = serial.enabled and serial.host_mode == api.library.PortMode.raw_file
    return Path(serial.path) if is_file else None


def console_socket(api: API, machine: IMachine) -> Path | None:
    """Return the pipe of the serial console, as the original made one; on POSIX it is a socket."""
    serial = machine.get_serial_port(0)
    is_pipe = serial.enabled and serial.host_mode == api.library.PortMode.host_pipe
    return Path(serial.path) if is_pipe and serial.server else None


def is_ours(machine: IMachine) -> bool:
    """Whether we may delete the machine: it has our mark, or the shape of the original's."""
    return bool(machine.get_extra_data(MARK)) or own_disk(machine) is not None


def holds_data(api: API, machine: IMachine) -> bool:
    """Whether anybody's data could go with the machine: a hard disk, or a snapshot."""
    hard_disk = api.library.DeviceType.hard_disk
    has_disk = any(
        one.type_p == hard_disk and one.medium is not None for one in machine.medium_attachments
    )
    return has_disk or machine.snapshot_count > 0


def own_disk(machine: IMachine) -> Path | None:
    """Return the data disk when it is the machine's own: it carries our mark, or its shape.

    A machine that was renamed names its disk, whose file keeps the name that it had.

    The original made none; its disk has the machine's name and lies beside the settings. Docker
    Machine's is called "disk" and lies in the folder above them, which has the machine's name.
    """
    disk = media.attached(machine, status.DISK_PORT)
    if disk is None:
        return None
    path, settings = Path(disk.location), Path(machine.settings_file_path)
    is_named = bool(re.fullmatch(re.escape(machine.name) + r"(-\d+)?", path.stem))
    is_beside = path.parent == settings.parent and is_named
    above = settings.parent.parent
    is_of_machine = path == above / "disk.vmdk" and above.name == machine.name
    is_named_by_us = machine.get_extra_data(OWN_DISK) == disk.id_p
    return path if is_beside or is_of_machine or is_named_by_us else None


def unregister(api: API, machine: IMachine, disk: Path | None) -> None:
    """Take the machine out of VirtualBox, delete its settings, snapshots and own disk, no other."""
    from boot2docker_py.drivers.virtualbox.vm import leases

    settings = Path(machine.settings_file_path)
    if not machine.accessible:
        machine.unregister(api.library.CleanupMode.unregister_only)
        settings.unlink(missing_ok=True)
        return
    leases.forget(api, machine)
    files = snapshots.own_files(machine, disk) if disk else set()
    removed = machine.unregister(api.library.CleanupMode.full)
    ours = [medium for medium in removed if Path(medium.location) in files]
    failures.wait(machine.delete_config(ours))
