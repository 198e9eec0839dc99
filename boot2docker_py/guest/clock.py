"""The guest's clock: it stands still while the host sleeps, or the VM is saved; set when it is off.

It is compared whenever a command has brought the engine up, by the date of the engine's answer,
which costs nothing; and by the forwarder when the VM is back, and when the host has slept.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Callable, ContextManager, Protocol

from boot2docker_py.errors import Boot2DockerError, GuestError
from boot2docker_py.guest import clock_source

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

# Less is nothing that certificates or build tools mind, and NTP takes care of it.
TOLERATED_S = 2.0
# The guest reports whole seconds: on average its clock is so far ahead of what it says.
HALF_OF_ITS_UNIT_S = 0.5
# 2024-01-01; a host whose clock says less has lost it, and is no example to the guest.
EARLIEST_S = 1704067200


def is_plausible(host_time_s: float) -> bool:
    """Tell whether the clock of this host can be right."""
    return host_time_s >= EARLIEST_S


def is_off(skew_s: float) -> bool:
    """Tell whether the guest's clock should be set."""
    return abs(skew_s) > TOLERATED_S


def set_to_hosts(connection: Connection, deadline: Deadline) -> None:
    """Set the guest's clock to that of this host.

    Raises:
        GuestError: it cannot be set.
        DeadlineError: the guest did not answer in time.
    """
    # Whole seconds, because busybox' `date` knows no others; half of one on the way.
    now_s = int(time.time() + 0.5)
    command = ["sudo", "-n", "date", "-u", "-s", f"@{now_s}"]
    result = connection.run(command, timeout_s=deadline.remaining_s())
    if result.status != 0:
        raise GuestError(
            "cannot set the clock of the VM",
            details=result.stderr.decode(errors="replace"),
            resolution=f"boot2docker ssh sudo date -s @{now_s}",
        )


def said(skew_s: float) -> str:
    """Return a skew in words."""
    size_s = abs(skew_s)
    units = (("days", 24 * 3600), ("h", 3600), ("min", 60), ("s", 1))
    unit, unit_s = next(pair for pair in units if size_s >= 2 * pair[1] or pair[1] == 1)
    return f"{size_s / unit_s:.0f} {unit} {'fast' if skew_s > 0 else 'slow'}"


class Teller(Protocol):
    """What tells the guest's time."""

    def guest_time_s(self) -> float | None:
        """Return the seconds since 1970 on the guest's clock, to a second; None: not known."""


def skew_s(teller: Teller, now_s: Callable[[], float] = time.time) -> float | None:
    """Return how many seconds the guest is ahead, to a second; None when it is not known."""
    told_s = teller.guest_time_s()
    return None if told_s is None else told_s + HALF_OF_ITS_UNIT_S - now_s()


def keep_right(
    teller: Teller,
    connect: Callable[[], ContextManager[Connection]],
    deadline: Deadline,
    now_s: Callable[[], float] = time.time,
) -> bool:
    """Set the guest's clock to this host's when it is off; tell whether it was set.

    A clock that cannot be set is a warning: the engine answers all the same.
    """
    skew = skew_s(teller, now_s)
    if skew is None or not is_off(skew):
        return False
    if not is_plausible(now_s()):
        log.warning("The clock of this machine cannot be right; the VM's is left as it is.")
        return False
    try:
        with connect() as connection:
            # One that stood still is slow.
            if skew > 0 and clock_source.replace_if_fast(connection, deadline):
                log.info("The clock of the VM ran too fast, and counts by another source now.")
            set_to_hosts(connection, deadline)
    except Boot2DockerError as error:
        log.warning("The clock of the VM is %s. %s: %s", said(skew), error, error.details)
        return False
    log.info("The clock of the VM was %s, and is set.", said(skew))
    return True
