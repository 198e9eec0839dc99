"""Linux without systemd: a file in the folder of what desktops start at login.

After freedesktop.org's Desktop Application Autostart and Desktop Entry specifications. Desktops end
what they have started with SIGHUP or SIGTERM, as far as they do: it was not tried in one.
"""

# ruff: noqa: D102 - what the members do is said once, in Entry

from __future__ import annotations

import re
from pathlib import Path

from boot2docker_py.host.autostart.entry import FileEntry, Job, file_name


class DesktopEntry(FileEntry):
    """One file in the autostart folder."""

    def __init__(self, vm_name: str, folder: Path) -> None:
        super().__init__(vm_name, folder / f"{file_name(vm_name)}.desktop")

    def written(self, job: Job) -> str:
        settings = [f"{name}={value}" for name, value in job.settings.items()]
        words = (["env", *settings] if settings else []) + job.command
        return (
            "[Desktop Entry]\n"
            "Type=Application\n"
            f"Name=boot2docker VM {_value(job.vm_name)}\n"
            "Comment=Made by: boot2docker autostart on\n"
            f"Exec={_value(' '.join(map(_quoted, words)))}\n"
            "Terminal=false\n"
            "NoDisplay=true\n"
        )


def _quoted(word: str) -> str:
    """Return an argument of Exec; a percent sign would begin a field code."""
    return '"' + re.sub(r'([\\"`$])', r"\\\1", word).replace("%", "%%") + '"'


def _value(text: str) -> str:
    """Return a value of type string, in which a backslash begins an escape."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")
