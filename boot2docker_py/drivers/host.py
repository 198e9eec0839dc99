"""What a VM may ask of this host, whatever the hypervisor."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Sequence

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.base import VMSpec
from boot2docker_py.errors import UsageError
from boot2docker_py.wait import Check

FREE_SPACE_MB = 1024
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
        ),
        Check(
            f"{FREE_SPACE_MB} MB of free disk space in '{folder}'",
            lambda _deadline: _why_too_full(_existing(folder)),
            f"Make space, or {how_to_move}",
            is_guess=True,  # a VM begins with a few megabytes, and may never need more
        ),
    ]


def demand_possible(spec: VMSpec) -> None:
    """Raise UsageError when the spec is out of range, NetworkError when a port is taken."""
    _demand(spec.memory_mb, 1, host_memory_mb(), "memory", "MB; the host has no more")
    _demand(spec.cpus, 1, os.cpu_count() or 1, "CPUs", "; the host has no more")
    least_disk_mb = -(-len(spec.seed) // _MB) or 1
    _demand(spec.disk_mb, least_disk_mb, 1 << 26, "disk size", "MB")
    if spec.ssh_port and spec.ssh_port == spec.docker_port:
        raise UsageError(f"SSH and the engine cannot both have port {spec.ssh_port}")
    for port, purpose in ((spec.ssh_port, "SSH"), (spec.docker_port, "the engine")):
        if port:
            _demand(port, 1, 65535, f"port for {purpose}", "")
            ports.demand_free(port, purpose)


def _demand(value: int, least: int, most: int, what: str, unit: str) -> None:
    if not least <= value <= most:
        raise UsageError(f"{what} {value} cannot be: it has to be {least} to {most} {unit}".strip())


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _why_not_writable(folder: Path) -> str | None:
    return None if os.access(folder, os.W_OK | os.X_OK) else f"'{folder}' is not writable"


def _why_too_full(folder: Path) -> str | None:
    import shutil

    free_mb = shutil.disk_usage(folder).free // _MB
    return None if free_mb >= FREE_SPACE_MB else f"{free_mb} MB are free"


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
