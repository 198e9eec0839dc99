"""VMs that are copies of others, whole or linked, and what stands against the end of the others.

A linked clone builds on a copy of the disk as it was at the snapshot, which all linked clones of
that snapshot share: within the qcow2 file of a VM QEMU can build on nothing but its present.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

from boot2docker_py import read_only
from boot2docker_py.advice import quoted
from boot2docker_py.drivers import ports
from boot2docker_py.drivers.base import ShowBytes
from boot2docker_py.drivers.model import Own
from boot2docker_py.drivers.qemu import disk, snapshot_list, snapshots
from boot2docker_py.drivers.qemu.files import (
    Files,
    Settings,
    read_settings,
    temporary,
)
from boot2docker_py.errors import StorageError, WrongStateError

log = logging.getLogger(__name__)


def settings_of_copy(source: Settings, own: Own) -> Settings:
    """Return the settings of a VM that is made of another, with ports of its own."""
    import uuid  # slow to load, and only a new VM needs it

    return dataclasses.replace(
        source,
        uuid=str(uuid.uuid4()),
        iso=str(own.iso),
        console_log=str(own.console_log),
        ssh_port=_other_port(source.ssh_port),
        docker_port=source.docker_port and _other_port(source.docker_port),
        qmp_port=0,
        console_port=0,
        qmp_spares=[],
        accelerator="",
        network=own.internal_network.name if own.internal_network else "",
        network_number=own.internal_network.number if own.internal_network else 0,
        base="",
    )


def copy_disk(source: Files, target: Files, snapshot: str, show: ShowBytes) -> None:
    """Copy the disk of a VM at rest, or as it was at a snapshot, whatever the VM does."""
    bounds = disk.Bounds(source.disk.stat().st_size, show)
    disk.copy(source.disk, target.disk, bounds, snapshot and snapshots.tag_of(source, snapshot))


def link_disk(source: Files, target: Files, snapshot: str, show: ShowBytes) -> str:
    """Make a disk that builds on a snapshot; return what, relative to its folder."""
    base = source.base(snapshots.tag_of(source, snapshot))
    if not base.exists():
        copy = temporary(base)
        try:
            disk.copy(source.disk, copy, disk.Bounds(source.disk.stat().st_size, show), _tag(base))
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        protect(copy)
        copy.replace(base)
    found = f"../{source.folder.name}/{base.name}"
    disk.overlay(target.disk, found)
    return found


def protect(base: Path) -> None:
    """Let no program write to what clones build on, else each of them is lost."""
    read_only.set_mode(base, 0o400)


def linked_to(source: Files) -> list[tuple[str, str]]:
    """Return the VMs that build on snapshots of this one, and the tags of these."""
    found = []
    for path in sorted(source.folder.parent.glob("*/vm.json")):
        base = _base_of(Files(path.parent))
        if base and _folder_of(path.parent / base) == _folder_of(source.folder / "any"):
            found.append((path.parent.name, _tag(Path(base))))
    return found


def _base_of(files: Files) -> str:
    """Return what the disk of a VM builds on; of one with damaged settings its disk says so."""
    try:
        return read_settings(files.settings).base
    except (OSError, StorageError) as error:
        log.debug("not asked what it builds on: %s", error)
    try:
        return disk.base_of(files.disk)
    except OSError as error:
        log.debug("nor its disk: %s", error)
        return ""


def demand_none_linked(name: str, source: Files, verb: str, tag: str = "") -> None:
    """Raise WrongStateError when other VMs build on the VM, or on one snapshot of it."""
    clones = [clone for clone, its in linked_to(source) if tag in ("", its)]
    if clones:
        names = ", ".join(f"'{clone}'" for clone in clones)
        raise WrongStateError(
            f"cannot {verb} VM '{name}': other VMs build on it",
            details=f"linked clones: {names}",
            resolution="Delete those first, as in: " f"boot2docker delete --vm {quoted(clones[0])}",
        )


def remove_unused_bases(source: Files) -> None:
    """Remove what no linked clone builds on, and no snapshot stands for any more."""
    kept = {*snapshot_list.tags(source), *(tag for _clone, tag in linked_to(source))}
    for base in source.folder.glob("base-*.qcow2*"):
        if _tag(base) not in kept or base.suffix == ".new":
            base.unlink()


def _tag(base: Path) -> str:
    return base.name.partition(".")[0][len("base-") :]


def _folder_of(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path.parent))


def _other_port(port: int) -> int:
    while True:
        found = ports.any_free()
        if found != port:
            return found
