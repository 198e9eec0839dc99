"""Sessions: a machine is held while it is changed, and let go whatever happens.

A process that ends without letting go leaves the machine aborted, its changes undone.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Iterator

from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.binding.failures import translated
from boot2docker_py.drivers.virtualbox.vm import room
from boot2docker_py.errors import BusyError
from boot2docker_py.wait import Check, Deadline, wait_for

if TYPE_CHECKING:
    from virtualbox.library import IMachine, ISession

# How long another program may take to let go: VirtualBox itself unlocks some time after an
# operation has ended.
LOCK_TIMEOUT_S = 10.0


@contextlib.contextmanager
def held(api: API, machine: IMachine, *, shared: bool = False) -> Iterator[ISession]:
    """Hold the machine, alone or beside its running VM; yield the session.

    Raises:
        BusyError: another program holds it, and does not let go.
    """
    session = api.new_session()
    locks = api.library.LockType
    kind = locks.shared if shared else locks.write
    deadline = Deadline(LOCK_TIMEOUT_S)
    while True:
        try:
            with translated():
                machine.lock_machine(session, kind)
            break
        except BusyError as error:
            if deadline.has_passed():
                error.details += holder(machine)
                raise
            deadline.clock.sleep(0.1)
    try:
        yield session
    finally:
        unlock(api, session)


@contextlib.contextmanager
def changed(api: API, machine: IMachine) -> Iterator[IMachine]:
    """Yield the machine as it may be changed; what was done is kept when the block ends well.

    Raises:
        StorageError: the disk is too full to keep it.
    """
    room.demand(machine)
    with held(api, machine) as session:
        yield session.machine
        session.machine.save_settings()


def unlock(api: API, session: ISession) -> None:
    """Let the machine of the session go, if it has one."""
    with contextlib.suppress(Exception):  # the server died, or the VM's process has let go
        if session.state == api.library.SessionState.locked:
            session.unlock_machine()


def wait_until_free(api: API, machine: IMachine, *, timeout_s: float = LOCK_TIMEOUT_S) -> None:
    """Wait until no session holds the machine: VirtualBox takes its time after a power off."""
    unlocked = api.library.SessionState.unlocked

    def probe(_deadline: Deadline) -> str | None:
        return None if machine.session_state == unlocked else "it is still locked" + holder(machine)

    wait_for([Check("VirtualBox to let the VM go", probe)], Deadline(timeout_s), pause_s=0.02)


def holder(machine: IMachine) -> str:
    """Return which process holds the machine, to be added to a sentence; empty if none does."""
    process = machine.session_pid
    return "" if process in (0, 0xFFFFFFFF) else f"; held by process {process}"
