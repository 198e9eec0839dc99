"""Those that use a VM for a while: programs that leave it as they found it, when the last one goes.

Each user holds a file locked, which the operating system lets go of when the user dies in any way.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import IO, Callable, Iterator

from boot2docker_py import lock
from boot2docker_py.drivers.model import State
from boot2docker_py.paths import make_private_folder
from boot2docker_py.wait import Deadline

_FOUND = "found"
_GUARD = "guard"

_counting = threading.Lock()
_count = 0


class Users:
    """The users of one VM, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: IO[bytes] | None = None
        self._path = folder / _new_name()

    @contextlib.contextmanager
    def entering(self, found: Callable[[], State], deadline: Deadline) -> Iterator[None]:
        """Become a user when the `with` block has ended well; no other comes or goes meanwhile."""
        with self._guarded(deadline):
            if not self._others():
                (self._folder / _FOUND).write_text(found().value, encoding="utf-8")
            yield
            self._own = self._path.open("w+b", buffering=0)
            lock.try_lock(self._own)

    @contextlib.contextmanager
    def leaving(self, deadline: Deadline) -> Iterator[State | None]:
        """Be a user no more; yield how the first one found the VM to the last one, None to others.

        No other enters or leaves meanwhile.
        """
        with self._guarded(deadline):
            if self._own:
                self._own.close()
                self._path.unlink(missing_ok=True)
            note = self._folder / _FOUND
            yield None if self._others() or not note.exists() else State(note.read_text("utf-8"))

    @contextlib.contextmanager
    def _guarded(self, deadline: Deadline) -> Iterator[None]:
        make_private_folder(self._folder)
        with lock.hold(self._folder / _GUARD, deadline, purpose="using the VM for a while"):
            yield

    def _others(self) -> bool:
        """Tell whether anybody else lives who uses the VM; what the dead have left goes."""
        for path in sorted(self._folder.glob("user-*")):
            with path.open("r+b", buffering=0) as file:
                if not lock.try_lock(file):
                    return True
            path.unlink(missing_ok=True)
        return False


def _new_name() -> str:
    global _count
    with _counting:
        _count += 1
        return f"user-{os.getpid()}-{_count}"
