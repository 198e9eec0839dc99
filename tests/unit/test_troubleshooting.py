"""The page of known failures has every one of them, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.advice import KnownFailure
from boot2docker_py.cli import broken_imports
from boot2docker_py.drivers.virtualbox.binding import known_failures

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
ROWS = [*known_failures.TABLE, *broken_imports.TABLE]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_known_failure_has_its_line(row: KnownFailure) -> None:
    (line,) = [line for line in PAGE.splitlines() if f"`{row.id}`" in line]
    for part in (row.example, row.meaning[1:], row.advice):
        assert part in line.replace("\\|", "|")
