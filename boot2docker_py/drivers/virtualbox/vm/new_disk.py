"""A new data disk in place of the old one, which goes when the machine has let go of it.

While that is done a note names both files, so that the one that no machine has is found again.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py import whole_file
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import media, sessions, status

if TYPE_CHECKING:
    from virtualbox.library import IMachine


def replace(
    api: API, machine: IMachine, old: Path | None, seed: bytes, size_mb: int, note: Path
) -> None:
    """Replace the disk `old` of a machine that is off; None: it has none."""
    clean_up(api, machine, note)
    new = free_name(api, machine, old)
    write(note, [new, *([old] if old else [])])
    disk = media.make_disk(api, new, seed, size_mb)
    with sessions.changed(api, machine) as changing:
        media.exchange(api, changing, disk)
        changing.save_settings()
    clean_up(api, machine, note)


def clean_up(api: API, machine: IMachine, note: Path) -> None:
    """Delete the disks that a note names and no machine has, and the note.

    Disks that snapshots still have stay in the note, as do those that going back to one lets go.
    """
    try:
        files = [Path(file) for file in json.loads(note.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return
    present = media.top(machine, status.DISK_PORT)
    used, stuck = [], []
    for file in files:
        disk = media.known(api, file)
        is_present = present is not None and Path(present.location) == file
        if is_present or (disk is not None and media.is_used(api, disk)):
            used.append(file)
        elif not _is_forgotten(api, file):
            stuck.append(file)
        else:
            file.unlink(missing_ok=True)
    if stuck or (machine.snapshot_count and len(used) > 1):
        write(note, [*used, *stuck])
    else:
        note.unlink()


def _is_forgotten(api: API, file: Path) -> bool:
    """Let VirtualBox forget a disk; tell whether it does.

    One that a killed command has taken out of a machine it may keep until its server ends (7.2.22).
    """
    try:
        with failures.translated():
            media.forget(api, file)
    except failures.APIError as error:
        if error.result_code != failures.OBJECT_IN_USE:
            raise
        return False
    return True


def free_name(api: API, machine: IMachine, old: Path | None, suffix: str = "") -> Path:
    """Return a name for a disk of the machine beside its settings, which no file has."""
    settings = Path(machine.settings_file_path)
    suffix = suffix or (old.suffix if old else ".vmdk")
    for number in itertools.count(1):
        end = "" if number == 1 else f"-{number}"
        name = settings.with_name(f"{machine.name}{end}{suffix}")
        if name != old and not name.exists():
            return media.not_stuck(api, name)
    raise AssertionError("numbers do not end")


def write(note: Path, files: list[Path]) -> None:
    """Note files, of which `clean_up` deletes those that no machine has then."""
    whole_file.write(note, json.dumps([str(path) for path in files]).encode())
