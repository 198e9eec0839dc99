"""The states of VirtualBox in our words."""

from __future__ import annotations

from boot2docker_py.drivers.base import State
from boot2docker_py.drivers.virtualbox.binding.api import API

# MachineState of VirtualBox.xidl, 5.2 to 7.2. The most frequent come first.
STATES = {
    "Running": State.RUNNING,
    "PoweredOff": State.OFF,
    "Saved": State.SAVED,
    "Aborted": State.ABORTED,
    "AbortedSaved": State.SAVED,
    "Paused": State.PAUSED,
    "Teleported": State.OFF,
    "Starting": State.STARTING,
    "Restoring": State.STARTING,
    "TeleportingIn": State.STARTING,
    "Stopping": State.STOPPING,
    "Saving": State.STOPPING,
    "SettingUp": State.STOPPING,
    "Snapshotting": State.STOPPING,
    "RestoringSnapshot": State.STOPPING,
    "DeletingSnapshot": State.STOPPING,
    "LiveSnapshotting": State.RUNNING,
    "OnlineSnapshotting": State.RUNNING,
    "DeletingSnapshotOnline": State.RUNNING,
    "Teleporting": State.RUNNING,
    "DeletingSnapshotPaused": State.PAUSED,
    "TeleportingPausedVM": State.PAUSED,
    "Stuck": State.BROKEN,
}


def state_of(api: API, number: int) -> tuple[State, str]:
    """Return the state for VirtualBox's number, and what is wrong when it is BROKEN."""
    name = api.member("MachineState", number, iter(STATES))
    state = STATES.get(name, State.BROKEN)
    return state, f"VirtualBox says that the VM is {name}" if state is State.BROKEN else ""
