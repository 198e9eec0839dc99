"""A VM that goes back to where it was."""

from __future__ import annotations

from typing import Callable, Sequence

from boot2docker_py.api.calls import AnyVM, Calls
from boot2docker_py.drivers.model import Snapshot, State
from boot2docker_py.errors import UsageError
from boot2docker_py.machine.resets import Reset


class Snapshots(Calls):
    """The snapshots of one VM, and its resets."""

    def reset(
        self: AnyVM,
        *,
        to: str | None = None,
        wipe: bool = False,
        make: Callable[[AnyVM], object] | None = None,
        force: bool = False,
        timeout_s: float | None = None,
    ) -> Reset:
        """Bring the VM to a known state, from any, and its engine up; return what was done.

        Without more, its memory is thrown away and it boots. `to` names the snapshot to go back
        to. `make`, for a snapshot that is not there, is called with the VM on a new disk, and then
        the snapshot is taken. `wipe` gives it a new disk. `force` lets other snapshots go with it.

        Raises:
            NotFoundError: there is no such snapshot, and no `make`; nothing is changed.
            WrongStateError: other snapshots would be lost.
        """
        if to is not None and wipe:
            raise UsageError("to goes back to a disk and wipe makes a new one: give one of them")
        if make is not None and to is None:
            raise UsageError("make needs the name of the snapshot: to=NAME")
        parts = self._parts(timeout_s)
        machine, deadline = parts.machine, parts.deadline
        if wipe:
            done = machine.wipe(deadline, force=force)
        elif to is None:
            found = machine.reset(deadline)
            done = Reset(found, machine.steps.done())
        elif make is None:
            done = machine.reset_to(to, deadline)
        else:
            make_it = make

            def prepare() -> None:
                parts.access.settle()
                make_it(self)
                parts.access.let_rest()  # else each later reset would do again what is left to do

            done = machine.reset_to_made(to, prepare, deadline, force=force)
        parts.access.settle()
        return done

    def snapshots(self) -> Sequence[Snapshot]:
        """Return the snapshots of the VM, the oldest first."""
        return self._parts().machine.snapshots()

    def take_snapshot(
        self, name: str, *, memory: bool = True, timeout_s: float | None = None
    ) -> Snapshot:
        """Take a snapshot; the VM stays in its state.

        Raises:
            UsageError: the name cannot be one, or is taken.
        """
        parts = self._parts(timeout_s)
        return parts.machine.take_snapshot(name, parts.deadline, memory=memory)

    def restore_snapshot(
        self, name: str, *, force: bool = False, timeout_s: float | None = None
    ) -> State:
        """Make the VM what it was: running, its engine answering, or off.

        Raises:
            WrongStateError: what the VM is now would be lost, and `force` does not say so.
        """
        parts = self._parts(timeout_s)
        found = parts.machine.restore_snapshot(name, parts.deadline, force=force)
        if parts.driver.state() is State.RUNNING:
            parts.access.settle()
        return found

    def delete_snapshot(self, name: str, *, timeout_s: float | None = None) -> None:
        """Delete a snapshot; the VM, and the snapshots that build on it, stay what they are."""
        parts = self._parts(timeout_s)
        parts.machine.delete_snapshot(name, parts.deadline)
