"""A file or a folder of this machine as a tar stream, for the guest's `tar` to unpack."""

from __future__ import annotations

import logging
import os
import stat
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Iterator

from boot2docker_py.errors import StorageError, UsageError

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
# What the guest finds in its temporary folder: what was sent, and that it was all of it.
NEW, WHOLE = "new", "whole"


@dataclass(frozen=True)
class Entry:
    """One thing to send."""

    path: Path
    name: str  # in the archive
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        """Tell whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def size_bytes(self) -> int:
        """Return how many bytes its content has."""
        return self.status.st_size if stat.S_ISREG(self.status.st_mode) else 0


def entries(source: Path) -> list[Entry]:
    """Return what `source` consists of, folders before what is in them.

    A link that is named itself is followed; links inside are sent as links.

    Raises:
        UsageError: there is no such file, or it is neither a file nor a folder.
        StorageError: something cannot be read.
    """
    try:
        top = Entry(source, NEW, source.stat())
        if not (stat.S_ISDIR(top.status.st_mode) or stat.S_ISREG(top.status.st_mode)):
            raise UsageError(f"'{source}' is neither a file nor a folder")
        return [top, *_inside(top)]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"there is no '{error.filename or source}'") from error
    except OSError as error:
        raise _unreadable(error) from error


def _inside(folder: Entry) -> Iterator[Entry]:
    if not folder.is_folder:
        return
    for name in sorted(os.listdir(folder.path)):
        path = folder.path / name
        entry = Entry(path, f"{folder.name}/{name}", path.lstat())
        mode = entry.status.st_mode
        if stat.S_ISDIR(mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            yield entry
            yield from _inside(entry)
        else:
            log.warning("'%s' is left out: it is neither file, folder nor link.", path)


def packed(wanted: list[Entry]) -> Iterator[bytes]:
    """Yield the archive; its last member says that it is whole.

    Raises:
        StorageError: something cannot be read, or changes meanwhile.
        UsageError: a name cannot be written in UTF-8.
    """
    for entry in wanted:
        try:
            yield from _member(entry)
        except OSError as error:
            raise _unreadable(error) from error
    yield _header(tarfile.TarInfo(WHOLE))
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(entry: Entry) -> Iterator[bytes]:
    info = tarfile.TarInfo(entry.name)
    info.mtime = int(entry.status.st_mtime)
    info.mode = mode(entry.status.st_mode, sys.platform)
    if entry.is_folder:
        info.type = tarfile.DIRTYPE
        yield _header(info)
    elif stat.S_ISLNK(entry.status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, link_target(entry.path, sys.platform)
        yield _header(info)
    else:
        with entry.path.open("rb") as file:
            info.size = entry.size_bytes
            yield _header(info)
            yield from _content(file, entry)


def _content(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    left = entry.size_bytes
    while left:
        data = file.read(min(left, CHUNK_BYTES))
        if not data:
            raise StorageError(f"'{entry.path}' became shorter while it was read")
        left -= len(data)
        yield data
    yield bytes(-entry.size_bytes % tarfile.BLOCKSIZE)


def _header(info: tarfile.TarInfo) -> bytes:
    # GNU's form, because busybox's tar reads long names in no other.
    try:
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    except UnicodeError as error:
        raise UsageError(f"the name {info.name!r} is no text", details=str(error)) from error


def mode(host_mode: int, platform: str) -> int:
    """Return the access rights that the copy gets; Windows knows only whether one may write."""
    if platform != "win32":
        return stat.S_IMODE(host_mode)
    return 0o755 if stat.S_ISDIR(host_mode) else stat.S_IMODE(host_mode) & 0o755


def link_target(link: Path, platform: str) -> str:
    """Return where a link leads, as the guest writes it."""
    target = os.readlink(link)
    return target.replace("\\", "/") if platform == "win32" else target


def _unreadable(error: OSError) -> StorageError:
    return StorageError(f"cannot read '{error.filename}'", details=str(error))
