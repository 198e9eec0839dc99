"""What a VM may ask of this host, whatever the hypervisor."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Sequence

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.model import Changes, VMInfo, VMSpec
from boot2docker_py.errors import UsageError
from boot2docker_py.wait import Check

FREE_SPACE_MB = 1024
LARGEST_DISK_MB = 1 << 26
_MB = 1 << 20


def folder_checks(
    folder: Path, how_to_move: str = "name another with BOOT2DOCKER_DIR."
) -> Sequence[Check]:
    """Return the preconditions for the files of a VM in the folder."""
    return [
        Check(
            f"a writable folder for the VM, '{folder}'",
            lambda _deadline: _why_not_writable(_existing(folder)),
            f"Make it writable, or {how_to_move}",
            found=lambda: f"the VM's files go to '{folder}', which is writable",
        ),
        Check(
            f"{FREE_SPACE_MB} MB of free disk space in '{folder}'",
            lambda _deadline: _why_too_full(_existing(folder)),
            f"Make space, or {how_to_move}",
            is_guess=True,  # a VM begins with a few megabytes, and may never need more
            found=lambda: f"{free_mb(_existing(folder))} MB are free in '{_existing(folder)}'",
        ),
    ]


def demand_possible(spec: VMSpec) -> None:
    """Raise UsageError when the spec is out of range, NetworkError when a port is taken."""
    _demand_size(spec.memory_mb, spec.cpus)
    least_disk_mb = -(-len(spec.seed) // _MB) or 1
    _demand(spec.disk_mb, least_disk_mb, LARGEST_DISK_MB, "--disksize", " MB")
    _demand_ports(spec.ssh_port, spec.docker_port, ())


def demand_change(changes: Changes, info: VMInfo) -> None:
    """Raise UsageError when a change is out of range, NetworkError when a new port is taken."""
    _demand_size(
        info.memory_mb if changes.memory_mb is None else changes.memory_mb,
        info.cpus if changes.cpus is None else changes.cpus,
    )
    if changes.disk_mb is not None:
        demand_growth(info.name, info.disk_mb, changes.disk_mb)
    _demand_ports(
        info.ssh_port if changes.ssh_port is None else changes.ssh_port,
        info.docker_port if changes.docker_port is None else changes.docker_port,
        (info.ssh_port, info.docker_port),
    )


def demand_growth(name: str, present_mb: int, wanted_mb: int) -> None:
    """Raise UsageError when a disk would have to shrink, or to be larger than any."""
    if wanted_mb < present_mb:
        raise UsageError(
            f"the disk of VM '{name}' cannot shrink to {wanted_mb} MB",
            details=f"it has {present_mb} MB",
            resolution="Omit --disksize, or make the VM anew: boot2docker delete",
        )
    _demand(wanted_mb, 1, LARGEST_DISK_MB, "--disksize", " MB")


def _demand_size(memory_mb: int, cpus: int) -> None:
    _demand(memory_mb, 1, host_memory_mb(), "--memory", " MB; the host has no more")
    _demand(cpus, 1, os.cpu_count() or 1, "--cpus", "; the host has no more")


def _demand_ports(ssh_port: int, docker_port: int, present: Sequence[int]) -> None:
    """Demand ports that can be had; those that the VM has at present are its own."""
    if ssh_port and ssh_port == docker_port:
        raise UsageError(f"--sshport and --dockerport are both {ssh_port}")
    wanted = ((ssh_port, "--sshport", "SSH"), (docker_port, "--dockerport", "the engine"))
    for port, flag, purpose in wanted:
        if port and port not in present:
            _demand(port, 1, 65535, flag)
            ports.demand_free(port, purpose)


def _demand(value: int, least: int, most: int, flag: str, rest: str = "") -> None:
    if not least <= value <= most:
        raise UsageError(f"{flag} {value} cannot be: it has to be {least} to {most}{rest}")


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _why_not_writable(folder: Path) -> str | None:
    return None if os.access(folder, os.W_OK | os.X_OK) else f"'{folder}' is not writable"


def _why_too_full(folder: Path) -> str | None:
    found_mb = free_mb(folder)
    return None if found_mb >= FREE_SPACE_MB else f"{found_mb} MB are free"


def free_mb(folder: Path) -> int:
    """Return the free space of a folder in MB."""
    import shutil

    return shutil.disk_usage(folder).free // _MB


if sys.platform == "win32":
    import ctypes

    class _MemoryStatus(ctypes.Structure):
        """MEMORYSTATUSEX of sysinfoapi.h."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total_bytes", ctypes.c_ulonglong),
            ("rest", ctypes.c_ulonglong * 6),
        )

    def host_memory_mb() -> int:
        """Return the memory of this host in MB."""
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.total_bytes) // _MB
else:

    def host_memory_mb() -> int:
        """Return the memory of this host in MB."""
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MB
