"""A tar stream from the guest as a file or a folder of this machine: whole, or not at all.

The guest is not trusted. What it sends goes into a new folder. No link is there before all else is
written and the place of each link is known, so that nothing can be reached through one; and no link
is ever followed, except the one that the user typed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterable, Iterator

from boot2docker_py import read_only, whole_file
from boot2docker_py.errors import StorageError, UsageError
from boot2docker_py.guest.copy import places
from boot2docker_py.guest.copy.archive import CHUNK_BYTES, Archive, Member, Readable, damaged
from boot2docker_py.wait import Clock

log = logging.getLogger(__name__)

# What a copy leaves free on the disk: a full one harms more than the copy.
RESERVE_BYTES = 64 << 20
LINK_BYTES = 4096  # a path of Linux
# What has to wait for the end, folders and links, is in memory until then: so much, and no more.
WAITING_BYTES = 256 << 20
_WAITING_EACH_BYTES = 1024
WARNINGS = 20


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
            room = _Room(file.parent)
            room.write(iter(lambda: stream.read(CHUNK_BYTES), b""), output.write)
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
    archive = Archive(stream)
    try:
        folder.mkdir(mode=0o700)
        work = _Work(folder)
        for member in archive:
            work.take(archive, member)
        work.finish()
    except OSError as error:
        raise _unwritable(error) from error
    return work.count


class _Room:
    """The space on the disk that a copy may take."""

    def __init__(self, folder: Path) -> None:
        self._left_bytes = shutil.disk_usage(folder).free - RESERVE_BYTES

    def demand(self, size_bytes: int) -> None:
        """Raise StorageError unless so much may still be written."""
        if size_bytes > self._left_bytes:
            raise StorageError(
                "the disk has no space for what the VM sends",
                details=f"{size_bytes} bytes more, and room for {max(self._left_bytes, 0)}",
                resolution="Make space, or copy to another disk.",
            )

    def write(self, chunks: Iterable[bytes], write: Callable[[bytes], object]) -> None:
        """Write what comes, as long as there is room."""
        for data in chunks:
            self.demand(len(data))
            self._left_bytes -= len(data)
            write(data)


class _Work:
    """What is unpacked so far, and what has to wait for the end."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._room = _Room(root)
        self._folders: list[tuple[Path, Member]] = []
        self._links: list[tuple[Path, str]] = []
        self._waiting_bytes = 0
        self._left_out = 0
        self.count = 0

    def take(self, archive: Archive, member: Member) -> None:
        path = self._place(member.name)
        if member.type == tarfile.DIRTYPE:
            path.mkdir(mode=0o700, exist_ok=True)
            self._folders.append((path, member))
            self._let_wait(member.name)
            return
        if member.type == tarfile.SYMTYPE:
            self._remember_link(path, member.link)
            return
        if member.type == tarfile.REGTYPE:
            self._write(archive, member, path)
        elif member.type == tarfile.LNKTYPE:
            self._give_second_name(self._place(member.link), path)
        else:
            self._leave_out(member)
            return
        self.count += 1

    def _place(self, name: str) -> Path:
        return self._root.joinpath(*places.parts(name, sys.platform))

    def _write(self, archive: Archive, member: Member, path: Path) -> None:
        self._room.demand(member.size_bytes)
        # On a case-insensitive file system two names may collide; "x" makes that an error.
        with path.open("xb") as file:
            self._room.write(archive.content(), file.write)
        _set_mode_and_time(path, member.mode, member.changed_at_s)

    def _remember_link(self, path: Path, target: str) -> None:
        if not target or "\0" in target or len(os.fsencode(target)) > LINK_BYTES:
            raise damaged(f"a link to {target!r:.80}")
        if not path.parent.is_dir():  # no link is there yet, so it is none
            raise damaged(f"a link in what is no folder: {str(path.name)!r:.80}")
        self._links.append((path, target))
        self._let_wait(path.name + target)

    def _give_second_name(self, first: Path, second: Path) -> None:
        if not first.is_file():  # again, no link is there yet
            raise damaged(f"a second name of what is no file: {first.name!r:.80}")
        try:
            os.link(first, second)
        except FileExistsError:
            raise
        except OSError as error:
            log.debug("'%s' becomes a copy: %s", second, error)  # not every file system has them
            self._room.demand(first.stat().st_size)
            with first.open("rb") as source, second.open("xb") as file:
                self._room.write(iter(lambda: source.read(CHUNK_BYTES), b""), file.write)
            shutil.copystat(first, second)

    def _leave_out(self, member: Member) -> None:
        self._left_out += 1
        if self._left_out <= WARNINGS:
            name = member.name
            log.warning("'%s' is left out: it is neither file, folder nor link.", name)

    def _let_wait(self, text: str) -> None:
        self._waiting_bytes += _WAITING_EACH_BYTES + 4 * len(text)
        if self._waiting_bytes > WAITING_BYTES:
            raise damaged("it has too many folders and links")

    def finish(self) -> None:
        """Make the links, then give folders their rights and times, the innermost first.

        Each link's place was seen to be in a folder when there was no link, and what is there is
        not replaced; so the first link cannot lead the second one astray.
        """
        self.count += make_links(self._links)
        for path, member in reversed(self._folders):
            # Never a folder that we could not remove.
            _set_mode_and_time(path, member.mode | 0o700, member.changed_at_s)
        if self._left_out > WARNINGS:
            log.warning("%d more are left out.", self._left_out - WARNINGS)


def _set_mode_and_time(path: Path, mode: int, changed_at_s: int) -> None:
    read_only.set_mode(path, mode & 0o777)  # never a program that runs with another user's rights
    os.utime(path, (changed_at_s, changed_at_s))


def make_links(links: Iterable[tuple[Path, str]], platform: str = sys.platform) -> int:
    """Make symbolic links; return how many are made, and say how many Windows does not allow."""
    made, left_out = 0, []
    for path, target in links:
        try:
            path.symlink_to(target)
            made += 1
        except OSError as error:
            # Windows asks for a right that few have.
            if platform != "win32":
                raise
            log.debug("the link '%s' to '%s' is left out: %s", path.name, target, error)
            left_out.append(f"'{path.name}': {error}")
    if left_out:
        links_and_verb = "1 link is" if len(left_out) == 1 else f"{len(left_out)} links are"
        log.warning("%s left out: %s", links_and_verb, left_out[0])
    return made


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


def put_in_place(new: Path, target: Path, clock: Clock = time) -> None:
    """Rename `new` to `target`; a folder is merged into one that is there, file by file.

    A file that another program holds for a moment (Windows) is waited for.

    Raises:
        StorageError: it cannot be written.
        UsageError: a folder stands where a file should, or the other way round.
    """
    try:
        if not _is_folder(new) or not os.path.lexists(target):
            _put(new, target, clock)
        elif target.is_dir():
            _merge(new, target, clock)
        else:
            raise _in_the_way(target)
    except OSError as error:
        raise _unwritable(error) from error


def _merge(new: Path, target: Path, clock: Clock) -> None:
    for child in sorted(new.iterdir()):
        _put(child, target / child.name, clock)


def _put(new: Path, target: Path, clock: Clock) -> None:
    """Rename; follow no link, or an earlier copy would say where this one goes."""
    if not os.path.lexists(target) or not (_is_folder(new) or _is_folder(target)):
        whole_file.replace(new, target, clock)
    elif _is_folder(new) and _is_folder(target):
        _merge(new, target, clock)
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
