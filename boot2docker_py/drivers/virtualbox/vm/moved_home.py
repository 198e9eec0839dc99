"""What a machine has in our home folder, found again when that was moved or renamed.

The machine itself lies in VirtualBox's own folder, and names these files in full.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import machines, media, sessions

if TYPE_CHECKING:
    from virtualbox.library import IMachine

    from boot2docker_py.paths import VMPaths

log = logging.getLogger(__name__)


def follow(api: API, machine: IMachine, paths: VMPaths) -> None:
    """Let the machine use the image and the console's log in the home as it is now."""
    iso, console_log = _moved_iso(machine, paths), _moved_log(api, machine, paths)
    if iso is None and console_log is None:
        return
    with sessions.changed(api, machine) as changing:
        if iso:
            log.info("The image of VM '%s' is found again at '%s'.", paths.name, iso)
            media.insert(api, changing, iso)
        if console_log:
            changing.get_serial_port(0).path = str(console_log)
    sessions.wait_until_free(api, machine)


def _moved_iso(machine: IMachine, paths: VMPaths) -> Path | None:
    attached = media.attached(machine, media.ISO_PORT)
    if attached is None or Path(attached.location).is_file():
        return None
    here = paths.folder.parent.parent / Path(attached.location).name
    return here if here.is_file() else None


def _moved_log(api: API, machine: IMachine, paths: VMPaths) -> Path | None:
    console_log = machines.console_log(api, machine)
    if console_log is None or console_log.parent.is_dir():
        return None
    return paths.console_log if paths.folder.is_dir() else None
