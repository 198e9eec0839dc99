"""Room on the host's disk, looked for before VirtualBox writes there, which does not look itself.

Without any, 7.2.22 puts an empty file in the place of the machine's settings, takes the data disk
out of a machine whose snapshot fails, and loses what lies at the start of a VMDK that is to grow,
which it then calls grown.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.drivers import host
from boot2docker_py.errors import StorageError

if TYPE_CHECKING:
    from virtualbox.library import IMachine

RESERVE_MB = 1  # for settings, three times, and a new differencing disk


def demand(machine: IMachine, more_mb: int = 0) -> None:
    """Raise StorageError when the machine's folder has no room for its settings and `more_mb`."""
    demand_in(Path(machine.settings_file_path).parent, more_mb)


def demand_in(folder: Path, more_mb: int = 0) -> None:
    """Raise StorageError when a folder has no room for a reserve and `more_mb`."""
    free_mb, needed_mb = host.free_mb(folder), RESERVE_MB + more_mb
    if free_mb < needed_mb:
        raise StorageError(
            "the disk is too full for VirtualBox to write the files of the VM",
            details=f"{free_mb} MB are free in '{folder}', {needed_mb} MB are needed",
            resolution="Make space, and run the command again.",
        )


def was_none_for(settings: Path) -> str:
    """Return how to put back settings that a full disk has emptied; nothing when it has not."""
    kept = settings.with_name(f"{settings.name}-prev")
    try:
        is_lost = settings.stat().st_size == 0 and kept.stat().st_size > 0
    except OSError:
        return ""
    if not is_lost:
        return ""
    return (
        "its settings file is empty, as a full disk leaves it. Make space, and put the settings of "
        f"before in its place: copy '{kept}' to '{settings}'"
    )
