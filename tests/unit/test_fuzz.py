"""A fixed short part of `make fuzz`: the same inputs each time, on every Python."""

from __future__ import annotations

import os

import pytest

from tests.fuzz import command_lines, parsers, shells
from tests.fuzz.chance import Chance
from tests.fuzz.trial import Target, tried

SEED = 7
INPUTS = {**dict.fromkeys(parsers.TARGETS, 200), "command_line": 60, "value_in_a_shell": 40}
TARGETS: dict[str, Target] = {**parsers.TARGETS, **command_lines.TARGETS, **shells.TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_only_errors_of_ours_come_out(name: str) -> None:
    report = tried(TARGETS[name], Chance(SEED), lambda count: count < INPUTS[name])
    assert not report.failures, "\n".join(report.lines())
    assert report.inputs == INPUTS[name]


@pytest.mark.skipif(os.name != "posix", reason="one folder of POSIX is enough to see it")
def test_a_reader_that_fails_is_found() -> None:
    """Else the tests above could not fail."""

    def target(chance: Chance, _folder: object) -> tuple[bytes, object]:
        data = chance.mutated(b"12")
        return data, lambda: int(data)

    report = tried(target, Chance(SEED), lambda count: count < 50)  # type: ignore[arg-type]
    assert [kind.split()[-1] for kind in report.failures] == ["ValueError"]
