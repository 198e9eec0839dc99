"""The house as its imports show it: the picture in internals.md, and numbers to compare.

python docs/house.py [FOLDER]  prints the numbers of a checkout, of this one if none is named
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[1]
NAME = "boot2docker_py"
NO_GROUND = (["__main__"], ["pytest_plugin"])  # single files that stand above rooms
MAY_IMPORT_DRIVERS = ("api", "cli", "machine", "drivers")  # `api` is what `cli` is, for programs


class House:
    """The files of the package in a checkout, and which of them import which."""

    def __init__(self, root: Path) -> None:
        package = root / NAME
        self.trees = {
            _module(file.relative_to(root)): ast.parse(file.read_text(encoding="utf-8"))
            for file in sorted(package.rglob("*.py"))
        }
        self.folders = Counter(str(file.parent.relative_to(root)) for file in package.rglob("*.py"))
        self.arrows = {
            (here, there)
            for here, tree in self.trees.items()
            for name in _imported(tree)
            for there in [self._file_of(name)]
            if there and there != here
        }

    def _file_of(self, name: str) -> str:
        if name in self.trees:
            return name
        parent = name.rpartition(".")[0]
        return parent if parent in self.trees else ""

    def room_arrows(self) -> set[tuple[str, str]]:
        """Return which room imports which; single files at the top are the ground."""
        rooms = {(_room(here, self.trees), _room(there, self.trees)) for here, there in self.arrows}
        return {(here, there) for here, there in rooms if here != there}

    def in_circles(self) -> int:
        """Return how many files are in a circle of imports, or between two."""
        left = set(self.trees)
        while True:
            inside = [(here, there) for here, there in self.arrows if {here, there} <= left]
            both = {here for here, _ in inside} & {there for _, there in inside}
            if both == left:
                return len(left)
            left = both

    def drivers_imported_elsewhere(self) -> int:
        """Return how many arrows lead to drivers from rooms that should not know them."""
        return sum(
            there.startswith(f"{NAME}.drivers")
            and here.split(".")[1:2] not in [[room] for room in MAY_IMPORT_DRIVERS]
            for here, there in self.arrows
        )

    def private_names_of_others(self) -> list[str]:
        """Return the private names that are used and that nothing here defines.

        tests/unit/ssh/over_paramiko/test_private_names.py has those of paramiko that we override.
        """
        ours = {name for tree in self.trees.values() for name in _defined(tree)}
        used = {
            node.attr
            for tree in self.trees.values()
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr.startswith("_")
        }
        return sorted(name for name in used - ours if not name.endswith("__"))


def picture() -> str:
    """Return the rooms and their arrows as mermaid draws them; all stand on the ground."""
    arrows = sorted(
        (here, there) for here, there in House(ROOT).room_arrows() if "ground" not in (here, there)
    )
    lines = "".join(f"    {here} --> {there}\n" for here, there in arrows)
    return f"```mermaid\ngraph TD\n{lines}```\n"


def numbers(house: House) -> Iterator[str]:
    """Yield the numbers, a line each."""
    folder, files = house.folders.most_common(1)[0]
    private = house.private_names_of_others()
    yield f"folders: {len(house.folders)}"
    yield f"files: {len(house.trees)}"
    yield f"most files in a folder: {files} ({folder})"
    yield f"arrows between files: {len(house.arrows)}"
    yield f"arrows between rooms, the ground aside: {len(_without_ground(house))}"
    yield f"files in circles: {house.in_circles()}"
    yield f"imports of drivers outside {', '.join(MAY_IMPORT_DRIVERS)}: " + str(
        house.drivers_imported_elsewhere()
    )
    yield f"private names of other libraries: {len(private)} ({', '.join(private)})"


def _without_ground(house: House) -> set[tuple[str, str]]:
    return {arrow for arrow in house.room_arrows() if "ground" not in arrow}


def _module(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).replace(".__init__", "")


def _room(module: str, trees: dict[str, ast.Module]) -> str:
    top = module.split(".")[1:2]
    is_folder = top and any(name.startswith(f"{NAME}.{top[0]}.") for name in trees)
    return top[0] if is_folder or top in NO_GROUND else "ground"


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


if __name__ == "__main__":
    print(*numbers(House(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)), sep="\n")
