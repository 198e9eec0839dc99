"""The house rules of docs/internals.md that a tool can hold: owners of libraries, and arrows."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "boot2docker_py"

# One owner for each outside library: the rooms that may import it.
OWNERS = {
    "click": {"cli"},
    "pytest": {"pytest_plugin"},
    "paramiko": {"ssh"},
    "cryptography": {"ssh", "x509"},  # keys, and certificates
    "requests": {"image"},
    "urllib3": {"image"},
    "certifi": {"image"},
    "platformdirs": {"paths"},
    "tomli": {"config"},
    "tomllib": {"config"},
    "virtualbox": {"drivers"},
    "vboxapi": {"drivers"},
    "xpcom": {"drivers"},
    "win32com": {"drivers"},
}
# Rooms inside of rooms whose inside is for their neighbours alone: the room that may import each.
INNER = {
    "ssh.over_paramiko": "ssh",
    "drivers.virtualbox.binding": "drivers",
    "drivers.virtualbox.vm": "drivers.virtualbox",
    "endpoint.relay": "endpoint",
    "endpoint.way": "endpoint",
    "endpoint.ports": "endpoint",
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


# Before Python 3.10 only the libraries in the table are known not to be Python's own.
STANDARD = (
    set(getattr(sys, "stdlib_module_names")) - set(OWNERS)  # noqa: B009 - mypy reads as 3.8
    if sys.version_info >= (3, 10)
    else {name.partition(".")[0] for file in PACKAGE.rglob("*.py") for name in imports(file)}
    - set(OWNERS)
)

# What each room may know of the others; the ground is what all stand on.
GROUND = {"errors", "masking", "device_names", "advice", "wait", "lock", "address", "untrusted"}
GROUND |= {"whole_file", "read_only"}
MAY_KNOW = {
    "masking": set(),
    "errors": {"masking"},
    "address": set(),
    "advice": {"errors"},
    "untrusted": set(),
    "device_names": set(),
    "x509": {"errors"},
    "wait": {"errors"},
    "lock": {"errors", "wait"},
    "read_only": set(),
    "whole_file": {"read_only", "wait"},
    "paths": {"errors"},
    "config": {"errors", "paths", "untrusted", "device_names", "masking", "whole_file"},
    "host": GROUND,
    "drivers": GROUND | {"paths", "host", "x509"},
    "image": GROUND | {"__version__"},
    "ssh": GROUND | {"paths", "host"},
    "guest": GROUND | {"paths", "ssh", "host"},
    "docker": GROUND | {"paths", "ssh", "guest", "host", "x509"},
    "endpoint": GROUND | {"paths", "ssh", "guest", "host", "__version__"},
    "machine": GROUND
    | {"drivers", "paths", "ssh", "guest", "docker", "endpoint", "host", "image", "config"}
    | {"x509"},
    "cli": GROUND
    | {"drivers", "paths", "ssh", "guest", "docker", "endpoint", "host", "image", "config"}
    | {"machine", "api", "__version__"},
    "api": GROUND
    | {"drivers", "paths", "docker", "endpoint", "guest", "image", "config", "machine"},
    "pytest_plugin": {"api"},
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
    assert {library for library in outside if room(file) not in OWNERS.get(library, set())} == set()


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(PACKAGE)) for file in FILES])
def test_inner_rooms_are_entered_by_their_neighbours_alone(file: Path) -> None:
    here = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    for name in imports(file):
        for inner, may in INNER.items():
            if name.startswith(f"{PACKAGE.name}.{inner}."):
                assert here.startswith(may), f"{here} imports {name}"


def test_no_circle_is_left() -> None:
    """No file needs itself, through whatever other files; what is only for types counts too."""
    names = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in FILES}
    names = {name.replace(".__init__", ""): file for name, file in names.items()}
    needs = {
        name: {other for other in (_file_of(found, names) for found in imports(file)) if other}
        - {name}
        for name, file in names.items()
    }
    while True:
        free = {name for name, others in needs.items() if not others & set(needs)}
        if not free:
            break
        needs = {name: others for name, others in needs.items() if name not in free}
    assert sorted(needs) == []


def _file_of(imported: str, names: dict[str, Path]) -> str | None:
    """Return the module of the package that an import names, or that has what it names."""
    if imported in names:
        return imported
    above = imported.rpartition(".")[0]
    return above if above in names else None


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
