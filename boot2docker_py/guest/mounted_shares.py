"""Shared folders that our guest mounts itself, and that keep its memory from being saved.

`iso/root/usr/lib/boot2docker/shares` does it; images that have no such program, or an older one,
are left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boot2docker_py.errors import WrongStateError

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection, Result
    from boot2docker_py.wait import Deadline

PROGRAM = "/usr/lib/boot2docker/shares"
CONTAINER = "[a-zA-Z0-9][a-zA-Z0-9_.-]*"  # Docker's own rule for names: moby, daemon/names
MOST_TOLD = 10
LENGTH = 200


def mount(connection: Connection, deadline: Deadline) -> None:
    """Mount what is not mounted; the guest keeps what cannot be among its problems."""
    _run(connection, "mount", deadline)


def release(connection: Connection, deadline: Deadline) -> None:
    """Unmount all of them; nothing is unmounted when one is in use.

    Raises:
        WrongStateError: who uses them.
    """
    held = _run(connection, "holders", deadline)
    holders = _lines(held.stdout)
    if not holders and _run(connection, "release", deadline).status != 0:
        holders = _lines(_run(connection, "holders", deadline).stdout) or ["a program of the VM"]
    if holders:
        raise _in_use(holders)


def _run(connection: Connection, word: str, deadline: Deadline) -> Result:
    command = f"if grep -qs holders {PROGRAM}; then sudo -n {PROGRAM} {word}; fi"
    return connection.run(command, timeout_s=deadline.remaining_s())


def _lines(said: bytes) -> list[str]:
    lines = said.decode("utf-8", errors="replace").splitlines()[:MOST_TOLD]
    return [line.strip()[:LENGTH] for line in lines if line.strip()]


def _in_use(holders: list[str]) -> WrongStateError:
    # People type them into a shell: nothing else of the VM's may be in it.
    found = [re.fullmatch(f"container ({CONTAINER})", one) for one in holders]
    containers = [one[1] for one in found if one]
    stop = f"docker stop {' '.join(containers)}" if containers else "End it in the VM"
    return WrongStateError(
        "memory cannot be saved while the VM uses shared folders",
        details=f"used by: {', '.join(holders)}",
        resolution=f"{stop}\nOr shut the VM down, which saves no memory: boot2docker down",
    )
