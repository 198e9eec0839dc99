"""Notice that the host has slept: time that passed for the clocks, and not for us."""

from __future__ import annotations

import time
from typing import Callable

# A busy machine holds a process up for a moment; no machine does so for that long.
SLEPT_S = 10.0


class SleepWatch:
    """Call `on_wake` when the last look was longer ago than a look can take.

    Linux stops its monotonic clock in sleep, so that only the wall clock has jumped; Windows does
    not. A wall clock that was set by hours looks the same, and costs one question too many.
    """

    def __init__(
        self,
        on_wake: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._on_wake = on_wake
        self._clocks = monotonic, wall
        self._seen = [clock() for clock in self._clocks]

    def look(self) -> None:
        """Compare the clocks with the last look, about a second ago."""
        before, self._seen = self._seen, [clock() for clock in self._clocks]
        if any(abs(now - then) > SLEPT_S for now, then in zip(self._seen, before)):
            self._on_wake()
