"""Files that appear whole or not at all, whatever happens to the process that writes them."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import stat
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, TypeVar

from boot2docker_py import read_only
from boot2docker_py.wait import Clock, Deadline

_PAUSE_S = 0.1
# A virus scanner holds a new file open for a moment, a program that reads the old one not for long.
_HELD_S = 5.0
_HELD_ON_WINDOWS = (5, 32, 33)  # ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION

Done = TypeVar("Done")

PRIVATE = 0o600
READABLE = 0o644


def read(path: Path, clock: Clock = time) -> bytes:
    """Return what a file has that `write` may be replacing.

    Raises:
        OSError: it cannot be read, or another program keeps it from being read (Windows).
    """
    return _patiently(path.read_bytes, clock)


def write(
    path: Path, content: bytes, *, mode: int = PRIVATE, temporary: Path | None = None
) -> None:
    """Let `path` have `content`, in place of what it had; a file that is replaced keeps its rights.

    `temporary` is the name that the content has first, where whoever clears up must know it.

    Raises:
        OSError: it cannot be written, or another program keeps it open (Windows).
    """
    _clear_of_the_dead(path)
    _refuse_read_only(path)
    with _written(path, content, mode, temporary) as new:
        with contextlib.suppress(FileNotFoundError):
            new.chmod(stat.S_IMODE(path.stat().st_mode))
        replace(new, path)


def write_new(
    path: Path,
    content: bytes,
    *,
    mode: int = PRIVATE,
    protect: Callable[[Path], None] = lambda _file: None,
) -> None:
    """Let `path` have `content` unless another process has been faster.

    `protect` is called with the file while it is still empty.

    Raises:
        OSError: it cannot be written.
    """
    taken = contextlib.suppress(FileExistsError)
    with _written(path, content, mode, None, protect) as new, taken:
        if sys.platform == "win32":
            new.rename(path)  # refuses to replace, on Windows
        else:
            os.link(new, path)


def move_new(source: Path, target: Path, clock: Clock = time) -> None:
    """Give the file `source` the name `target`, which no file has.

    Raises:
        FileExistsError: one has it; nothing is changed.
        OSError: it cannot be, or another program keeps `source` open (Windows).
    """
    if sys.platform == "win32":
        _patiently(lambda: source.rename(target), clock)  # refuses to replace, on Windows
    else:
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if target.exists():
                raise FileExistsError(errno.EEXIST, "it is there already", str(target)) from None
            source.replace(target)
        else:
            source.unlink()


def clear(path: Path) -> None:
    """Remove what writers of `path` that were killed have left; for when none writes it now."""
    for left in _left_beside(path):
        left.unlink(missing_ok=True)


def _clear_of_the_dead(path: Path) -> None:
    """Remove what writers of `path` that live no more have left."""
    if sys.platform != "win32":  # where a question about a process could end it
        for left in _left_beside(path):
            found = re.fullmatch(r"([0-9]{1,9})-[0-9a-f]+", left.name.rpartition(".")[2])
            if found and not _lives(int(found[1])):
                left.unlink(missing_ok=True)


def _refuse_read_only(path: Path) -> None:
    """Replace no file that cannot be, nor wait for what might have it open.

    Raises:
        PermissionError: it is one.
    """
    if read_only.cannot_be_replaced(path):
        raise PermissionError(errno.EACCES, "it is read-only", str(path))


def _left_beside(path: Path) -> Iterator[Path]:
    return path.parent.glob(f".{glob.escape(path.name)}.*")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # of another user's
        return True
    return True


def replace(source: Path, target: Path, clock: Clock = time) -> None:
    """Give the file `source` the name `target`, whatever has it now.

    Raises:
        OSError: it cannot be, or another program keeps `target` open (Windows).
    """
    _refuse_read_only(target)
    _patiently(lambda: source.replace(target), clock)


def remove(path: Path, clock: Clock = time) -> None:
    """Remove the file, if it is there.

    Raises:
        OSError: it cannot be, or another program keeps it open (Windows).
    """
    _patiently(lambda: path.unlink(missing_ok=True), clock)


def _patiently(do: Callable[[], Done], clock: Clock) -> Done:
    """Return what `do` returns, once another program does not keep the file from it (Windows)."""
    patience = Deadline(_HELD_S, clock)
    while True:
        try:
            return do()
        except PermissionError as error:
            if not _is_held(error) or patience.has_passed():
                raise
            clock.sleep(_PAUSE_S)


def _is_held(error: PermissionError) -> bool:
    # `open` goes by the C library there, which keeps no number of Windows.
    number = getattr(error, "winerror", None)
    return number in _HELD_ON_WINDOWS or (number is None and sys.platform == "win32")


def sync(path: Path) -> None:
    """Let the operating system bring a file to the disk, so that its name can be trusted."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def _written(
    path: Path,
    content: bytes,
    mode: int,
    temporary: Path | None,
    protect: Callable[[Path], None] = lambda _file: None,
) -> Iterator[Path]:
    """Yield a file beside `path` that has the content, on the disk; its name is gone afterwards."""
    new = temporary or path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    only_ours = os.O_TRUNC if temporary else os.O_EXCL
    flags = os.O_WRONLY | os.O_CREAT | only_ours | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(new, flags, mode), "wb") as file:
            protect(new)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield new
    finally:
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
