"""What a host must have for a VM of QEMU."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from boot2docker_py.drivers import host
from boot2docker_py.drivers.qemu import acceleration, command_line
from boot2docker_py.wait import Check, Deadline


def checks(folder: Path) -> Sequence[Check]:
    """Return the preconditions for a VM in the folder."""
    install = command_line.install_hint()
    return [
        Check("QEMU", _has_program, install, found=_program_found),
        Check("qemu-img", _has_disk_tool, install, found=_disk_tool_found),
        Check("a virtual CPU", _has_accelerator, install, found=_accelerator_found),
        *host.folder_checks(folder),
    ]


def _has_program(_deadline: Deadline) -> str | None:
    return None if command_line.find_program() else "not installed"


def _has_disk_tool(_deadline: Deadline) -> str | None:
    return None if command_line.find_tool("qemu-img") else "not installed"


def _has_accelerator(_deadline: Deadline) -> str | None:
    program = command_line.find_program()
    if program is None:
        return "QEMU is not installed"
    return acceleration.why_not(program, acceleration.choose(program).accelerator)


def _program_found() -> str:
    program = command_line.find_program() or ""
    said = acceleration.version(program).splitlines() or ["QEMU"]
    return f"{said[0]} is at {program}"


def _disk_tool_found() -> str:
    return f"qemu-img, which makes disks, is at {command_line.find_tool('qemu-img')}"


def _accelerator_found() -> str:
    choice = acceleration.choose(command_line.find_program() or "")
    return f"QEMU runs VMs with {choice.words}"
