"""Keep the guest's clock right while no command runs: when the VM is back, and after a sleep.

The guest stands still while the host sleeps, and knows nothing of a host's clock that was set.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import clock
from boot2docker_py.untrusted import LATEST_S, number
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

log = logging.getLogger(__name__)

LOOK_WITHIN_S = 60.0
SHOWN_BYTES = 80


class GuestClock:
    """Look at the guest's clock over a connection that others use too, beside all that they do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # a sleep and a new connection may come together
        self._looker: threading.Thread | None = None

    @property
    def is_looked_at(self) -> bool:
        """Tell whether it is being compared, or set."""
        return self._looker is not None and self._looker.is_alive()

    def keep_right(self, connection: Connection) -> None:
        """Begin to compare, and to set it if it is off; returns at once."""
        looker = threading.Thread(target=self._look, args=(connection,), daemon=True, name="clock")
        looker.start()
        self._looker = looker

    def _look(self, connection: Connection) -> None:
        try:
            with self._lock:
                clock.keep_right(
                    _OverSSH(connection),
                    lambda: contextlib.nullcontext(connection),
                    Deadline(LOOK_WITHIN_S),
                )
        except Exception as error:  # noqa: BLE001 - paramiko's are many; the link says what is lost
            log.debug("could not look at the clock of the VM: %r", error)


class _OverSSH:
    """A guest's time by its own `date`, which needs no engine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def guest_time_s(self) -> float | None:
        """Return the possible guest time that is closest to ours.

        The answer may have been under way for seconds, on a busy machine, and says whole seconds.
        """
        began_s = time.monotonic()
        try:
            result = self._connection.run(["date", "+%s"], timeout_s=LOOK_WITHIN_S)
        except Boot2DockerError as error:
            log.debug("the guest does not tell its time: %s", error)
            return None
        told_s = number(result.stdout.decode("ascii", "replace").strip(), 0, LATEST_S)
        if told_s is None:
            log.debug("the guest tells what is no time: %r", result.stdout[:SHOWN_BYTES])
            return None
        latest_s = told_s + 1 + time.monotonic() - began_s
        return min(max(time.time(), told_s), latest_s) - clock.HALF_OF_ITS_UNIT_S
