"""The members of an untrusted tar stream, with a bound on all that they may say.

Python's `tarfile` reads names of any length into memory, keeps every member, follows headers that
follow headers by recursion, and fills the holes of sparse files. Here is what `tar -c` of GNU and
busybox send, of GNU's and pax' form: https://www.gnu.org/software/tar/manual/html_node/Standard.html
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import Iterator, Protocol

from boot2docker_py import untrusted
from boot2docker_py.errors import GuestError

BLOCK_BYTES = tarfile.BLOCKSIZE
CHUNK_BYTES = 256 * 1024
HEADER_BYTES = 64 * 1024  # a long name or what pax adds; a path of Linux has 4096
HEADERS_PER_MEMBER = 4
MEMBERS = 5_000_000
MEMBER_BYTES = 1 << 43  # 8 TB
# From 1901, as 32 bits have it, to the year 9999, which is as far as calendars of Python go.
EARLIEST_S, LATEST_S = -(1 << 31), untrusted.LATEST_S

_PAX_SPARSE = b"GNU.sparse."


class Readable(Protocol):
    """Where the archive comes from."""

    def read(self, limit: int, /) -> bytes:
        """Return up to `limit` bytes, none at the end."""


@dataclass(frozen=True)
class Member:
    """A file, a folder, a link or something else."""

    name: str
    type: bytes  # as `tarfile` names them
    link: str
    size_bytes: int
    mode: int
    changed_at_s: int


class Archive:
    """Iterate over the members; each one's content is read, or skipped, before the next.

    All of its methods raise GuestError when it is damaged, or says what cannot be.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._unread_bytes = 0  # of the content of the present member
        self._padding_bytes = 0

    def __iter__(self) -> Iterator[Member]:
        """Yield the members up to the mark of the end."""
        for count in range(MEMBERS + 1):
            self._skip()
            member = self._member()
            if member is None:
                return
            if count == MEMBERS:
                raise damaged(f"it has more than {MEMBERS} members")
            self._unread_bytes = member.size_bytes
            self._padding_bytes = -member.size_bytes % BLOCK_BYTES
            yield member

    def content(self) -> Iterator[bytes]:
        """Yield the bytes of the present member."""
        while self._unread_bytes:
            data = self._stream.read(min(self._unread_bytes, CHUNK_BYTES))
            if not data:
                raise damaged("it ends in the middle of a file")
            self._unread_bytes -= len(data)
            yield data

    def _skip(self) -> None:
        for _data in self.content():
            pass
        self._exactly(self._padding_bytes)
        self._padding_bytes = 0

    def _member(self) -> Member | None:
        added: dict[str, str] = {}
        for _ in range(HEADERS_PER_MEMBER):
            block = self._exactly(BLOCK_BYTES)
            if not any(block):
                return None
            info = _header(block)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                added["path"] = _text(self._header_content(info).rstrip(b"\0"))
            elif info.type == tarfile.GNUTYPE_LONGLINK:
                added["linkpath"] = _text(self._header_content(info).rstrip(b"\0"))
            elif info.type == tarfile.XHDTYPE:
                added.update(_pax(self._header_content(info)))
            elif info.type == tarfile.XGLTYPE:
                self._header_content(info)  # comments, as of `git archive`
            else:
                return _member(info, added)
        raise damaged("headers follow headers")

    def _header_content(self, info: tarfile.TarInfo) -> bytes:
        if not 0 <= info.size <= HEADER_BYTES:
            raise damaged(f"a header of {info.size} bytes")
        return self._exactly(info.size + -info.size % BLOCK_BYTES)[: info.size]

    def _exactly(self, length: int) -> bytes:
        found = b""
        while len(found) < length:
            data = self._stream.read(length - len(found))
            if not data:
                raise damaged("it ends in the middle")
            found += data
        return found


def damaged(details: str) -> GuestError:
    """Return the error for an archive that cannot be used."""
    return GuestError("what the VM sent is damaged", details=details)


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError) as error:
        raise damaged(str(error)) from error


def _member(info: tarfile.TarInfo, added: dict[str, str]) -> Member:
    if info.type in (tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE):
        raise damaged("a file with holes, for which `tar` was not asked")
    # Only what is a file has content, whatever the others say.
    is_file = info.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
    name = added.get("path", info.name)
    # In the old form a folder is a file whose name ends so.
    is_old_folder = info.type == tarfile.AREGTYPE and name.endswith("/")
    return Member(
        name=name,
        type=tarfile.DIRTYPE if is_old_folder else tarfile.REGTYPE if is_file else info.type,
        link=added.get("linkpath", info.linkname),
        size_bytes=_in_range("size", added, info.size, 0, MEMBER_BYTES) if is_file else 0,
        mode=info.mode & 0o777,  # never a program that runs with another user's rights
        changed_at_s=_in_range("mtime", added, info.mtime, EARLIEST_S, LATEST_S),
    )


def _in_range(key: str, added: dict[str, str], usual: float, lowest: int, highest: int) -> int:
    if key not in added:
        value = untrusted.integer(usual, lowest, highest)
    else:  # a time of pax may have a fraction
        whole, _, fraction = added[key].partition(".")
        is_time = key == "mtime" and fraction.isdecimal()
        value = untrusted.number(whole if is_time else added[key], lowest, highest)
    if value is None:
        raise damaged(f"{key} {added.get(key, usual)!s:.40}")
    return value


def _pax(records: bytes) -> dict[str, str]:
    """Return what matters to us of a pax header: records of `LENGTH KEY=VALUE` and a line's end."""
    found: dict[str, str] = {}
    while records:
        digits, _, _ = records[:8].partition(b" ")
        length = untrusted.number(digits.decode("latin-1"), len(digits) + 3, len(records))
        if length is None or records[length - 1 : length] != b"\n":
            raise damaged("a header that is none")
        key, equals, value = records[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or key.startswith(_PAX_SPARSE):
            raise damaged(f"a header {_text(key)!r:.40}")
        if key in (b"path", b"linkpath", b"size", b"mtime"):
            found[key.decode()] = _text(value)
        records = records[length:]
    return found


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
