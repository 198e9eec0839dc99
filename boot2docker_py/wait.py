"""The one way to wait: checks as data, one deadline, a clock that tests can replace."""

from __future__ import annotations

import time
from typing import Callable, NamedTuple, Protocol, Sequence

from boot2docker_py.errors import DeadlineError

FIRST_PAUSE_S = 0.02
PAUSE_S = 0.1


class Clock(Protocol):
    """What waiting needs of time; the module `time` is one."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""

    def sleep(self, seconds: float, /) -> None:
        """Let that many seconds pass."""


class Deadline:
    """The moment at which a command must have ended, shared by all of its waits."""

    def __init__(self, timeout_s: float, clock: Clock = time) -> None:
        self.timeout_s = timeout_s
        self.clock = clock
        self._began = clock.monotonic()
        self._end = self._began + timeout_s

    def passed_s(self) -> float:
        """Return the seconds since it was set."""
        return self.clock.monotonic() - self._began

    def remaining_s(self, at_most_s: float = float("inf")) -> float:
        """Return the seconds left, never negative, and no more than `at_most_s`."""
        return max(0.0, min(at_most_s, self._end - self.clock.monotonic()))

    def has_passed(self) -> bool:
        """Tell whether the time is over."""
        return self.remaining_s() <= 0


class Pauses:
    """How long to wait between tries: each time twice as long, up to `longest_s`."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self.longest_s = longest_s
        self._first_s = self._next_s = first_s

    @property
    def upcoming_s(self) -> float:
        """Return what `next` will return, which stays so."""
        return self._next_s

    def next(self) -> float:
        """Return the seconds to wait now."""
        pause_s = self._next_s
        self._next_s = min(2 * pause_s, self.longest_s)
        return pause_s

    def reset(self) -> None:
        """Begin anew, because there was progress."""
        self._next_s = self._first_s


class Check(NamedTuple):
    """One thing to be true.

    `probe` gets the deadline, returns None when it is true and otherwise the reason why not yet,
    in a few words; an exception from it means "never" and ends the wait. `hint` is the advice to
    give when the deadline passes. If it `is_guess`, a failed probe is only a warning:
    the host may work without what it asks for. `found` says what is there when it is true, as
    measured. `doing` says what goes on until then, as "The VM boots"; the reason is of interest
    only after `usual_s`.
    """

    what: str
    probe: Callable[[Deadline], str | None]
    hint: str = ""
    is_guess: bool = False
    found: Callable[[], str] | None = None
    doing: str = ""
    usual_s: float = 0.0


class Progress(NamedTuple):
    """What is being waited for, why it is not there yet, and for how long.

    There is no reason before it was looked at. `doing` and `usual_s` are those of the check.
    """

    what: str
    reason: str
    waited_s: float
    is_done: bool = False
    doing: str = ""
    usual_s: float = 0.0


Report = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """Report nothing."""


def wait_for(
    checks: Sequence[Check],
    deadline: Deadline,
    *,
    report: Report = silent,
    pause_s: float = PAUSE_S,
) -> None:
    """Wait until every check has been true, in order.

    Raises:
        DeadlineError: the time passed; its details are the last reason, its resolution the hint.
    """
    for check in checks:
        _wait_for_one(check, deadline, report, pause_s)


def _wait_for_one(check: Check, deadline: Deadline, report: Report, pause_s: float) -> None:
    clock = deadline.clock
    began = clock.monotonic()
    pauses = Pauses(min(FIRST_PAUSE_S, pause_s), pause_s)
    progress = Progress(check.what, "", 0.0, doing=check.doing, usual_s=check.usual_s)
    report(progress)  # a look may take long, too
    while True:
        reason = check.probe(deadline)
        waited_s = clock.monotonic() - began
        if reason is None:
            report(progress._replace(waited_s=waited_s, is_done=True))
            return
        report(progress._replace(reason=reason, waited_s=waited_s))
        if deadline.has_passed():
            raise DeadlineError(
                f"gave up after {deadline.timeout_s:g} s waiting for {check.what}",
                details=reason,
                resolution=check.hint,
            )
        clock.sleep(deadline.remaining_s(pauses.next()))
