"""The note that a VM is being made or deleted, there until that has ended.

While it is there, there is no VM for the user, and what it names may be taken away.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Unfinished:
    """What a killed `create` or `delete` may have left."""

    machine: str  # its identity: another may have made one in the same place meanwhile
    settings: Path  # of the machine
    disk: Path | None  # None: the disk is not ours to delete


def write(note: Path, unfinished: Unfinished) -> None:
    """Write the note, whole or not at all."""
    disk = str(unfinished.disk) if unfinished.disk else ""
    new = note.with_name(note.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        facts = {"machine": unfinished.machine, "settings": str(unfinished.settings), "disk": disk}
        json.dump(facts, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(note)


def read(note: Path) -> Unfinished | None:
    """Return what the note names, None when there is none."""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    disk = Path(found["disk"]) if found["disk"] else None
    return Unfinished(found["machine"], Path(found["settings"]), disk)


def is_of_another(unfinished: Unfinished) -> bool:
    """Tell whether a machine of somebody else has its settings, and its disk, in the same place."""
    try:
        text = unfinished.settings.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    return unfinished.machine not in text and "<Machine " in text
