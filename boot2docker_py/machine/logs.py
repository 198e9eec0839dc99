"""The logs of one VM: which there are, and how one on this machine is read while it grows."""

from __future__ import annotations

import collections
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import Boot2DockerError, NotFoundError, StorageError
from boot2docker_py.wait import Clock

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts

IN_GUEST = ("engine", "boot", "provision")
ON_HOST = ("console", "forward", "hypervisor")
NAMES = (*IN_GUEST, *ON_HOST)

LOOK_EVERY_S = 0.2
CHUNK_BYTES = 1024 * 1024


def most_useful(state: State) -> str:
    """Return the log that tells most: the engine's while the VM runs, else the console's."""
    return "engine" if state is State.RUNNING else "console"


def end_of(parts: Parts, name: str, lines: int) -> bytes:
    """Return the last lines of a log, wherever it is; nothing of one that is not there yet.

    Raises:
        WrongStateError: it is in the VM, which does not run.
        NotFoundError: the VM does not have this log.
    """
    if name not in IN_GUEST:
        return b"".join(last_lines(file_of(parts, name), lines)[0])
    buffer = io.BytesIO()
    parts.access.show_log(name, lines, buffer, follows=False)
    return buffer.getvalue()


def file_of(parts: Parts, name: str) -> Path:
    """Return the file of a log on this machine.

    Raises:
        NotFoundError: there is no VM, or it was made elsewhere and logs to no file.
    """
    if name == "forward":
        return parts.vm_paths.forwarder_log
    try:
        info = parts.driver.describe()
    except Boot2DockerError:
        # A broken VM cannot be described, and its console may tell why it is.
        if name == "console" and parts.vm_paths.console_log.exists():
            return parts.vm_paths.console_log
        raise
    if name == "hypervisor":
        return info.hypervisor_log
    if info.console_log is None:
        raise NotFoundError(
            f"VM '{info.name}' logs its serial console to no file",
            details="It was made elsewhere, and keeps the settings that it has.",
            resolution="boot2docker logs hypervisor",
        )
    return info.console_log


def last_lines(file: Path, count: int) -> tuple[list[bytes], LogFile]:
    """Return the last lines of a log, and the log at its end; no lines when there is no file.

    Raises:
        StorageError: it is there and cannot be read.
    """
    log = LogFile(file)
    lines: collections.deque[bytes] = collections.deque(maxlen=count)
    rest = b""
    for data in log.news():
        *whole, rest = (rest + data).split(b"\n")
        lines.extend(line + b"\n" for line in whole)
    if rest:
        lines.append(rest)
    return list(lines), log


def follow(log: LogFile, clock: Clock) -> Iterator[bytes]:
    """Yield what is added to a log, for ever; through rotation, truncation and deletion.

    Raises:
        StorageError: it cannot be read any more.
    """
    while True:
        yield from log.news()
        clock.sleep(LOOK_EVERY_S)


@dataclass
class LogFile:
    """A file that another process writes, and how far it was read.

    It is open only while we read: on Windows, an open one cannot be renamed or removed.
    """

    file: Path
    _inode: int = -1
    _position: int = 0

    def news(self) -> Iterator[bytes]:
        """Yield what was added since the last look.

        Raises:
            StorageError: it cannot be read.
        """
        try:
            yield from self._news()
        except OSError as error:
            raise StorageError(f"cannot read '{self.file}'", details=str(error)) from error

    def _news(self) -> Iterator[bytes]:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return
        if found.st_ino != self._inode:
            yield from self._rest_of_rotated()
            self._inode, self._position = found.st_ino, 0
        elif found.st_size < self._position:
            self._position = 0
        yield from self._read(self.file)

    def _rest_of_rotated(self) -> Iterator[bytes]:
        """Yield the end of a log that has been renamed since the last look."""
        rotated = self.file.with_name(self.file.name + ".1")
        if rotated.exists() and rotated.stat().st_ino == self._inode:
            yield from self._read(rotated)

    def _read(self, file: Path) -> Iterator[bytes]:
        for data in iter(lambda: self._chunk(file), b""):
            self._position += len(data)
            yield data

    def _chunk(self, file: Path) -> bytes:
        with file.open("rb") as stream:
            stream.seek(self._position)
            return stream.read(CHUNK_BYTES)
