"""How a VM of QEMU is: asked of its process; only when there is none do its files decide."""

from __future__ import annotations

import contextlib
import shutil

from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.qemu import qmp
from boot2docker_py.drivers.qemu.files import Files, read_settings
from boot2docker_py.drivers.qemu.process import Process
from boot2docker_py.errors import StorageError

_STATES = {
    "running": State.RUNNING,
    "paused": State.PAUSED,
    "postmigrate": State.PAUSED,
    "io-error": State.PAUSED,  # the host's disk was full; going on tries the write again
    "prelaunch": State.STARTING,
    "inmigrate": State.STARTING,
    "restore-vm": State.STARTING,
    "finish-migrate": State.STOPPING,
    "save-vm": State.STOPPING,
    "shutdown": State.STOPPING,
}


def of(process: Process) -> tuple[State, str]:
    """Return the state of the VM, and what is wrong when it is BROKEN."""
    try:
        status = process.status()
    except qmp.NoAnswerError as error:
        return State.BROKEN, f"QEMU (process {process.pid()}) lives, but {error}"
    lacks = damage(process.files)
    if status:
        return _of_living(process.files, status, lacks)
    if not process.files.settings.exists():
        return State.ABSENT, ""
    return (State.BROKEN, lacks) if lacks else (_at_rest(process.files), "")


def damage(files: Files) -> str:
    """Return what is wrong with the files of the VM, empty when nothing is."""
    try:
        read_settings(files.settings)
    except FileNotFoundError:
        return f"'{files.settings}' is missing"
    except StorageError as error:
        return f"{error.brief}: {error.details}"
    return "" if files.disk.exists() else f"the data disk '{files.disk}' is missing"


def why_paused(process: Process) -> str:
    """Return why QEMU itself has paused the VM, empty when it has not."""
    with contextlib.suppress(qmp.NoAnswerError):
        if process.status() == "io-error":
            disk = process.files.disk
            free_mb = shutil.disk_usage(disk.parent).free // (1 << 20)
            return f"QEMU cannot write to '{disk}'; {free_mb} MB are free in its file system"
    return ""


def _of_living(files: Files, status: str, lacks: str) -> tuple[State, str]:
    if lacks:
        return State.BROKEN, f"QEMU runs, but {lacks}"
    if status == "postmigrate" and files.saved_state.exists():
        return State.SAVED, ""  # `save` was killed when all but the end of QEMU was done
    if status in _STATES:
        return _STATES[status], ""
    return State.BROKEN, f"QEMU has stopped the guest: {status}"


def _at_rest(files: Files) -> State:
    if files.saved_state.exists():
        return State.SAVED
    return State.ABORTED if files.running.exists() else State.OFF
