"""Operations of VirtualBox that do not end."""

from __future__ import annotations

from typing import Any, cast

import pytest

from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.errors import HypervisorError
from tests.fakes import FakeClock


class Operation:
    """An IProgress that gets as far as `percents` say, one each second."""

    result_code, error_info, description = 0, None, "Powering VM down"

    def __init__(self, clock: FakeClock, percents: list[int]) -> None:
        self._clock, self._percents = clock, percents

    @property
    def percent(self) -> int:
        return self._percents[0]

    @property
    def completed(self) -> bool:
        return self.percent == 100

    def wait_for_completion(self, timeout_ms: int) -> None:
        assert timeout_ms > 0, "a wait without end"
        self._clock.sleep(timeout_ms / 1000)
        if len(self._percents) > 1:
            del self._percents[0]


def test_one_that_stands_still_is_given_up() -> None:
    """The process of a VM that hangs held `poweroff` and `reset` for ever."""
    clock = FakeClock()
    operation = cast(Any, Operation(clock, [0, 40]))
    with pytest.raises(HypervisorError, match="stands still") as caught:
        failures.wait(operation, clock)
    assert caught.value.details == "Powering VM down: 40 % for 900 s"


def test_one_that_goes_on_has_its_time() -> None:
    clock = FakeClock()
    slowly = [percent for percent in range(101) for _second in range(600)]
    failures.wait(cast(Any, Operation(clock, slowly)), clock)


def test_one_that_is_shown_is_given_up_too() -> None:
    clock = FakeClock()
    shown: list[int] = []
    with pytest.raises(HypervisorError, match="stands still"):
        failures.until_done(cast(Any, Operation(clock, [0, 40])), shown.append, clock)
    assert set(shown) == {40}
