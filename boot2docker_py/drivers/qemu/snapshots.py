"""Snapshots: the disk inside of the qcow2 file, the memory in a file beside it, all by one list.

The memory goes the way of a saved state, by QEMU's migration, and not into the qcow2 file by
`snapshot-save`: QEMU does that in the thread that answers questions, so that for seconds no one
could tell its guest from one that hangs.

The list decides. A snapshot is there from when the list has it until the list has it no more; what
a command is making, or taking away, is in the list as unfinished, and the next command removes it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

from boot2docker_py.drivers.base import Snapshot, State
from boot2docker_py.drivers.qemu import disk, saved
from boot2docker_py.drivers.qemu.files import (
    Files,
    Settings,
    opened_private,
    read_json,
    remove_all,
    temporary,
    write_json,
    write_settings,
)
from boot2docker_py.drivers.qemu.process import Process
from boot2docker_py.errors import (
    Boot2DockerError,
    HypervisorError,
    NotFoundError,
    StorageError,
    UsageError,
    WrongStateError,
)

FORMAT = 1
DISK_TIMEOUT_S = 120.0

_IN_MEMORY = (State.RUNNING, State.PAUSED)


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


def all_of(files: Files) -> list[Snapshot]:
    """Return the snapshots, the oldest first."""
    listed = _read(files)
    names = {entry.tag: entry.name for entry in listed.entries}
    return [
        Snapshot(
            name=entry.name,
            taken_at_s=entry.taken_at_s,
            has_memory=bool(entry.saved_by),
            parent=names.get(entry.parent),
            is_current=entry.tag == listed.current,
            size_bytes=_size_bytes(files.snapshot_memory(entry.tag)),
        )
        for entry in listed.entries
    ]


def is_as_current(files: Files) -> bool:
    """Tell whether the VM has not run since the current snapshot was taken or restored."""
    return _read(files).is_as_current


def note_run(files: Files) -> None:
    """Note that the VM runs, so that it is not what its snapshot is any more."""
    listed = _read(files)
    if listed.is_as_current:
        _write(files, listed._replace(is_as_current=False))


def take(process: Process, settings: Settings, name: str, state: State, *, memory: bool) -> None:
    """Take a snapshot of a VM in a state that allows it."""
    files = process.files
    listed = _cleaned(process, state)
    _demand_new(listed, name)
    tag = _new_tag()
    _write(files, listed._replace(unfinished=tag))
    try:
        saved_by = _take_live if state in _IN_MEMORY else _take_at_rest
        needs = saved_by(process, settings, tag, state, memory=memory)
    except BaseException:
        with contextlib.suppress(OSError, Boot2DockerError):  # else the next command does it
            _cleaned(process, state)
        raise
    entry = Entry(
        tag=tag,
        name=name,
        taken_at_s=time.time(),
        parent=listed.current,
        memory_mb=settings.memory_mb,
        cpus=settings.cpus,
        saved_by=needs,
        disk_mb=settings.disk_mb,
    )
    is_same = state not in _IN_MEMORY and (memory or state is not State.SAVED)
    _write(files, Listed((*listed.entries, entry), tag, is_as_current=is_same))


def restore(process: Process, settings: Settings, name: str, state: State) -> None:
    """Make a VM that is off what it was; one with memory is saved then."""
    files = process.files
    listed = _cleaned(process, state)
    entry = _find(listed, name)
    memory = files.snapshot_memory(entry.tag)
    if entry.saved_by and not memory.exists():
        raise _gone(name, f"the file of its memory, '{memory}', is missing")
    try:
        disk.restore_snapshot(files.disk, entry.tag)
    except HypervisorError:
        _demand_in_disk(files, entry.tag, name)
        raise
    files.running.unlink(missing_ok=True)
    disk_mb = entry.disk_mb or disk.size_mb(files.disk)
    settings = dataclasses.replace(settings, disk_mb=disk_mb)
    if entry.saved_by:
        settings = dataclasses.replace(settings, memory_mb=entry.memory_mb, cpus=entry.cpus)
        settings = _with_its_image(files, settings, entry.tag)
        write_json(files.saved_by, entry.saved_by)
    write_settings(files.settings, settings)
    _write(files, listed._replace(current=entry.tag, is_as_current=True))
    if entry.saved_by:  # the last: memory that is older than its disk would destroy that
        _copy(memory, files.saved_state)


def delete(process: Process, name: str, state: State) -> None:
    """Delete a snapshot."""
    files = process.files
    listed = _cleaned(process, state)
    gone = _find(listed, name)
    builders = [f"the snapshot '{one.name}'" for one in listed.entries if one.parent == gone.tag]
    if listed.current == gone.tag:
        builders.append("the VM as it is")
    if len(builders) > 1:
        raise WrongStateError(
            f"the snapshot '{name}' is what more than one builds on",
            details=", ".join(builders),
            resolution="Delete the others but one, or restore another, first.",
        )
    entries = tuple(
        one._replace(parent=gone.parent) if one.parent == gone.tag else one
        for one in listed.entries
        if one is not gone
    )
    is_current = listed.current == gone.tag
    after = Listed(
        entries,
        gone.parent if is_current else listed.current,
        is_as_current=listed.is_as_current and not is_current,
        unfinished=gone.tag,
    )
    _write(files, after)
    _cleaned(process, state)


def tag_of(files: Files, name: str) -> str:
    """Return the tag by which the disk knows a snapshot.

    Raises:
        NotFoundError: there is no such snapshot.
        StorageError: the disk does not have it any more.
    """
    tag = _find(_read(files), name).tag
    _demand_in_disk(files, tag, name)
    return tag


def tag_in_list(files: Files, name: str) -> str:
    """Return the tag of a snapshot, whether the disk has it or not; empty without one."""
    return next((entry.tag for entry in _read(files).entries if entry.name == name), "")


def tags(files: Files) -> frozenset[str]:
    """Return the tags of all snapshots."""
    return frozenset(entry.tag for entry in _read(files).entries)


def forget_all(files: Files) -> None:
    """Let go of all snapshots, whose disk is about to be replaced."""
    remove_all([files.snapshots, *sorted(files.folder.glob("snapshot-*"))])


def _take_live(
    process: Process, settings: Settings, tag: str, state: State, *, memory: bool
) -> dict[str, Any]:
    saved.hold(process)
    try:
        with process.monitor(DISK_TIMEOUT_S) as monitor:
            monitor.execute("blockdev-snapshot-internal-sync", device="disk", name=tag)
        if not memory:
            return {}
        _copy(Path(settings.iso), process.files.snapshot_image(tag))
        saved.write_memory(process, process.files.snapshot_memory(tag))
        return saved.made_with(process, settings)
    finally:
        if state is State.RUNNING:
            saved.cancel(process)
            process.execute("cont")


def _take_at_rest(
    process: Process, settings: Settings, tag: str, state: State, *, memory: bool
) -> dict[str, Any]:
    files = process.files
    process.end()  # what is left when a `save` was killed
    disk.take_snapshot(files.disk, tag)
    if not memory or state is not State.SAVED:
        return {}
    _copy(Path(settings.iso), files.snapshot_image(tag))
    _copy(files.saved_state, files.snapshot_memory(tag))
    return saved.saved_by(process)


def _cleaned(process: Process, state: State) -> Listed:
    """Return the list, after nothing is left of what was unfinished."""
    files = process.files
    listed = _read(files)
    if listed.unfinished:
        if state in _IN_MEMORY:
            _delete_in_living(process, listed.unfinished, state)
        else:
            process.end()
            disk.delete_snapshot(files.disk, listed.unfinished)
        memory, image = (
            files.snapshot_memory(listed.unfinished),
            files.snapshot_image(listed.unfinished),
        )
        remove_all([memory, image, temporary(memory), temporary(image)])
        listed = listed._replace(unfinished="")
        _write(files, listed)
    return listed


def _delete_in_living(process: Process, tag: str, state: State) -> None:
    if tag not in _tags_in_living(process):
        return
    is_held = process.status() == "postmigrate"
    if is_held:  # its disk was let go of, and has to be taken again
        saved.hold(process)
    with process.monitor(DISK_TIMEOUT_S) as monitor:
        monitor.execute("blockdev-snapshot-delete-internal-sync", device="disk", name=tag)
    if is_held and state is State.RUNNING:
        process.execute("cont")


def _tags_in_living(process: Process) -> set[str]:
    nodes = process.execute("query-named-block-nodes", flat=True)
    found = [node["image"].get("snapshots", ()) for node in nodes if node["node-name"] == "disk"]
    return {str(one["name"]) for snapshots in found for one in snapshots}


def _with_its_image(files: Files, settings: Settings, tag: str) -> Settings:
    """Return the settings with the image that the guest had, where that has been replaced."""
    image = files.snapshot_image(tag)
    if not image.exists() or _is_same_file(image, Path(settings.iso)):
        return settings
    return dataclasses.replace(settings, iso=str(image))


def _is_same_file(one: Path, other: Path) -> bool:
    if not other.exists():
        return False
    a, b = one.stat(), other.stat()
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def _copy(source: Path, target: Path) -> None:
    """Give a file that is never written to again a second name, or a copy where that cannot be."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        with opened_private(temporary(target)):
            pass
        shutil.copy2(source, temporary(target))
        with temporary(target).open("rb+") as file:
            os.fsync(file.fileno())
        temporary(target).replace(target)


def _demand_new(listed: Listed, name: str) -> None:
    if not name.strip():
        raise UsageError("a snapshot must have a name")
    if any(entry.name == name for entry in listed.entries):
        raise UsageError(
            f"there is a snapshot '{name}' already",
            resolution="Choose another name, or delete that one first.",
        )


def _find(listed: Listed, name: str) -> Entry:
    for entry in listed.entries:
        if entry.name == name:
            return entry
    names = ", ".join(f"'{entry.name}'" for entry in listed.entries)
    raise NotFoundError(f"there is no snapshot '{name}'", details=f"there are: {names or 'none'}")


def _demand_in_disk(files: Files, tag: str, name: str) -> None:
    if tag not in disk.snapshots(files.disk):
        raise _gone(name, f"the disk '{files.disk}' does not have it any more")


def _new_tag() -> str:
    return "b2d-" + os.urandom(6).hex()


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _gone(name: str, details: str) -> StorageError:
    return StorageError(
        f"the snapshot '{name}' is not whole",
        details=details,
        resolution=f"Delete it: boot2docker snapshot delete {name}",
    )


def _read(files: Files) -> Listed:
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


def _write(files: Files, listed: Listed) -> None:
    entries = [entry._asdict() for entry in listed.entries]
    write_json(files.snapshots, {"format": FORMAT, **listed._asdict(), "entries": entries})
