"""A machine that is made: whole, or nothing of it is left, whoever is killed meanwhile."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.model import VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import (
    machines,
    media,
    sessions,
    start,
    unfinished,
    versions,
)
from boot2docker_py.paths import make_private_folder

if TYPE_CHECKING:
    from virtualbox.library import IMachine, IMedium


def make(
    api: API, name: str, spec: VMSpec, make_disk: Callable[[Path], IMedium], note: Path
) -> None:
    """Make a machine, its disk by `make_disk`; the file `note` says so until all is done."""
    unfinished.clean_up(api, note)
    settings = machines.settings_file(api, name)
    disk = settings.with_name(f"{name}.{spec.disk_format.lower()}")
    disk = media.not_stuck(api, disk)
    media.demand_new(disk)
    make_private_folder(note.parent)
    spec.console_log.parent.mkdir(parents=True, exist_ok=True)
    identity = str(uuid.uuid4())
    unfinished.write(note, unfinished.Unfinished(identity, settings, disk))
    try:
        _make(api, versions.create_machine(api, name, identity), spec, lambda: make_disk(disk))
    except BaseException:
        unfinished.clean_up(api, note)
        raise
    note.unlink()


def _make(api: API, machine: IMachine, spec: VMSpec, make_disk: Callable[[], IMedium]) -> None:
    ssh_port = spec.ssh_port or ports.usual_or_free(besides=spec.docker_port)
    machines.configure(api, machine, spec, ssh_port)
    machine.save_settings()
    api.virtualbox.register_machine(machine)
    medium = make_disk()
    with sessions.changed(api, machine) as changing:
        media.attach(api, changing, spec.iso, medium)
        changing.save_settings()  # at once: see media.not_stuck
        if spec.host_only:
            start.set_host_only(api, changing, spec.host_only)
    sessions.wait_until_free(api, machine)
