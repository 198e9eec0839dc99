"""The note that a VM is being made or deleted, there until that has ended.

While it is there, there is no VM for the user, and what it names may be taken away.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from boot2docker_py import whole_file
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import machines, media, sessions

IMPORTED = "import.vmdk"  # beside the note: the disk of a file, until it has become the data disk


class Unfinished(NamedTuple):
    """What a killed `create` or `delete` may have left."""

    machine: str  # its identity: another may have made one in the same place meanwhile
    settings: Path  # of the machine
    disk: Path | None  # None: the disk is not ours to delete
    of_snapshots: tuple[Path, ...] = ()  # files that snapshots have made


def write(note: Path, unfinished: Unfinished) -> None:
    """Write the note, whole or not at all."""
    import json  # only here, and in `read`: few commands leave a note

    facts = {
        "machine": unfinished.machine,
        "settings": str(unfinished.settings),
        "disk": str(unfinished.disk) if unfinished.disk else "",
        "of_snapshots": [str(file) for file in unfinished.of_snapshots],
    }
    whole_file.write(note, json.dumps(facts).encode())


def read(note: Path) -> Unfinished | None:
    """Return what the note names, None when there is none."""
    try:
        text = note.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    import json

    found = json.loads(text)
    disk = Path(found["disk"]) if found["disk"] else None
    of_snapshots = tuple(map(Path, found["of_snapshots"]))
    return Unfinished(found["machine"], Path(found["settings"]), disk, of_snapshots)


def clean_up(api: API, note: Path) -> None:
    """Take away what the note names, and the note; nothing of a machine that is another's."""
    left = read(note)
    if left is None:
        return
    machine = machines.find_by_id(api, left.machine)
    if machine is not None:
        if machine.accessible:
            sessions.wait_until_free(api, machine)
        machines.unregister(api, machine, left.disk)
    imported = note.with_name(IMPORTED)
    if imported.exists():
        media.forget(api, imported)
        imported.unlink()
    if not _is_of_another(left):
        left.settings.unlink(missing_ok=True)
        left.settings.with_suffix(".vbox-prev").unlink(missing_ok=True)
        if left.disk:
            media.forget(api, left.disk)
            media.delete_files(*left.of_snapshots, left.disk)
    note.unlink()


def _is_of_another(unfinished: Unfinished) -> bool:
    """Tell whether another machine has its settings, and its disk, in the same place."""
    try:
        text = unfinished.settings.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    return unfinished.machine not in text and "<Machine " in text
