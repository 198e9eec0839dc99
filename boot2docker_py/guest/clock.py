"""The guest's clock: it stands still while the host sleeps, or the VM is saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from boot2docker_py.errors import GuestError

if TYPE_CHECKING:
    from boot2docker_py.guest.ssh import Connection
    from boot2docker_py.wait import Deadline

# Less is nothing that certificates or build tools mind, and NTP takes care of it.
TOLERATED_S = 2.0
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
    hours, minutes = round(size_s / 3600), round(size_s / 60)
    size = f"{hours} h" if hours >= 2 else f"{minutes} min" if minutes >= 2 else f"{size_s:.0f} s"
    return f"{size} {'fast' if skew_s > 0 else 'slow'}"
