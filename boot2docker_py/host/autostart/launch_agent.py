"""macOS: an agent of the user, which launchd starts at login and ends with SIGTERM at logout.

After launchd.plist(5). It has not been run on a Mac.
"""

# ruff: noqa: D102 - what the members do is said once, in Entry

from __future__ import annotations

import plistlib
from pathlib import Path

from boot2docker_py.host.autostart.entry import FileEntry, Job, file_name

# Between SIGTERM and SIGKILL; usually it is 20 s.
SAVE_WITHIN_S = 300


class LaunchAgent(FileEntry):
    """One property list in the user's folder of agents."""

    def __init__(self, vm_name: str, folder: Path) -> None:
        super().__init__(vm_name, folder / f"{file_name(vm_name)}.plist")

    def written(self, job: Job) -> str:
        agent = {
            "Label": file_name(job.vm_name),
            "ProgramArguments": job.command,
            "RunAtLoad": True,
            # The VM and its forwarder outlive the command that starts them.
            "AbandonProcessGroup": True,
            "ExitTimeOut": SAVE_WITHIN_S,
            "EnvironmentVariables": dict(job.settings),
        }
        return plistlib.dumps(agent).decode("utf-8")
