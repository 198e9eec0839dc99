"""What is said of an error that is only a warning, for what was asked goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from boot2docker_py.errors import WrongStateError

PACKAGE = Path(__file__).parents[2] / "boot2docker_py"


@pytest.mark.parametrize(
    ("details", "resolution", "line"),
    [
        ("", "", "It is so"),
        ("it says why", "", "It is so: it says why"),
        ("", "Do this.", "It is so. Do this."),
        ("it says why", "Do this.", "It is so: it says why. Do this."),
    ],
)
def test_a_warning_has_what_there_is(details: str, resolution: str, line: str) -> None:
    """A context of another said "wrong_state", and others ended in a lonely colon."""
    error = WrongStateError("It is so", details=details, resolution=resolution)
    assert error.in_a_line() == line


def test_warnings_of_errors_are_made_in_one_place() -> None:
    by_hand = re.compile(r"log\.(?:warning|error)\([^)]*\.brief, [^)]*\.(?:details|code)")
    found = [str(file) for file in PACKAGE.rglob("*.py") if by_hand.search(file.read_text("utf-8"))]
    assert found == []


def test_what_others_say_of_an_error_is_bounded() -> None:
    """A command in the VM may say 16 MB; to look for secrets in them took a minute."""
    error = WrongStateError("it is so", details="me@x?" * 1_000_000)
    assert len(error.details) < 50_000
