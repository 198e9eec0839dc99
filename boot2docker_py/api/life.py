"""The life of a VM: made, brought up, put to rest, deleted."""

from __future__ import annotations

from boot2docker_py.api.calls import Calls
from boot2docker_py.drivers.model import State
from boot2docker_py.machine import following


class Life(Calls):
    """The life of one VM."""

    def init(self, *, timeout_s: float | None = None) -> bool:
        """Make the VM without starting it; tell whether it was made, False when it was there."""
        parts = self._parts(timeout_s)
        return parts.machine.init(parts.deadline)

    def up(self, *, discard_saved: bool = False, timeout_s: float | None = None) -> State:
        """Bring the VM and its engine up, from any state; return the state it was found in.

        Raises:
            DeadlineError: the engine does not answer in time.
        """
        parts = self._parts(timeout_s)
        found = parts.machine.up(parts.deadline, discard_saved=discard_saved)
        parts.access.settle()
        return found

    def down(self, *, force: bool = False, timeout_s: float | None = None) -> State:
        """Shut the VM down; with `force` cut the power when the time has passed."""
        parts = self._parts(timeout_s)
        return parts.machine.down(parts.deadline, force=force)

    def save(self, *, timeout_s: float | None = None) -> State:
        """Save the VM's memory to disk; `up` goes on from there."""
        parts = self._parts(timeout_s)
        return parts.machine.save(parts.deadline)

    def power_off(self, *, discard_saved: bool = False, timeout_s: float | None = None) -> State:
        """Cut the power; with `discard_saved` throw the memory of a saved VM away, too."""
        parts = self._parts(timeout_s)
        return parts.machine.power_off(parts.deadline, discard_saved=discard_saved)

    def restart(self, *, timeout_s: float | None = None) -> State:
        """Shut the VM down and bring it up again."""
        parts = self._parts(timeout_s)
        found = parts.machine.restart(parts.deadline)
        parts.access.settle()
        return found

    def delete(self, *, timeout_s: float | None = None) -> bool:
        """Delete the VM with its disk and its snapshots; tell whether there was one."""
        parts = self._parts(timeout_s)
        was_there = parts.machine.delete(parts.deadline)
        following.to_its_end(parts)
        return was_there
