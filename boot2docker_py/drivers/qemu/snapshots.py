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
from typing import Any

from boot2docker_py.advice import quoted
from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.qemu import disk, saved, snapshot_list
from boot2docker_py.drivers.qemu.files import (
    Files,
    Settings,
    opened_private,
    remove_all,
    temporary,
    write_json,
    write_settings,
)
from boot2docker_py.drivers.qemu.process import Process
from boot2docker_py.drivers.qemu.snapshot_list import Entry, Listed
from boot2docker_py.errors import (
    Boot2DockerError,
    HypervisorError,
    StorageError,
    UsageError,
    WrongStateError,
)

DISK_TIMEOUT_S = 120.0

_IN_MEMORY = (State.RUNNING, State.PAUSED)


def take(process: Process, settings: Settings, name: str, state: State, *, memory: bool) -> None:
    """Take a snapshot of a VM in a state that allows it."""
    files = process.files
    listed, state = _cleaned(process, state)
    _demand_new(listed, name)
    tag = _new_tag()
    goes_on = state is State.RUNNING
    snapshot_list.write(files, listed._replace(unfinished=tag, goes_on=goes_on))
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
    snapshot_list.write(files, Listed((*listed.entries, entry), tag, is_as_current=is_same))


def restore(process: Process, settings: Settings, name: str, state: State) -> None:
    """Make a VM that is off what it was; one with memory is saved then."""
    files = process.files
    listed, state = _cleaned(process, state)
    entry = snapshot_list.find(listed, name)
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
    snapshot_list.write(files, listed._replace(current=entry.tag, is_as_current=True))
    if entry.saved_by:  # the last: memory that is older than its disk would destroy that
        _copy(memory, files.saved_state)


def delete(process: Process, name: str, state: State) -> None:
    """Delete a snapshot."""
    files = process.files
    listed, state = _cleaned(process, state)
    gone = snapshot_list.find(listed, name)
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
    snapshot_list.write(files, after)
    _cleaned(process, state)


def tag_of(files: Files, name: str) -> str:
    """Return the tag by which the disk knows a snapshot.

    Raises:
        NotFoundError: there is no such snapshot.
        StorageError: the disk does not have it any more.
    """
    tag = snapshot_list.find(snapshot_list.read(files), name).tag
    _demand_in_disk(files, tag, name)
    return tag


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


def _cleaned(process: Process, state: State) -> tuple[Listed, State]:
    """Return the list and the state of the VM, after nothing is left of what was unfinished."""
    files = process.files
    listed = snapshot_list.read(files)
    if listed.unfinished:
        if listed.goes_on and state is State.PAUSED:  # by a command that was killed
            saved.cancel(process)
            process.execute("cont")
            state = State.RUNNING
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
        listed = listed._replace(unfinished="", goes_on=False)
        snapshot_list.write(files, listed)
    return listed, state


def _delete_in_living(process: Process, tag: str, state: State) -> None:
    if tag not in _tags_in_living(process):
        return
    is_held = process.needed_status() == "postmigrate"
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


def _demand_in_disk(files: Files, tag: str, name: str) -> None:
    if tag not in disk.snapshots(files.disk):
        raise _gone(name, f"the disk '{files.disk}' does not have it any more")


def _new_tag() -> str:
    return "b2d-" + os.urandom(6).hex()


def _gone(name: str, details: str) -> StorageError:
    return StorageError(
        f"the snapshot '{name}' is not whole",
        details=details,
        resolution=f"Delete it: boot2docker snapshot delete {quoted(name)}",
    )
