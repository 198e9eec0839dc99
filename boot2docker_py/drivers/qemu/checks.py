"""What a host must have for a VM of QEMU."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from boot2docker_py.drivers import host
from boot2docker_py.drivers.qemu import acceleration, command_line, process
from boot2docker_py.wait import Check, Deadline

INSTEAD = "Use VirtualBox instead: boot2docker --driver virtualbox up"


def checks(folder: Path) -> Sequence[Check]:
    """Return the preconditions for a VM in the folder."""
    install = command_line.install_hint()
    return [
        Check("QEMU", _has_program, install),
        Check("qemu-img", _has_disk_tool, install),
        Check("a way to control QEMU that is ours alone", _is_private, INSTEAD),
        Check("a virtual CPU", _has_accelerator, install),
        *host.folder_checks(folder),
    ]


def _is_private(_deadline: Deadline) -> str | None:
    return process.why_not_private()


def _has_program(_deadline: Deadline) -> str | None:
    return None if command_line.find_program() else "not installed"


def _has_disk_tool(_deadline: Deadline) -> str | None:
    return None if command_line.find_disk_tool() else "not installed"


def _has_accelerator(_deadline: Deadline) -> str | None:
    program = command_line.find_program()
    if program is None:
        return "QEMU is not installed"
    return acceleration.why_not(program, acceleration.choose(program))
