"""Locks that the operating system holds, and releases when their holder dies in any way."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import IO, Callable, Iterator

from boot2docker_py.errors import BusyError, StorageError
from boot2docker_py.wait import Deadline

PAUSE_S = 0.05

# The holder writes who it is behind the locked byte: on Windows a locked byte cannot be read.
_HOLDER_OFFSET = 1


@contextlib.contextmanager
def hold(
    path: Path,
    deadline: Deadline,
    *,
    purpose: str,
    guarded: str = "this VM",
    on_wait: Callable[[str], None] = lambda _holder: None,
    is_needed: Callable[[], bool] = lambda: True,
) -> Iterator[None]:
    """Hold the lock `path` for a `with` block; `purpose` is what others hear of us.

    `guarded` is what one of us at a time may work on.

    `on_wait` is called once, with the words of the present holder, when it has to wait. The file
    goes with the block when it is not needed any more.

    Raises:
        BusyError: another process still holds it when the deadline passes.
    """
    with _locked(path, deadline, guarded, on_wait) as file:
        with contextlib.suppress(OSError):  # a full disk keeps no one from a `delete`
            _sign(file, f"process {os.getpid()}: {purpose}")
        try:
            yield
        finally:
            is_left = not is_needed()
            if is_left and os.name == "posix":
                path.unlink(missing_ok=True)
    if is_left and os.name == "nt":  # where an open file stays, be it ours or of the next holder
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def _locked(
    path: Path, deadline: Deadline, guarded: str, on_wait: Callable[[str], None]
) -> Iterator[IO[bytes]]:
    waiting = False
    while True:
        with _open(path) as file:
            is_ours = try_lock(file)
            if is_ours and _is_still_at(path, file):
                yield file
                return
        if is_ours:  # the holder before us has removed what we had opened
            continue
        if deadline.has_passed():
            raise BusyError(
                f"another boot2docker is at work on {guarded}",
                details=_holder(path),
                resolution="Wait until it has ended, or give more time with --timeout.",
            )
        if not waiting:
            on_wait(_holder(path))
            waiting = True
        deadline.clock.sleep(deadline.remaining_s(PAUSE_S))


def _is_still_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _open(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
    except OSError as error:
        raise StorageError(
            f"cannot write to '{path.parent}'",
            details=str(error),
            resolution="Make the folder writable, or name another with BOOT2DOCKER_DIR.",
        ) from error


def _sign(file: IO[bytes], text: str) -> None:
    file.seek(_HOLDER_OFFSET)
    file.write(text.encode() + b"\n")
    file.truncate()


def _holder(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(_HOLDER_OFFSET)
            return file.readline().decode(errors="replace").strip() or "unknown process"
    except FileNotFoundError:  # it has just ended
        return "unknown process"


if sys.platform == "win32":
    import msvcrt

    def try_lock(file: IO[bytes]) -> bool:
        """Lock the open file for this process, if no other has; closing it releases the lock."""
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Lock the open file for this process, if no other has; closing it releases the lock."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
