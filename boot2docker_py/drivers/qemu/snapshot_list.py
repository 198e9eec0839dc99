"""The list of a VM's snapshots: what it says, and how it is kept.

It is apart from what is done with snapshots, which takes a good deal of Python to load: a shell
that completes a name waits for this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from boot2docker_py.drivers.model import Snapshot
from boot2docker_py.drivers.qemu.files import Files, read_json, write_json
from boot2docker_py.errors import NotFoundError, StorageError

FORMAT = 1


class Entry(NamedTuple):
    """One snapshot, as kept in the list."""

    tag: str  # its name in the qcow2 file, where digits alone would be a number
    name: str
    taken_at_s: float
    parent: str  # the tag of the one that it builds on; empty: none
    memory_mb: int
    cpus: int
    saved_by: dict[str, Any]  # what QEMU has to be like for its memory; empty: it has none
    disk_mb: int = 0  # 0: older lists do not say


class Listed(NamedTuple):
    """What the list says."""

    entries: tuple[Entry, ...] = ()
    current: str = ""  # the tag of the one that the VM builds on; empty: none
    is_as_current: bool = False
    unfinished: str = ""  # a tag of which nothing is to be left
    goes_on: bool = False  # the VM ran when that was begun, and runs when it is away


def all_of(files: Files) -> list[Snapshot]:
    """Return the snapshots, the oldest first."""
    listed = read(files)
    names = {entry.tag: entry.name for entry in listed.entries}
    return [
        Snapshot(
            name=entry.name,
            taken_at_s=entry.taken_at_s,
            has_memory=bool(entry.saved_by),
            parent=names.get(entry.parent),
            is_current=entry.tag == listed.current,
            size_bytes=_size_bytes(memory),
            lost_file=memory if entry.saved_by and not memory.exists() else None,
        )
        for entry, memory in ((one, files.snapshot_memory(one.tag)) for one in listed.entries)
    ]


def is_as_current(files: Files) -> bool:
    """Tell whether the VM has not run since the current snapshot was taken or restored."""
    return read(files).is_as_current


def note_run(files: Files) -> None:
    """Note that the VM runs, so that it is not what its snapshot is any more."""
    listed = read(files)
    if listed.is_as_current:
        write(files, listed._replace(is_as_current=False))


def tag_in_list(files: Files, name: str) -> str:
    """Return the tag of a snapshot, whether the disk has it or not; empty without one."""
    return next((entry.tag for entry in read(files).entries if entry.name == name), "")


def tags(files: Files) -> frozenset[str]:
    """Return the tags of all snapshots."""
    return frozenset(entry.tag for entry in read(files).entries)


def find(listed: Listed, name: str) -> Entry:
    """Return the snapshot of that name.

    Raises:
        NotFoundError: there is none.
    """
    for entry in listed.entries:
        if entry.name == name:
            return entry
    names = ", ".join(f"'{entry.name}'" for entry in listed.entries)
    raise NotFoundError(f"there is no snapshot '{name}'", details=f"there are: {names or 'none'}")


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def read(files: Files) -> Listed:
    """Return what the list says.

    Raises:
        StorageError: it is damaged.
    """
    try:
        document = read_json(files.snapshots)
    except FileNotFoundError:
        return Listed()
    try:
        if document.pop("format") != FORMAT:
            raise ValueError("another format")  # noqa: TRY301 - as any other damage
        entries = tuple(Entry(**entry) for entry in document.pop("entries"))
        return Listed(entries, **document)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"the list of snapshots is damaged: '{files.snapshots}'",
            details=str(error),
            resolution="Put back the file as it was; the VM itself is whole.",
        ) from error


def write(files: Files, listed: Listed) -> None:
    """Let the list say so, whole or not at all."""
    entries = [entry._asdict() for entry in listed.entries]
    write_json(files.snapshots, {"format": FORMAT, **listed._asdict(), "entries": entries})
