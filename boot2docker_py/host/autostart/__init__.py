"""What the system starts when the user logs in, and ends when they log off: no service, no rights.

Each system has a module that makes an Entry; it changes nothing but its own file or value.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Mapping

from boot2docker_py.host.autostart.entry import Entry, Job, Kept

__all__ = ["Entry", "Job", "Kept", "entry"]

SYSTEMD_RUNS = Path("/run/systemd/system")  # sd_booted(3)


def entry(
    vm_name: str,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    systemd_runs: Path = SYSTEMD_RUNS,
) -> Entry:
    """Return the place of this system that has, or could have, the start of a VM at login."""
    if platform == "win32":
        from boot2docker_py.host.autostart.run_key import RunKey

        return RunKey(vm_name)
    home = Path(environ.get("HOME") or "~").expanduser()
    if platform == "darwin":
        from boot2docker_py.host.autostart.launch_agent import LaunchAgent

        return LaunchAgent(vm_name, home / "Library" / "LaunchAgents")
    settings = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    if systemd_runs.is_dir():
        from boot2docker_py.host.autostart.systemd_unit import SystemdUnit

        return SystemdUnit(vm_name, settings / "systemd" / "user")
    from boot2docker_py.host.autostart.xdg import DesktopEntry

    return DesktopEntry(vm_name, settings / "autostart")
