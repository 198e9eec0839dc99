"""A guest that comes to rest: what works when its memory is kept works on whenever that is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boot2docker_py.untrusted import number

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

LOOK_S = 1
AT_REST = 0.1  # of a CPU

_TICKS_PER_S = 100  # of /proc/stat, on every CPU that we have an image for
_HIGHEST = 2**63
_BUSY = (1, 2, 3, 6, 7)  # user, nice, system, irq, softirq: see proc(5)
# Both within one command, so that opening a session counts for nothing.
_SCRIPT = f"head -n 1 /proc/stat; sleep {LOOK_S}; head -n 1 /proc/stat"


def wait(connection: Connection, deadline: Deadline) -> None:
    """Wait until the guest rests, or cannot tell, or until there is no time for another look.

    Raises:
        DeadlineError: it is too busy to say so in time.
        GuestError: the connection was lost.
    """
    while deadline.remaining_s() > LOOK_S:
        used = used_cpu(connection, deadline.remaining_s())
        if used is None or used < AT_REST:
            return


def used_cpu(connection: Connection, timeout_s: float) -> float | None:
    """Return how much of a CPU the guest uses, 2.0 for two; None when it does not tell."""
    result = connection.run(["sh", "-c", _SCRIPT], timeout_s=timeout_s)
    lines = result.stdout.decode(errors="replace").splitlines()
    ticks = [_busy_ticks(line) for line in lines]
    if len(ticks) != 2 or ticks[0] is None or ticks[1] is None:
        return None
    return (ticks[1] - ticks[0]) / _TICKS_PER_S / LOOK_S


def _busy_ticks(line: str) -> int | None:
    fields = line.split()
    if len(fields) <= max(_BUSY):
        return None
    ticks = [number(fields[place], 0, _HIGHEST) for place in _BUSY]
    return None if None in ticks else sum(filter(None, ticks))
