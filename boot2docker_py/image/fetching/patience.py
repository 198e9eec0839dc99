"""When to try again: growing pauses within one deadline, for failures that may pass."""

from __future__ import annotations

import logging

from boot2docker_py.errors import DeadlineError, DownloadError
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

# Half a minute in all: without a network, a user hears so before a deadline of many minutes.
# Each byte that does come starts the row anew.
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)

_TRY_LATER = "Run the command again: what has been received is kept."


class PassingError(DownloadError):
    """The network or the server failed in a way that may pass; `wait_s` is what it asked for."""

    def __init__(
        self, brief: str, *, details: str = "", resolution: str = _TRY_LATER, wait_s: float = 0
    ) -> None:
        super().__init__(brief, details=details, resolution=resolution)
        self.wait_s = wait_s


class Patience:
    """The pauses between the tries of one thing."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._failures = 0

    def renew(self) -> None:
        """Start the pauses anew, because there was progress."""
        self._failures = 0

    def pause(self, error: PassingError) -> None:
        """Let time pass before the next try.

        Raises:
            PassingError: the one given: another try would not help, or must come too late.
            DeadlineError: the time is over.
        """
        demand_time(self._deadline, error)
        if self._failures == len(PAUSES_S) or error.wait_s > self._deadline.remaining_s():
            raise error
        pause_s = max(PAUSES_S[self._failures], error.wait_s)
        self._failures += 1
        log.warning("%s; trying again in %g s", error.brief, pause_s)
        self._deadline.clock.sleep(self._deadline.remaining_s(pause_s))
        demand_time(self._deadline, error)


def demand_time(deadline: Deadline, cause: DownloadError | None = None) -> None:
    """Raise DeadlineError when the time is over; `cause` is what went wrong last."""
    if deadline.has_passed():
        raise DeadlineError(
            f"gave up after {deadline.timeout_s:g} s fetching the image",
            details=f"{cause.brief}\n{cause.details}".strip() if cause else "",
            resolution=cause.resolution if cause else _TRY_LATER,
        ) from cause
