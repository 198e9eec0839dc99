"""Machines as single files: written as OVA by VirtualBox's API, read by ourselves.

Importing them by the API would take over what a file says of serial ports, folders and networks of
this machine. So of an OVA (a tar archive; DMTF DSP0243) only the disk, the memory size and the
number of CPUs are taken, no name in it is used, and each number has a bound.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import struct
import tarfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Iterator, NamedTuple

from boot2docker_py.drivers import copying, host
from boot2docker_py.drivers.base import ShowBytes
from boot2docker_py.drivers.copying import no_vm
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import progress, snapshots
from boot2docker_py.errors import StorageError
from boot2docker_py.untrusted import number

if TYPE_CHECKING:
    from virtualbox.library import IMachine

FORMAT = "ovf-2.0"  # its checksums are of SHA-256
MB = 1 << 20
MOST_TEXT_BYTES = 1 << 20  # of the description and of the list of checksums; ours have 7 KB
MOST_MEMBERS = 16
MOST_HEADER_BYTES = 1 << 18  # of all together; ours have 2 KB
MOST_NUMBER = 1 << 31
CHUNK_BYTES = 1 << 20
# SparseExtentHeader of VMware's "Virtual Disk Format 5.0": its magic, and capacity in sectors.
VMDK_HEADER = struct.Struct("<4sIIQ")
VMDK_MAGIC = b"KDMV"
SECTOR_BYTES = 512
# rasd:ResourceType of CIM_ResourceAllocationSettingData
CPUS, MEMORY = "3", "4"
_ITEM = re.compile(r"<Item>(.*?)</Item>", re.DOTALL)
_FIELD = r"<rasd:%s>\s*([^<]*?)\s*</rasd:%s>"
_SUM = re.compile(r"SHA256 ?\(([^)\n]{1,300})\) ?= ?([0-9a-fA-F]{64})")


def export(api: API, machine: IMachine, file: Path, show: ShowBytes) -> None:
    """Write a machine that is off into one new file, whole or not at all."""
    copying.demand_new_file(file)
    in_all = sum(disk.size for disk in snapshots.chain_of(machine)) or 1
    new = copying.work_files(file).appliance
    new.unlink(missing_ok=True)
    try:
        package = api.virtualbox.create_appliance()
        options = api.library.ExportOptions
        with failures.translated():
            machine.export_to(package, str(new))
            writing = package.write(
                FORMAT, [options.create_manifest, options.strip_all_ma_cs], str(new)
            )
            progress.follow(writing, lambda percent: show(in_all * percent // 100, in_all))
        new.chmod(0o600)  # it has the keys of the engine
        _sync(new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    with file.open("r+b") as written:
        os.fsync(written.fileno())


class Found(NamedTuple):
    """What a file holds of a machine."""

    memory_mb: int
    cpus: int
    disk_mb: int
    disk: str  # the member of the archive
    disk_bytes: int
    sha256: str  # of the disk; empty when the file does not say


def read(file: Path) -> Found:
    """Return what is in a file that `export` has written.

    Raises:
        UsageError: it is something else, or damaged.
    """
    copying.demand_file(file)
    with _opened(file) as (archive, members):
        description = _text(file, archive, _only(file, members, ".ovf"))
        disk = _only(file, members, ".vmdk")
        capacity_bytes = _capacity(file, archive, disk)
        sums = [one for one in members if one.name.endswith(".mf")]
        listed = dict(_SUM.findall(_text(file, archive, sums[0]))) if sums else {}
        for member in members:
            if member.name.endswith(".ovf") and member.name in listed:
                _demand_sum(file, description.encode("utf-8", "surrogateescape"), listed, member)
    return Found(
        memory_mb=_quantity(file, description, MEMORY),
        cpus=_quantity(file, description, CPUS),
        disk_mb=-(-capacity_bytes // MB),
        disk=disk.name,
        disk_bytes=disk.size,
        sha256=listed.get(disk.name, "").lower(),
    )


def unpack(file: Path, found: Found, target: Path, show: ShowBytes) -> None:
    """Write the disk in a file into one of its own, and hold it to its checksum.

    Raises:
        UsageError: it is damaged.
    """
    digest, so_far = hashlib.sha256(), 0
    with _opened(file) as (archive, members), target.open("xb") as new:
        source = _content(file, archive, _only(file, members, ".vmdk"))
        for chunk in iter(lambda: source.read(CHUNK_BYTES), b""):
            digest.update(chunk)
            new.write(chunk)
            so_far += len(chunk)
            show(so_far, found.disk_bytes)
    if so_far != found.disk_bytes or found.sha256 not in ("", digest.hexdigest()):
        raise no_vm(file, "its disk is not what its checksum says")


def demand_space(folder: Path) -> None:
    """Raise StorageError when what a disk holds is about to fill this machine's."""
    if host.free_mb(folder) < host.FREE_SPACE_MB // 4:
        raise StorageError(
            f"there is no space in '{folder}' for what the file holds",
            resolution="Make space, or move VirtualBox's machine folder.",
        )


class _WithShortHeaders(io.FileIO):
    """A file of which little is read until its members are known.

    Python's `tarfile` takes headers of any size and number into memory, and follows headers that
    follow headers by recursion.
    """

    left_bytes: int | None = MOST_HEADER_BYTES  # None: what members hold has bounds of its own

    def read(self, size: int | None = -1, /) -> bytes:
        if self.left_bytes is not None:
            if size is None or not 0 <= size <= self.left_bytes:
                raise tarfile.ReadError(f"its headers have more than {MOST_HEADER_BYTES} bytes")
            self.left_bytes -= size
        return super().read(size)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[tarfile.TarFile, list[tarfile.TarInfo]]]:
    """Yield an archive and the files in it."""
    try:
        with _WithShortHeaders(file) as source, tarfile.open(fileobj=source, mode="r:") as archive:
            members = _members(file, archive)
            source.left_bytes = None
            yield archive, members
    except (tarfile.TarError, EOFError, ValueError, RecursionError) as error:
        raise no_vm(file, str(error)) from error


def _members(file: Path, archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    found: list[tarfile.TarInfo] = []
    while len(found) <= MOST_MEMBERS:
        try:
            member = archive.next()
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return found  # nothing is in it, and Python 3.8 looks before its beginning
        if member is None:
            _demand_end(file, archive)
            return found
        if member.isreg():
            found.append(member)
    raise no_vm(file, f"it holds more than {MOST_MEMBERS} files")


def _demand_end(file: Path, archive: tarfile.TarFile) -> None:
    """Demand an archive that ends with a whole block; VirtualBox writes none that marks its end."""
    with file.open("rb") as content:
        content.seek(archive.offset)
        if 0 < len(content.read(tarfile.BLOCKSIZE)) < tarfile.BLOCKSIZE:
            raise no_vm(file, "it ends too early")


def _only(file: Path, members: list[tarfile.TarInfo], suffix: str) -> tarfile.TarInfo:
    found = [one for one in members if one.name.endswith(suffix)]
    if len(found) != 1:
        raise no_vm(file, f"it holds {len(found)} files *{suffix}, not one")
    return found[0]


def _content(file: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    if content is None:
        raise no_vm(file, "what it holds are no files")
    return content


def _text(file: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    if member.size > MOST_TEXT_BYTES:
        raise no_vm(file, f"its description has {member.size} bytes")
    return _content(file, archive, member).read(MOST_TEXT_BYTES).decode("utf-8", "surrogateescape")


def _demand_sum(file: Path, data: bytes, listed: dict[str, str], member: tarfile.TarInfo) -> None:
    if hashlib.sha256(data).hexdigest() != listed[member.name].lower():
        raise no_vm(file, "its description is not what its checksum says")


def _capacity(file: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> int:
    """Return the size of a disk that is one file by itself; a VMDK of text names other files."""
    header = _content(file, archive, member).read(VMDK_HEADER.size)
    if len(header) < VMDK_HEADER.size or not header.startswith(VMDK_MAGIC):
        raise no_vm(file, "its disk is no VMDK in one piece")
    capacity_bytes = int(VMDK_HEADER.unpack(header)[3]) * SECTOR_BYTES
    if not 0 < capacity_bytes <= host.LARGEST_DISK_MB * MB:
        raise no_vm(file, f"its disk has {capacity_bytes} bytes")
    return capacity_bytes


def _quantity(file: Path, description: str, kind: str) -> int:
    """Return the memory size in MB, or the number of CPUs; VirtualBox writes both so."""
    for item in _ITEM.findall(description):
        if _field(item, "ResourceType") == kind:
            found = number(_field(item, "VirtualQuantity"), 1, MOST_NUMBER)
            if found is not None:
                return found
    raise no_vm(file, "it does not say how much memory and how many CPUs the VM has")


def _field(item: str, name: str) -> str:
    found = re.search(_FIELD % (name, name), item)
    return found[1] if found else ""
