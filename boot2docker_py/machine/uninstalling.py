"""All that is on this machine of boot2docker: listed, and taken away piece by piece."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Sequence

from boot2docker_py.errors import Boot2DockerError, StorageError
from boot2docker_py.host import autostart
from boot2docker_py.machine.parts import Parts
from boot2docker_py.paths import Paths

log = logging.getLogger(__name__)


class Piece(NamedTuple):
    """One thing that is there, and how it goes."""

    kind: str  # vm, context, autostart, completion, file
    name: str
    words: str
    remove: Callable[[], object]
    is_kept: bool = False  # it is not ours: only what we noted of it goes


def of_vms(names: Sequence[str], parts_of: Callable[[str], Parts]) -> Iterator[Piece]:
    """Yield the VMs, each with its context and its start at login."""
    for name in names:
        parts = parts_of(name)
        try:
            if parts.context.leads_to():
                words = f"the docker context '{parts.context.name}'"
                yield Piece("context", parts.context.name, words, parts.context.remove)
        except Boot2DockerError as error:
            log.warning("%s", error.in_a_line())
        entry = autostart.entry(name)
        if entry.read() is not None:
            words = f"the start of VM '{name}' at login ({entry.place})"
            yield Piece("autostart", name, words, entry.remove)
        if parts.vm_paths.adopted.exists():
            words = f"VM '{name}' stays: another program made it"
            yield Piece("vm", name, words, parts.machine.let_go, is_kept=True)
        else:
            yield Piece("vm", name, _about_vm(name, parts), _deleting(parts))


def _about_vm(name: str, parts: Parts) -> str:
    try:
        state = parts.driver.state().value
    except Boot2DockerError as error:
        state = error.brief
    return f"VM '{name}' with its disk: images, containers, volumes ({state})"


def _deleting(parts: Parts) -> Callable[[], object]:
    return lambda: parts.machine.delete(parts.deadline)


def of_files(paths: Paths) -> Iterator[Piece]:
    """Yield our files in the home; what others have put there is not among them."""
    for path in paths.of_this_program():
        yield Piece("file", str(path), str(path), lambda path=path: _remove(path))  # type: ignore[misc]


def remove_all(pieces: Sequence[Piece], home: Path) -> list[tuple[Piece, Boot2DockerError]]:
    """Remove all; return what could not be removed, and why.

    A VM that others build on goes after them, so what failed is tried again while anything goes.
    """
    left = list(pieces)
    while True:
        failed = [(piece, error) for piece in left if (error := _failure(piece)) is not None]
        if not failed or len(failed) == len(left):
            break
        left = [piece for piece, _error in failed]
    for folder in (home / "vms", home):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return failed


def _failure(piece: Piece) -> Boot2DockerError | None:
    try:
        piece.remove()
    except Boot2DockerError as error:
        return error
    return None


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot remove '{path}'", details=str(error)) from error


def foreign_in(home: Path) -> list[Path]:
    """Return what lies in the home and is not ours."""
    return sorted(home.iterdir()) if home.is_dir() else []


def how_the_program_goes(prefix: Path, python: str) -> str:
    """Return what removes the program itself, by the way that it came."""
    uninstaller = prefix / "uninstall.exe"
    above = prefix.parent / "uninstall.exe"
    for file in (uninstaller, above):
        if file.exists():
            return f'"{file}"'
    if "pipx" in prefix.parts:
        return "pipx uninstall boot2docker-py"
    quoted = f'"{python}"' if " " in python else python
    return f"{quoted} -m pip uninstall boot2docker-py boot2docker-image"


def size_bytes(path: Path) -> int:
    """Return what a file, or all in a folder, takes."""
    if path.is_dir() and not path.is_symlink():
        inside = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        return sum(map(size_bytes, inside))
    try:
        return path.lstat().st_size
    except OSError:
        return 0
