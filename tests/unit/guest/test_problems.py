"""The guest's list of what is wrong, read with a bound."""

from __future__ import annotations

from typing import Any

from boot2docker_py.guest import problems
from boot2docker_py.ssh.connection import Result


class Guest:
    """A guest whose list is what is given."""

    def __init__(self, told: bytes, status: int = 0) -> None:
        self._result = Result(status, told, b"")

    def run(self, command: Any, *, stdin: bytes = b"", timeout_s: float) -> Result:
        assert command[-1] == problems.PLACE
        return self._result


def look(told: bytes, status: int = 0) -> list[str]:
    return problems.look(Guest(told, status), 10)  # type: ignore[arg-type]


def test_each_line_is_a_problem() -> None:
    told = b"cannot use certs/a.pfx: no certificate\n\nbootlocal.sh ended with status 3\n"
    assert look(told) == [
        "cannot use certs/a.pfx: no certificate",
        "bootlocal.sh ended with status 3",
    ]


def test_an_image_without_a_list_has_no_problems() -> None:
    assert look(b"", 1) == []


def test_a_list_without_end_is_cut() -> None:
    found = look(b"x" * 10_000_000)
    assert found == ["x" * problems.LENGTH]
    assert len(look(b"line\n" * 10_000_000)) <= problems.MOST * problems.LENGTH
