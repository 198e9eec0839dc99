"""What is not run on Windows is named in a list, by parts of the names of tests."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

from tests.windows.limits import OF_WINE, ON_WINDOWS

UNIT = Path(__file__).parent


def names_in(file: Path) -> Iterator[str]:
    name = f"unit/{file.relative_to(UNIT).as_posix()}"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        members = node.body if isinstance(node, ast.ClassDef) else []
        names = [name, node.name] if isinstance(node, ast.ClassDef) else [name]
        for test in [node, *members]:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                yield "::".join([*names, test.name])


TESTS = [name for file in sorted(UNIT.rglob("test_*.py")) for name in names_in(file)]


PARTS = [part for part in [*ON_WINDOWS, *OF_WINE] if "::test_" in part]  # others name parameters


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_of_the_name_of_a_test(part: str) -> None:
    pieces = part.split("[")[0].split("::")
    assert any(all(piece in name for piece in pieces) for name in TESTS)
