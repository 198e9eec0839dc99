"""Keep the guest's clock right: compared whenever the engine has come up, set when it is off."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Callable, Protocol

from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import clock

if TYPE_CHECKING:
    from boot2docker_py.guest.ssh import Connection
    from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)


class Teller(Protocol):
    """What tells the guest's time."""

    def guest_time_s(self) -> float | None:
        """Return the seconds since 1970 on the guest's clock, to a second; None: nobody tells."""


def skew_s(teller: Teller, now_s: Callable[[], float] = time.time) -> float | None:
    """Return how many seconds the guest is ahead, to a second; None when nobody tells."""
    told_s = teller.guest_time_s()
    return None if told_s is None else told_s + 0.5 - now_s()


def keep_right(
    teller: Teller,
    connect: Callable[[], Connection],
    deadline: Deadline,
    now_s: Callable[[], float] = time.time,
) -> bool:
    """Set the guest's clock to this host's when it is off; tell whether it was set.

    A clock that cannot be set is a warning: the engine answers all the same.
    """
    skew = skew_s(teller, now_s)
    if skew is None or not clock.is_off(skew):
        return False
    if not clock.is_plausible(now_s()):
        log.warning("The clock of this machine cannot be right; the VM's is left as it is.")
        return False
    try:
        with connect() as connection:
            clock.set_to_hosts(connection, deadline)
    except Boot2DockerError as error:
        log.warning("The clock of the VM is %s. %s: %s", clock.said(skew), error, error.details)
        return False
    log.info("The clock of the VM was %s, and is set.", clock.said(skew))
    return True
