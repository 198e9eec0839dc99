"""A VM in one file: a tar archive of what it is made of, its disk, and the digest of both.

The names, and their order, are the same in every such file; nothing else is read as one. The disk
is checked before it is used: it must stand for itself, and hold no more than the file says.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tarfile
from pathlib import Path
from typing import IO, Callable, NamedTuple

from boot2docker_py import untrusted, whole_file
from boot2docker_py.drivers import copying
from boot2docker_py.drivers.base import ShowBytes
from boot2docker_py.drivers.copying import no_vm
from boot2docker_py.drivers.host import LARGEST_DISK_MB
from boot2docker_py.drivers.qemu import disk
from boot2docker_py.drivers.qemu.files import Files, Settings, opened_private
from boot2docker_py.errors import StorageError

FORMAT = 1
DESCRIPTION, DISK, DIGEST = "boot2docker-vm.json", "disk.qcow2", "sha256"

_DESCRIPTION_LIMIT_BYTES = 64 * 1024
_BLOCK_BYTES = tarfile.BLOCKSIZE
_PIECE_BYTES = 1 << 20
_MB = 1 << 20
_MOST = {
    "memory_mb": 1 << 22,
    "cpus": 1024,
    "disk_mb": LARGEST_DISK_MB,
    "content_bytes": LARGEST_DISK_MB * _MB,
}

# qcow2 (docs/interop/qcow2.txt of QEMU): magic, version, the place of the name of another file
# that it builds on, the size of that, bits of a cluster, size, encryption.
_QCOW2_HEADER = ">4sIQIIQI"
_INCOMPATIBLE_AT = 72
_HARMLESS = 0b11001  # not closed well; another compression; larger table entries


class Description(NamedTuple):
    """What a VM in a file is made of."""

    memory_mb: int
    cpus: int
    disk_mb: int
    has_docker_port: bool
    content_bytes: int  # of the disk's file
    format: int = FORMAT


class Found(NamedTuple):
    """A file that was read and is whole."""

    description: Description
    disk_at: int
    disk_bytes: int


def write(files: Files, settings: Settings, target: Path, show: ShowBytes) -> None:
    """Write the VM, which is at rest, into one file, whole or not at all.

    Raises:
        StorageError: no space; or there is such a file already.
    """
    copying.demand_new_file(target)
    parts = copying.work_files(target)
    copy, archive = parts.disk, parts.archive
    half = files.disk.stat().st_size
    try:
        bounds = disk.Bounds(half, lambda done, _half: show(done, 2 * half))
        disk.copy(files.disk, copy, bounds)
        content_bytes = copy.stat().st_size
        description = Description(
            memory_mb=settings.memory_mb,
            cpus=settings.cpus,
            disk_mb=settings.disk_mb,
            has_docker_port=bool(settings.docker_port),
            content_bytes=content_bytes,
        )
        with opened_private(archive):
            pass
        with copy.open("rb") as source, archive.open("wb") as file:
            _write(
                source, file, description, lambda so_far: show(half + so_far, half + content_bytes)
            )
            file.flush()
            os.fsync(file.fileno())
        copy.unlink()  # before the file is there, and no one looks for what is beside it
        whole_file.replace(archive, target)
    finally:
        for part in (copy, archive):
            part.unlink(missing_ok=True)


def _write(
    source: IO[bytes],
    file: IO[bytes],
    description: Description,
    show_done: Callable[[int], None],
) -> None:
    digest = hashlib.sha256()

    def put(content: bytes) -> None:
        digest.update(content)
        file.write(content)

    put(_entry(DESCRIPTION, json.dumps(description._asdict(), indent=2).encode() + b"\n"))
    put(_header(DISK, description.content_bytes))
    done = 0
    while piece := source.read(_PIECE_BYTES):
        put(piece)
        done += len(piece)
        show_done(done)
    put(bytes(-done % _BLOCK_BYTES))
    file.write(_entry(DIGEST, digest.hexdigest().encode() + b"\n"))
    file.write(bytes(2 * _BLOCK_BYTES))


def demand_start(path: Path) -> None:
    """Demand a file that begins as one of ours does, and is as long as its beginning says.

    Raises:
        UsageError: it is something else, or cut short.
    """
    copying.demand_file(path)
    with path.open("rb") as file:
        reading = _Reading(path, file)
        found = reading.beginning()
        _demand_plain_disk(path, reading.take(min(found.disk_bytes, _BLOCK_BYTES)), found)


def read(path: Path, show: ShowBytes) -> Found:
    """Read a file from its begin to its end, and return what is in it.

    Raises:
        UsageError: it is something else, or damaged.
        StorageError: it cannot be read, or there is no space for what it holds.
    """
    copying.demand_file(path)
    with path.open("rb") as file:
        reading = _Reading(path, file)
        found = reading.beginning()
        left = found.disk_bytes
        while left:
            piece = reading.take(min(left, _PIECE_BYTES))
            if left == found.disk_bytes:
                _demand_plain_disk(path, piece, found)
            left -= len(piece)
            show(found.disk_bytes - left, found.disk_bytes)
        reading.take(-found.disk_bytes % _BLOCK_BYTES)
        reading.demand_digest()
    return found


class _Reading:
    """A file that is read from its begin on, with the digest of what was read."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path, self._file = path, file
        self._digest = hashlib.sha256()

    def take(self, length: int) -> bytes:
        """Return the next bytes, all of them."""
        content = self._file.read(length)
        if len(content) < length:
            raise no_vm(self._path, "it ends too early")
        self._digest.update(content)
        return content

    def beginning(self) -> Found:
        """Read what comes before the disk."""
        path = self._path
        if os.fstat(self._file.fileno()).st_size < _BLOCK_BYTES:
            raise no_vm(path, "it is no archive of a VM")
        length = _demand_header(path, self.take(_BLOCK_BYTES), DESCRIPTION)
        if length > _DESCRIPTION_LIMIT_BYTES:
            raise no_vm(path, f"its description has {length} bytes")
        description = _description(path, self.take(length))
        self.take(-length % _BLOCK_BYTES)
        length = _demand_header(path, self.take(_BLOCK_BYTES), DISK)
        if length != description.content_bytes:
            raise no_vm(path, f"its disk has {length} bytes, not {description.content_bytes}")
        found = Found(description, self._file.tell(), length)
        digest_at = found.disk_at + length + -length % _BLOCK_BYTES
        if os.fstat(self._file.fileno()).st_size < digest_at + 2 * _BLOCK_BYTES:
            raise no_vm(path, "it ends too early")
        return found

    def demand_digest(self) -> None:
        """Demand that what comes next is the digest of what was read."""
        wanted = self._digest.hexdigest().encode()
        length = _demand_header(self._path, self.take(_BLOCK_BYTES), DIGEST)
        if length != len(wanted) + 1 or self.take(length).strip() != wanted:
            damage = "its content is not what its digest was made of: it is damaged"
            raise no_vm(self._path, damage)


def unpack(path: Path, found: Found, target: Path) -> None:
    """Make the disk out of a file that was read; it holds no more than the file said."""
    free_bytes = shutil.disk_usage(target.parent).free
    if free_bytes < found.disk_bytes:
        raise StorageError(
            f"no space for the disk in '{path}'",
            details=f"{found.disk_bytes // _MB} MB are needed, {free_bytes // _MB} MB are free",
            resolution="Make space, or name another folder with BOOT2DOCKER_DIR.",
        )
    most_bytes = found.disk_bytes + found.disk_bytes // 8 + 16 * _MB
    bounds = disk.Bounds(found.disk_bytes, most_bytes=most_bytes)
    whole_bytes = -(-found.disk_bytes // _BLOCK_BYTES) * _BLOCK_BYTES
    disk.copy_from_within(path, found.disk_at, whole_bytes, target, bounds)


def _description(path: Path, content: bytes) -> Description:
    try:
        given = untrusted.parsed_json(content)
    except ValueError as error:
        raise no_vm(path, "its description cannot be read") from error
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise no_vm(path, "it is of another version of boot2docker, or of something else")
    numbers = {}
    for name, most in _MOST.items():
        number = untrusted.integer(given.get(name), 1, most)
        if number is None:
            raise no_vm(path, f"{name} is missing, or out of range")
        numbers[name] = number
    return Description(has_docker_port=given.get("has_docker_port") is True, **numbers)


def _demand_plain_disk(path: Path, start: bytes, found: Found) -> None:
    """Demand a disk that names no other file, which QEMU would read in its place."""
    if len(start) < _INCOMPATIBLE_AT + 8:
        raise no_vm(path, "its disk is too short")
    magic, version, other_at, other_bytes, cluster_bits, size_bytes, encryption = (
        struct.unpack_from(_QCOW2_HEADER, start)
    )
    if magic != b"QFI\xfb" or version not in (2, 3) or not 9 <= cluster_bits <= 21:
        raise no_vm(path, "its disk is not a qcow2 file")
    (incompatible,) = struct.unpack_from(">Q", start, _INCOMPATIBLE_AT)
    if other_at or other_bytes or encryption or (version == 3 and incompatible & ~_HARMLESS):
        raise no_vm(path, "its disk builds on another file, or is encrypted")
    if size_bytes != found.description.disk_mb * _MB:
        wanted_mb = found.description.disk_mb
        raise no_vm(path, f"its disk is of {size_bytes} bytes, not {wanted_mb} MB")


def _entry(name: str, content: bytes) -> bytes:
    return _header(name, len(content)) + content + bytes(-len(content) % _BLOCK_BYTES)


def _header(name: str, length: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = length, 0o600
    return entry.tobuf(tarfile.GNU_FORMAT)  # whose sizes have no bound of 8 GB


def _demand_header(path: Path, block: bytes, name: str) -> int:
    try:
        entry = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.TarError, UnicodeError, ValueError) as error:
        raise no_vm(path, "it is no archive of a VM") from error
    if entry.name != name or not entry.isreg() or entry.size < 0:
        raise no_vm(path, f"'{name}' is not where it has to be")
    return entry.size
