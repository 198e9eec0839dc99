"""The question that scripts ask often: is there a VM of a name, and how is it?

Asked of the binding's own objects, because importing pyvbox's interfaces alone takes 15 ms, and
`status` takes 100 ms of CPU in all, where VBoxManage takes 60 to 75 ms by the clock (7.2.22).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import room, states

CONTROLLER, DISK_PORT = "SATA", 1  # where the data disk is
AT_REST = (State.OFF, State.ABORTED, State.SAVED)


def find(api: API, name: str) -> Any:
    """Return the binding's object for the machine of that name, None when there is none.

    One that VirtualBox cannot read has no name; it is found by its file.
    """
    try:
        with failures.translated():
            return api.raw.findMachine(name)
    except failures.APIError as error:
        if error.result_code != failures.OBJECT_NOT_FOUND:
            raise
    for raw in api.array(api.raw, "machines"):
        if raw.accessible:
            is_it = raw.name == name  # VirtualBox looks anew when it is asked for this
        else:
            is_it = Path(raw.settingsFilePath).stem in (name, _as_file(api, name))
        if is_it:
            return raw
    return None


def _as_file(api: API, name: str) -> str:
    """Return what VirtualBox makes of a name for a file, in which it allows less."""
    return Path(api.raw.composeMachineFilename(name, "", "", "")).stem


def state_of(api: API, raw: Any) -> tuple[State, str]:
    """Return the state of what `find` has found, and what is wrong when it is BROKEN."""
    if not raw.accessible:
        why = room.was_none_for(Path(raw.settingsFilePath)) or raw.accessError.text
        return State.BROKEN, f"VirtualBox cannot read the VM: {why}"
    state, problem = states.state_of(api.member("MachineState", raw.state))
    if state in AT_REST:
        problem = _damage(raw)
    return (State.BROKEN, problem) if problem else (state, "")


def _damage(raw: Any) -> str:
    """Return what the machine lacks to be started, as far as files go; empty when nothing."""
    files = _disk_files(raw)
    if not files:
        return f"it has no data disk in port {DISK_PORT} of {CONTROLLER}"
    missing = [file for file in files if not file.exists()]
    return f"the data disk '{missing[0]}' is missing" if missing else ""


def _disk_files(raw: Any) -> list[Path]:
    """Return the files of the data disk, with those of snapshots that it builds on."""
    try:
        with failures.translated():
            medium = raw.getMedium(CONTROLLER, DISK_PORT, 0)
    except failures.APIError as error:
        if error.result_code != failures.OBJECT_NOT_FOUND:
            raise
        return []
    files = []
    while medium:
        files.append(Path(medium.location))
        medium = medium.parent
    return files
