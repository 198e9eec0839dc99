"""The memory of a VM in a file, by QEMU's migration.

Three moments decide. The file gets its name when all of it is on the disk: from then on the VM is
saved. It loses the name before the restored guest runs its first instruction: memory that is older
than the data disk would destroy it. And it keeps the name whatever fails before that.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Any, Iterator

from boot2docker_py.drivers.qemu import command_line, qmp
from boot2docker_py.drivers.qemu.files import (
    Settings,
    opened_private,
    read_json,
    temporary,
    write_json,
)
from boot2docker_py.drivers.qemu.process import EndedError, Process
from boot2docker_py.errors import HypervisorError, StorageError, WrongStateError
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

PAUSE_S = 0.02  # a question costs QEMU a thousandth of a second, and each step of a reset waits

SAVE_TIMEOUT_S = 600.0
RESTORE_TIMEOUT_S = 600.0
_UNLIMITED_BYTES_PER_S = 1 << 50
_ENDED = frozenset({"completed", "failed", "cancelled"})


def save(process: Process, settings: Settings) -> None:
    """Write the memory to disk, then end QEMU; on failure the guest goes on as before.

    Raises:
        StorageError: it cannot be written.
        HypervisorError: QEMU refuses.
    """
    was_running = process.needed_status() == "running"
    try:
        hold(process)
        write_memory(process, temporary(process.files.saved_state))
        write_json(process.files.saved_by, made_with(process, settings))
        temporary(process.files.saved_state).replace(process.files.saved_state)
    except BaseException:
        _undo(process, was_running=was_running)
        raise
    process.end()


def let_run(process: Process) -> None:
    """Let the guest of a paused QEMU go on; a saved state that it came from is then used up."""
    cancel(process)
    if process.files.saved_state.exists():
        process.files.saved_state.replace(process.files.used_state)
    try:
        process.execute("cont")
    except HypervisorError:
        if process.files.used_state.exists():
            process.end()
            process.files.used_state.replace(process.files.saved_state)
        raise
    process.files.used_state.unlink(missing_ok=True)
    process.files.saved_by.unlink(missing_ok=True)


def wait_until_restored(process: Process) -> None:
    """Wait until QEMU has read the saved state.

    Raises:
        EndedError: it could not, and ended.
    """
    deadline = Deadline(RESTORE_TIMEOUT_S)
    while True:
        try:
            status = process.status()
        except qmp.NoAnswerError:
            status = "inmigrate"  # on a slow machine it reads for longer than we wait for an answer
        if not status:
            raise EndedError(process.words())
        if status != "inmigrate":
            return
        if deadline.has_passed():
            process.end()
            raise EndedError(f"it was not read within {RESTORE_TIMEOUT_S:g} s")
        deadline.clock.sleep(PAUSE_S)


def discard_used(process: Process) -> None:
    """Remove what is left of a saved state that is used up, or was never whole."""
    for file in (process.files.used_state, temporary(process.files.saved_state)):
        file.unlink(missing_ok=True)


def discard(process: Process) -> None:
    """Remove the saved state, so that the VM is off."""
    process.files.saved_state.unlink(missing_ok=True)
    process.files.saved_by.unlink(missing_ok=True)
    discard_used(process)


def saved_by(process: Process) -> dict[str, Any]:
    """Return the machine version and the accelerator that the saved state needs."""
    try:
        return read_json(process.files.saved_by)
    except FileNotFoundError as error:
        raise HypervisorError(
            "the saved state cannot be restored",
            details=str(error),
            resolution="Start without it; the data disk is kept: boot2docker up --discard-saved",
        ) from error


def cancel(process: Process) -> None:
    """Stop writing the memory, when a killed command has left QEMU at it."""
    if is_writing(process):
        process.execute("migrate_cancel")
        _wait_for_end(process)


def is_writing(process: Process) -> bool:
    """Tell whether QEMU is writing the memory, for a command that lives or was killed."""
    return _progress(process).get("status") not in (None, *_ENDED)


def made_with(process: Process, settings: Settings) -> dict[str, Any]:
    """Return what QEMU has to be like to read the memory that it writes now."""
    version = process.execute("query-version")["qemu"]
    machine = str(process.execute("qom-get", path="/machine", property="type"))
    return {
        "machine": machine.replace("-machine", ""),
        "qemu": "{major}.{minor}.{micro}".format(**version),
        "accelerator": settings.accelerator,
        "shares": settings.shares,
    }


def hold(process: Process) -> None:
    """Let the guest stand still, its disk ours to write to."""
    cancel(process)
    if process.needed_status() == "postmigrate":
        # Its disk was let go of, and has to be taken again.
        process.execute("cont")
    process.execute("stop")


def write_memory(process: Process, path: Path) -> None:
    """Write the memory of a guest that stands still into a file, all of it on the disk.

    Raises:
        StorageError: it cannot be written.
        HypervisorError: QEMU refuses.
    """
    process.execute("migrate-set-parameters", **{"max-bandwidth": _UNLIMITED_BYTES_PER_S})
    with opened_private(path) as file_descriptor:
        with process.monitor() as monitor, _explained(process):
            if not process.uses_port:
                monitor.hand_over("state", file_descriptor)
            uri = command_line.saved_state_uri(path, "state", is_handed_over=not process.uses_port)
            monitor.execute("migrate", uri=uri)
        outcome = _wait_for_end(process)
        if outcome.get("status") != "completed":
            raise StorageError(
                "the memory of the VM cannot be written to disk; the VM is as it was",
                details=outcome.get("error-desc") or process.words(),
                resolution="Make space; the file needs up to the size of the VM's memory.",
            )
        os.fsync(file_descriptor)


@contextlib.contextmanager
def _explained(process: Process) -> Iterator[None]:
    try:
        yield
    except qmp.RefusedError as error:
        if "VirtFS" not in str(error):
            raise
        raise WrongStateError(
            f"the memory of the VM '{process.name}' cannot be written while shared folders are in "
            "use",
            details=str(error),
            resolution="Unmount them in the VM, or shut it down: boot2docker down",
        ) from error


def _wait_for_end(process: Process) -> dict[str, Any]:
    deadline = Deadline(SAVE_TIMEOUT_S)
    while True:
        progress = _progress(process)
        if progress.get("status") in _ENDED:
            return progress
        if deadline.has_passed():
            raise HypervisorError(
                f"the memory of the VM was not written within {SAVE_TIMEOUT_S:g} s",
                details=str(progress),
            )
        deadline.clock.sleep(PAUSE_S)


def _progress(process: Process) -> dict[str, Any]:
    answer: dict[str, Any] = process.execute("query-migrate")
    return answer


def _undo(process: Process, *, was_running: bool) -> None:
    cancel(process)
    temporary(process.files.saved_state).unlink(missing_ok=True)
    process.files.saved_state.unlink(missing_ok=True)
    if was_running:
        process.execute("cont")
