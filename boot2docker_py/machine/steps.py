"""How long each step of a command took."""

from __future__ import annotations

import contextlib
import logging
from typing import Callable, Iterator, NamedTuple

from boot2docker_py.wait import Clock

log = logging.getLogger(__name__)


class Step(NamedTuple):
    """One part of what a command did, and how long it took."""

    step: str
    seconds: float


ShowStep = Callable[[Step], None]


def show_no_step(_step: Step) -> None:
    """Show nothing."""


class Steps:
    """The steps of one command, as they are done; `show` is called with each."""

    def __init__(self, clock: Clock, show: ShowStep = show_no_step) -> None:
        self._clock, self._show = clock, show
        self._steps: list[Step] = []

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Take the time of a `with` block."""
        began_s = self._clock.monotonic()
        yield
        step = Step(what, round(self._clock.monotonic() - began_s, 3))
        self._steps.append(step)
        log.debug("%s: %.1f s", step.step, step.seconds)
        self._show(step)

    def done(self) -> tuple[Step, ...]:
        """Return the steps in their order."""
        return tuple(self._steps)
