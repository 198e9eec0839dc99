"""A tar stream from the guest as a file or a folder of this machine: whole, or not at all.

The guest is not trusted: what it sends goes into a new folder, links are made when all else is
written, and a link is never followed but for the one that the user typed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Iterator, Protocol

from boot2docker_py.errors import GuestError, StorageError, UsageError
from boot2docker_py.guest import places

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024


class Readable(Protocol):
    """Where the archive comes from."""

    def read(self, limit: int, /) -> bytes:
        """Return up to `limit` bytes, none at the end."""


@contextlib.contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Yield a new folder from which a file can be renamed to `target`; it is gone afterwards.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=".boot2docker-cp.", dir=target.parent))
    except OSError as error:
        raise _unwritable(error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def receive(stream: Readable, file: Path, mode: int, changed_at_s: int) -> int:
    """Write all that comes to a new file; return the number of files.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        with file.open("xb") as output:
            for data in iter(lambda: stream.read(CHUNK_BYTES), b""):
                output.write(data)
        _set_mode_and_time(file, mode, changed_at_s)
    except OSError as error:
        raise _unwritable(error) from error
    return 1


def unpack(stream: Readable, folder: Path) -> int:
    """Unpack an archive in `folder`, which is made; return the number of files.

    Raises:
        GuestError: the archive is damaged.
        UsageError: a name in it cannot be used here.
        StorageError: it cannot be written.
    """
    work = _Work(folder)
    try:
        folder.mkdir(mode=0o700)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES, encoding="utf-8") as tar:  # type: ignore[call-overload]
            for member in tar:
                work.take(tar, member)
        work.finish()
    except tarfile.TarError as error:
        raise GuestError("what the VM sent is damaged", details=str(error)) from error
    except OSError as error:
        raise _unwritable(error) from error
    return work.count


class _Work:
    """What is unpacked so far, and what has to wait for the end."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: list[tuple[Path, tarfile.TarInfo]] = []
        self._links: list[tuple[Path, str]] = []
        self.count = 0

    def take(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = self._place(member.name)
        if member.isdir():
            path.mkdir(mode=0o700, exist_ok=True)
            self._folders.append((path, member))
            return
        if member.isreg():
            self._write(tar, member, path)
        elif member.issym():
            self._links.append((path, member.linkname))
        elif member.islnk():
            shutil.copy2(self._place(member.linkname), path, follow_symlinks=False)
        else:
            log.warning("'%s' is left out: it is neither file, folder nor link.", member.name)
            return
        self.count += 1

    def _place(self, name: str) -> Path:
        return self._root.joinpath(*places.parts(name, sys.platform))

    def _write(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        content = tar.extractfile(member)
        assert content is not None
        # Two names of the guest may be one here, where case does not count; none is lost unsaid.
        with path.open("xb") as file:
            shutil.copyfileobj(content, file, CHUNK_BYTES)
        _set_mode_and_time(path, member.mode, int(member.mtime))

    def finish(self) -> None:
        """Make the links, then give folders their rights and times, the innermost first."""
        for path, target in self._links:
            _make_link(path, target)
        for path, member in reversed(self._folders):
            # Never a folder that we could not remove.
            _set_mode_and_time(path, member.mode | 0o700, int(member.mtime))


def _set_mode_and_time(path: Path, mode: int, changed_at_s: int) -> None:
    path.chmod(mode & 0o777)  # never a program that runs with somebody else's rights
    os.utime(path, (changed_at_s, changed_at_s))


def _make_link(path: Path, target: str, platform: str = sys.platform) -> None:
    try:
        path.symlink_to(target)
    except OSError as error:
        # Windows asks for a right that few have.
        if platform != "win32":
            raise
        log.warning("the link '%s' to '%s' is left out: %s", path.name, target, error)


def place_for(target: str, name: str, *, must_be_folder: bool) -> Path:
    """Return what a copy becomes: `target`, or its name in `target` if that is a folder.

    Raises:
        UsageError: there is no such folder.
    """
    path = Path(target)
    if path.is_dir():
        return path.joinpath(*places.parts(name, sys.platform))
    if must_be_folder:
        raise UsageError(f"'{target}' is not a folder")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder '{path.parent}'")
    return path


def put_in_place(new: Path, target: Path) -> None:
    """Rename `new` to `target`; a folder is merged into one that is there, file by file.

    Raises:
        StorageError: it cannot be written.
        UsageError: a folder stands where a file should, or the other way round.
    """
    try:
        if not _is_folder(new) or not os.path.lexists(target):
            _put(new, target)
        elif target.is_dir():
            _merge(new, target)
        else:
            raise _in_the_way(target)
    except OSError as error:
        raise _unwritable(error) from error


def _merge(new: Path, target: Path) -> None:
    for child in sorted(new.iterdir()):
        _put(child, target / child.name)


def _put(new: Path, target: Path) -> None:
    """Rename; follow no link, or an earlier copy would say where this one goes."""
    if not os.path.lexists(target) or not (_is_folder(new) or _is_folder(target)):
        new.replace(target)
    elif _is_folder(new) and _is_folder(target):
        _merge(new, target)
    else:
        raise _in_the_way(target)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _in_the_way(target: Path) -> UsageError:
    kind = "a link" if target.is_symlink() else "a folder" if target.is_dir() else "not a folder"
    return UsageError(f"'{target}' is there, and is {kind}")


def _unwritable(error: OSError) -> StorageError:
    return StorageError(
        f"cannot write '{error.filename}'" if error.filename else "cannot write the copy",
        details=str(error),
    )
