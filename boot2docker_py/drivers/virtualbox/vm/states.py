"""The states of VirtualBox in our words."""

from __future__ import annotations

from boot2docker_py.drivers.model import State

# MachineState of VirtualBox.xidl, 5.2 to 7.2.
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


def state_of(name: str) -> tuple[State, str]:
    """Return the state for VirtualBox's name of it, and what is wrong when it is BROKEN."""
    state = STATES.get(name, State.BROKEN)
    return state, f"VirtualBox says that the VM is {name}" if state is State.BROKEN else ""
