"""Snapshots of a machine: taken, listed, restored, deleted, by names that are unique."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

from boot2docker_py.drivers.base import Snapshot
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import media, sessions
from boot2docker_py.errors import NotFoundError, UsageError, WrongStateError


def all_of(api: API, machine: Any) -> list[Snapshot]:
    """Return the snapshots of the machine, the oldest first."""
    current = machine.currentSnapshot
    found = [_described(one, current) for one in _walk(api, machine)]
    return sorted(found, key=lambda one: one.taken_at_s)


def take(api: API, machine: Any, name: str, *, is_on: bool) -> None:
    """Take a snapshot; a VM that runs stands still meanwhile, and goes on."""
    if not name.strip():
        raise UsageError("a snapshot must have a name")
    if any(one.name == name for one in _walk(api, machine)):
        raise UsageError(
            f"the VM '{machine.name}' has a snapshot '{name}' already",
            resolution="Choose another name, or delete that one first.",
        )
    with sessions.held(api, machine, shared=is_on) as session, failures.translated():
        # Returned with its progress, in an order that XPCOM and COM do not share.
        answer = session.machine.takeSnapshot(name, "", True)  # noqa: FBT003 - of the API
        failures.wait(next(one for one in answer if hasattr(one, "waitForCompletion")))


def restore(api: API, machine: Any, name: str) -> None:
    """Make the machine, which is off, what it was."""
    snapshot = _find(api, machine, name)
    with sessions.held(api, machine) as session, failures.translated():
        failures.wait(session.machine.restoreSnapshot(snapshot))


def delete(api: API, machine: Any, name: str, *, is_on: bool) -> None:
    """Delete a snapshot; the machine, and snapshots that were taken later, stay as they are."""
    snapshot = _find(api, machine, name)
    builders = [f"the snapshot '{child.name}'" for child in api.array(snapshot, "children")]
    if machine.currentSnapshot.id == snapshot.id:
        builders.append("the VM as it is")
    if len(builders) > 1:
        raise WrongStateError(
            f"the snapshot '{name}' is what more than one builds on",
            details=", ".join(builders),
            resolution="Delete the others but one, or restore another, first.",
        )
    with sessions.held(api, machine, shared=is_on) as session, failures.translated():
        failures.wait(session.machine.deleteSnapshot(snapshot.id))


def files_of(api: API, machine: Any) -> tuple[Path, ...]:
    """Return the files that snapshots have made: of the data disk, and of saved memory."""
    disk = media.attached(machine, media.DISK_PORT)
    saved = sorted(Path(machine.snapshotFolder).glob("*.sav"))
    return (*(media.built_on(api, disk) if disk else ()), *saved)


def _walk(api: API, machine: Any) -> Iterator[Any]:
    waiting = [machine.findSnapshot("")] if machine.snapshotCount else []  # "": the first of all
    while waiting:
        snapshot = waiting.pop()
        yield snapshot
        waiting += api.array(snapshot, "children")


def _find(api: API, machine: Any, name: str) -> Any:
    found = [one for one in _walk(api, machine) if one.name == name]
    if not found:
        names = ", ".join(f"'{one.name}'" for one in all_of(api, machine))
        raise NotFoundError(
            f"the VM '{machine.name}' has no snapshot '{name}'",
            details=f"it has: {names or 'none'}",
        )
    if len(found) > 1:
        raise UsageError(
            f"the VM '{machine.name}' has {len(found)} snapshots named '{name}'",
            resolution="Give them other names in the VirtualBox window.",
        )
    return found[0]


def _described(snapshot: Any, current: Any) -> Snapshot:
    parent = snapshot.parent
    return Snapshot(
        name=snapshot.name,
        taken_at_s=snapshot.timeStamp / 1000,
        has_memory=bool(snapshot.online),
        parent=parent.name if parent else None,
        is_current=bool(current) and current.id == snapshot.id,
    )
