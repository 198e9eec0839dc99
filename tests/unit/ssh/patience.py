"""A deadline that passes when enough was seen, however slow the machine is."""

from __future__ import annotations

import time
from typing import Callable

from boot2docker_py.wait import Deadline
from tests.unit.listening import LONG_S


class Patience:
    """A clock that jumps to the end as soon as the reasons given are enough."""

    def __init__(self, are_enough: Callable[[list[str]], bool]) -> None:
        self.reasons: list[str] = []
        self._are_enough = are_enough

    def deadline(self) -> Deadline:
        return Deadline(LONG_S, self)

    def is_over(self) -> bool:
        return self._are_enough(self.reasons)

    def monotonic(self) -> float:
        return time.monotonic() + (2 * LONG_S if self.is_over() else 0)

    def sleep(self, seconds: float, /) -> None:
        time.sleep(seconds)
