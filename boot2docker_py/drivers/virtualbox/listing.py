"""The VMs of VirtualBox that are ours, the original's or Docker Toolbox's."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, NamedTuple

from boot2docker_py.drivers.base import OnHang
from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API, connect
from boot2docker_py.drivers.virtualbox.vm import machines, media, snapshots, status


class InVirtualBox(NamedTuple):
    """One VM as VirtualBox has it."""

    name: str
    state: State
    disk: tuple[Path, ...]  # its files
    problem: str
    images: tuple[Path, ...] | None = None  # that it boots, its snapshots too; None: not known
    images_of_memory: tuple[Path, ...] = ()  # that memory in its snapshots needs


def all_of(on_hang: OnHang) -> list[InVirtualBox]:
    """Return the VMs, by one connection.

    Raises:
        HypervisorError: VirtualBox is not there, or cannot be asked.
    """
    api = connect(on_hang)
    with api.calling(), failures.translated():
        return list(_found(api))


def _found(api: API) -> Iterator[InVirtualBox]:
    for raw in api.array(api.raw, "machines"):
        state, problem = status.state_of(api, raw)
        if not raw.accessible:
            yield InVirtualBox(Path(raw.settingsFilePath).stem, state, (), problem)
            continue
        machine = api.library.IMachine(raw)
        if machines.is_ours(machine):
            disk = media.attached(machine, status.DISK_PORT)
            base = (Path(disk.location),) if disk else ()
            files = (*base, *snapshots.files_of(machine))
            yield InVirtualBox(
                machine.name,
                state,
                files,
                problem,
                snapshots.images_of(machine),
                snapshots.images_of_memory(machine),
            )
