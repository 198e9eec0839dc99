"""Snapshots of a machine: taken, listed, restored, deleted, by names that are unique."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Sequence

from boot2docker_py.drivers.model import Snapshot
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.binding.pyvbox import given
from boot2docker_py.drivers.virtualbox.vm import media, sessions, status
from boot2docker_py.errors import NotFoundError, UsageError, WrongStateError

if TYPE_CHECKING:
    from virtualbox.library import IMachine, IMedium, ISnapshot


def all_of(machine: IMachine) -> list[Snapshot]:
    """Return the snapshots of the machine, the oldest first."""
    current = given(machine.current_snapshot)
    found = [_described(one, current) for one in _walk(machine)]
    return sorted(found, key=lambda one: one.taken_at_s)


def is_as_current(machine: IMachine) -> bool:
    """Tell whether the machine has neither run nor been changed since its current snapshot."""
    return given(machine.current_snapshot) is not None and not machine.current_state_modified


def take(api: API, machine: IMachine, name: str, *, is_on: bool) -> None:
    """Take a snapshot; a VM that runs stands still meanwhile, and goes on."""
    if not name.strip():
        raise UsageError("a snapshot must have a name")
    if any(one.name == name for one in _walk(machine)):
        raise UsageError(
            f"the VM '{machine.name}' has a snapshot '{name}' already",
            resolution="Choose another name, or delete that one first.",
        )
    with sessions.held(api, machine, shared=is_on) as session, failures.translated():
        progress, _identity = session.machine.take_snapshot(name, "", True)  # noqa: FBT003
        failures.wait(progress)


def restore(api: API, machine: IMachine, name: str) -> None:
    """Make the machine, which is off, what it was."""
    snapshot = _find(machine, name)
    with sessions.held(api, machine) as session, failures.translated():
        failures.wait(session.machine.restore_snapshot(snapshot))


def delete(api: API, machine: IMachine, name: str, *, is_on: bool) -> None:
    """Delete a snapshot; the machine, and snapshots that were taken later, stay as they are."""
    snapshot = _find(machine, name)
    builders = [f"the snapshot '{child.name}'" for child in snapshot.children]
    if machine.current_snapshot.id_p == snapshot.id_p:
        builders.append("the VM as it is")
    if len(builders) > 1:
        raise WrongStateError(
            f"the snapshot '{name}' is what more than one builds on",
            details=", ".join(builders),
            resolution="Delete the others but one, or restore another, first.",
        )
    with sessions.held(api, machine, shared=is_on) as session, failures.translated():
        failures.wait(session.machine.delete_snapshot(snapshot.id_p))


def delete_all(api: API, machine: IMachine) -> None:
    """Delete all snapshots of a machine that is off, the youngest first."""
    while machine.snapshot_count:
        leaf = next(one for one in _walk(machine) if not one.children)
        with sessions.held(api, machine) as session, failures.translated():
            failures.wait(session.machine.delete_snapshot(leaf.id_p))
        sessions.wait_until_free(api, machine)


def files_of(machine: IMachine) -> tuple[Path, ...]:
    """Return the files that snapshots have made: of the data disk, and of saved memory."""
    saved = sorted(Path(machine.snapshot_folder).glob("*.sav"))
    present = media.attached(machine, status.DISK_PORT)
    disk = Path(present.location) if present else None
    disks = own_files(machine, disk) if disk else set()
    return (*sorted(file for file in disks if file != disk), *saved)


def own_files(machine: IMachine, disk: Path) -> set[Path]:
    """Return the files of the machine's own data disk, and of those that its snapshots have."""
    beside = Path(machine.settings_file_path).parent
    found: set[Path] = set()
    for state in states_of(machine):
        root = media.attached(state, status.DISK_PORT)
        file = Path(root.location) if root else None
        if root and file and (file == disk or file.parent == beside):
            found |= {file, *media.built_on(root)}
    return found


def as_it_was(machine: IMachine, name: str) -> IMachine:
    """Return the machine as it was at a snapshot; as it is, when none is named."""
    return _find(machine, name).machine if name else machine


def disks_of(machine: IMachine, name: str = "") -> list[IMedium]:
    """Return the data disk as it is and as it was at each snapshot; or at the one that is named."""
    states = [_find(machine, name).machine] if name else states_of(machine)
    found = (media.top(state, status.DISK_PORT) for state in states)
    return [disk for disk in found if disk is not None]


def states_of(machine: IMachine) -> list[IMachine]:
    """Return the machine as it is, and as it was at each snapshot."""
    return [machine, *(one.machine for one in _walk(machine))]


def chain_of(machine: IMachine) -> list[IMedium]:
    """Return the data disk as it is, and those that it builds on."""
    disk, chain = media.top(machine, status.DISK_PORT), []
    while disk is not None:
        chain.append(disk)
        disk = given(disk.parent)
    return chain


def images_of(machine: IMachine) -> tuple[Path, ...]:
    """Return the images that the machine boots, now and in each of its snapshots."""
    return _images([machine, *(one.machine for one in _walk(machine))])


def images_of_memory(machine: IMachine) -> tuple[Path, ...]:
    """Return the images that memory in its snapshots needs."""
    return _images([one.machine for one in _walk(machine) if one.online])


def _images(machines: Sequence[IMachine]) -> tuple[Path, ...]:
    found = [media.attached(one, media.ISO_PORT) for one in machines]
    return tuple(dict.fromkeys(Path(one.location) for one in found if one))


def _walk(machine: IMachine) -> Iterator[ISnapshot]:
    waiting = [machine.find_snapshot("")] if machine.snapshot_count else []  # "": the first of all
    while waiting:
        snapshot = waiting.pop()
        yield snapshot
        waiting += snapshot.children


def _find(machine: IMachine, name: str) -> ISnapshot:
    found = [one for one in _walk(machine) if one.name == name]
    if not found:
        names = ", ".join(f"'{one.name}'" for one in all_of(machine))
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


def _described(snapshot: ISnapshot, current: ISnapshot | None) -> Snapshot:
    parent = given(snapshot.parent)
    return Snapshot(
        name=snapshot.name,
        taken_at_s=snapshot.time_stamp / 1000,
        has_memory=bool(snapshot.online),
        parent=parent.name if parent else None,
        is_current=current is not None and current.id_p == snapshot.id_p,
        size_bytes=sum(file.stat().st_size for file in _own_files(snapshot) if file.exists()),
        lost_file=next((file for file in _memory_files(snapshot) if not file.exists()), None),
    )


def _own_files(snapshot: ISnapshot) -> list[Path]:
    """Return the file of its memory, and the one of what its disk has beyond its parent."""
    disk = media.top(snapshot.machine, status.DISK_PORT)
    return [*_memory_files(snapshot), *([Path(disk.location)] if disk else ())]


def _memory_files(snapshot: ISnapshot) -> list[Path]:
    memory = snapshot.machine.state_file_path
    return [Path(memory)] if memory else []
