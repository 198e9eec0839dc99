"""What every driver asks before a VM is made of another one, or of a file."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import NamedTuple

from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import State, in_words
from boot2docker_py.errors import StorageError, UsageError, WrongStateError


def demand_copy(
    source: Driver, target: Driver, name: str, *, snapshot: str, is_linked: bool
) -> None:
    """Demand that VM `name`, of driver `target`, can be made as a copy of `source`.

    Raises:
        NotFoundError: there is no source.
        WrongStateError: there is VM `name` already; or the source is on, and no snapshot is named.
    """
    assert snapshot or not is_linked, "a linked clone builds on a snapshot"
    demand_absent(target, name)
    of = source.describe().name
    state = source.state()
    if not snapshot and state not in (State.OFF, State.ABORTED):
        raise WrongStateError(
            f"cannot clone the VM '{of}': it is {in_words(state)}", details=source.problem()
        )


def demand_absent(driver: Driver, name: str) -> None:
    """Raise WrongStateError when there is VM `name`."""
    if driver.state() is not State.ABSENT:
        raise WrongStateError(f"there is a VM '{name}' already")


class WorkFiles(NamedTuple):
    """What lies beside the target of an export until it is whole."""

    disk: Path
    archive: Path
    appliance: Path  # VirtualBox goes by the suffix


def work_files(file: Path) -> WorkFiles:
    """Return the names that an export to the file uses, whatever the driver."""
    ends = (".disk.part", ".part", ".part.ova")
    return WorkFiles(*(file.with_name(file.name + end) for end in ends))


def demand_new_file(file: Path) -> None:
    """Raise StorageError when no file can be made at this path: of no folder, or there already."""
    if not file.parent.is_dir():
        raise StorageError(
            f"there is no folder '{file.parent}'", resolution="Make it, or name another."
        )
    if file.exists():
        raise StorageError(
            f"there is a file '{file}' already",
            resolution="Name another, or move that one away.",
        )


def demand_file(file: Path) -> None:
    """Raise UsageError when that is no file that can be read; never wait for a pipe."""
    try:
        found = file.stat()
        mode = found.st_mode
        if stat.S_ISDIR(mode):
            raise no_vm(file, "it is a folder")
        if not stat.S_ISREG(mode):
            raise no_vm(file, "it is a device or a pipe")
        if not found.st_size:
            raise no_vm(file, "it is empty")
        with file.open("rb"):
            pass
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"there is no file '{file}'", resolution="Name another.") from error
    except OSError as error:
        raise UsageError(f"cannot read the file '{file}'", details=str(error)) from error


def no_vm(file: Path, why: str) -> UsageError:
    """Return the error for a file that no VM can be made of."""
    return UsageError(
        f"no VM can be made of '{file}'",
        details=why,
        resolution="Name a file that an export with the same driver has written.",
    )
