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
        Check("QEMU", _has_program, install),
        Check("qemu-img", _has_disk_tool, install),
        Check("a virtual CPU", _has_accelerator, install),
        *host.folder_checks(folder),
    ]


def _has_program(_deadline: Deadline) -> str | None:
    return None if command_line.find_program() else "not installed"


def _has_disk_tool(_deadline: Deadline) -> str | None:
    return None if command_line.find_disk_tool() else "not installed"


def _has_accelerator(_deadline: Deadline) -> str | None:
    program = command_line.find_program()
    if program is None:
        return "QEMU is not installed"
    return acceleration.why_not(program, acceleration.choose(program))
