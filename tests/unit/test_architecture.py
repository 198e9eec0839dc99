"""The house rules of docs/internals.md that a tool can hold: owners of libraries, and arrows."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "boot2docker_py"

OWNERS = {
    "click": "cli",
    "paramiko": "guest",
    "cryptography": "guest",
    "requests": "image",
    "urllib3": "image",
    "certifi": "image",
    "platformdirs": "paths",
    "tomli": "config",
    "tomllib": "config",
    "vboxapi": "drivers",
    "xpcom": "drivers",
    "win32com": "drivers",
}


def room(file: Path) -> str:
    """Return the room that a file of the package is in."""
    return file.relative_to(PACKAGE).parts[0].partition(".")[0]


def imports(file: Path) -> Iterator[str]:
    """Return the full names of what a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# Before Python 3.10 only the libraries in the table can be told from those of Python itself.
STANDARD = (
    set(getattr(sys, "stdlib_module_names")) - set(OWNERS)  # noqa: B009 - mypy reads as 3.8
    if sys.version_info >= (3, 10)
    else {name.partition(".")[0] for file in PACKAGE.rglob("*.py") for name in imports(file)}
    - set(OWNERS)
)

# What each room may know of the others; the ground is what all stand on.
GROUND = {"errors", "advice", "wait", "lock", "host", "untrusted"}
MAY_KNOW = {
    "errors": set(),
    "advice": {"errors"},
    "untrusted": set(),
    "wait": {"errors"},
    "lock": {"errors", "wait"},
    "host": set(),
    "paths": {"errors"},
    "config": {"errors", "paths", "untrusted"},
    "drivers": GROUND | {"paths"},
    "image": GROUND | {"__version__"},
    "guest": GROUND | {"drivers", "paths"},  # of the drivers, only the address of the guest
    "endpoint": GROUND | {"drivers", "paths", "guest", "__version__"},
    "machine": GROUND | {"drivers", "paths", "guest", "endpoint", "image", "config"},
    "cli": GROUND
    | {"drivers", "paths", "guest", "endpoint", "image", "config", "machine", "__version__"},
    "__main__": {"cli"},
    "__init__": set(),
}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(PACKAGE)) for file in FILES])
def test_arrows_point_one_way(file: Path) -> None:
    here = room(file)
    for name in imports(file):
        top, _, rest = name.partition(".")
        if top == "boot2docker_py":
            there = rest.partition(".")[0]
            assert there == here or there in MAY_KNOW[here], f"{here} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(PACKAGE)) for file in FILES])
def test_every_outside_library_has_one_owner(file: Path) -> None:
    outside = {name.partition(".")[0] for name in imports(file)} - STANDARD - {PACKAGE.name}
    assert {OWNERS.get(library, "nobody") for library in outside} <= {room(file)}


def test_only_the_qemu_room_knows_of_qemu() -> None:
    """The life of a VM is written above all hypervisors."""
    for file in FILES:
        if room(file) in ("machine", "guest", "endpoint", "image"):
            assert not any("qemu" in name.lower() for name in imports(file))


def test_core_does_not_print() -> None:
    for file in FILES:
        if room(file) == "cli":
            continue
        calls = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)]
        names = [call.func.id for call in calls if isinstance(call.func, ast.Name)]
        assert "print" not in names, file
