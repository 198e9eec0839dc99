"""What is known of a host without VirtualBox: the CPU, the drivers, other hypervisors.

Collected without starting a program, so that asking is quick. The registry's names are those of
Microsoft's documentation of Device Guard; nothing here has been run on Windows.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Mapping, NamedTuple

DEVICES = ("/dev/vboxdrv", "/dev/vboxdrvu", "/dev/vboxnetctl")


class WindowsFacts(NamedTuple):
    """What a Windows says of its own hypervisor, and of VirtualBox's driver."""

    has_hyper_v: bool = False  # the feature is installed
    has_vm_platform: bool = False  # as for WSL 2
    has_memory_integrity: bool = False  # Core isolation
    has_driver: bool = True  # VirtualBox's service, by either of its names


class HostFacts(NamedTuple):
    """What is known of this host."""

    platform: str
    python_bits: int = 64
    is_64_bit: bool = True
    cpu_flags: frozenset[str] = frozenset()  # empty where they cannot be read
    devices: frozenset[str] = frozenset()
    windows: WindowsFacts = WindowsFacts()


def collect() -> HostFacts:
    """Return the facts of this host."""
    return HostFacts(
        platform=sys.platform,
        python_bits=struct.calcsize("P") * 8,
        is_64_bit=is_64_bit(sys.maxsize, os.environ),
        cpu_flags=cpu_flags(_read(Path("/proc/cpuinfo"))),
        devices=frozenset(device for device in DEVICES if Path(device).exists()),
        windows=_windows(),
    )


def is_64_bit(largest_integer: int, environ: Mapping[str, str]) -> bool:
    """Tell whether the system is one of 64 bits, whatever this Python is."""
    return largest_integer > 1 << 32 or "PROCESSOR_ARCHITEW6432" in environ


def cpu_flags(cpuinfo: str) -> frozenset[str]:
    """Return what the first CPU of /proc/cpuinfo can do."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return frozenset(value.split())
    return frozenset()


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:  # not a Linux
        return ""


if sys.platform == "win32":
    import winreg

    _GUARD = r"SYSTEM\CurrentControlSet\Control\DeviceGuard"
    _SERVICES = r"SYSTEM\CurrentControlSet\Services"

    def _windows() -> WindowsFacts:
        system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32")
        integrity = rf"{_GUARD}\Scenarios\HypervisorEnforcedCodeIntegrity"
        return WindowsFacts(
            has_hyper_v=(system / "vmms.exe").exists(),
            has_vm_platform=(system / "vmcompute.exe").exists(),
            has_memory_integrity=_number(integrity, "Enabled") == 1,
            has_driver=any(
                _number(rf"{_SERVICES}\{name}", "Type") is not None
                for name in ("VBoxSup", "VBoxDrv")
            ),
        )

    def _number(key: str, name: str) -> int | None:
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
                return int(winreg.QueryValueEx(opened, name)[0])
        except (OSError, ValueError):
            return None
else:

    def _windows() -> WindowsFacts:
        return WindowsFacts()
