"""The data disk: a sparse qcow2 file that begins with the seed."""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple, Sequence

from boot2docker_py.drivers.base import ShowBytes, show_no_bytes
from boot2docker_py.drivers.new_seed import (
    NEW_SEED_AT_BYTES,
    NEW_SEED_LIMIT_BYTES,
    may_be_laid,
    no_room_for_seed,
)
from boot2docker_py.drivers.qemu import command_line
from boot2docker_py.drivers.qemu.files import opened_private
from boot2docker_py.errors import HypervisorError, StorageError, UsageError
from boot2docker_py.host import bound_program
from boot2docker_py.wait import PAUSE_S, Deadline

log = logging.getLogger(__name__)

_SECTOR_BYTES = 512
_LONGEST_NAME_BYTES = 1023  # of what a qcow2 file builds on
_MB = 1 << 20
_TIMEOUT_S = 120.0
_LOOK_EVERY_S = 0.2
# What a killed command had begun ends by itself, and holds the disk until then.
_HELD = "Failed to get"
_HELD_S = 10.0


def make(path: Path, seed: bytes, seed_file: Path, disk_mb: int) -> None:
    """Make a disk of `disk_mb` MB that begins with `seed`; writes only what the seed needs.

    `seed_file` is a name that it may use meanwhile.

    Raises:
        StorageError: no space, no right to write.
        HypervisorError: QEMU's tool is not there, or fails in another way.
    """
    with opened_private(seed_file) as file_descriptor:
        os.write(file_descriptor, seed.ljust(_whole_sectors(len(seed)), b"\0"))
    with opened_private(path):
        pass  # private from the beginning, as the tool keeps the mode of a file that is there
    _run("convert", "-f", "raw", "-O", "qcow2", str(seed_file), str(path))
    _run("resize", "-q", "-f", "qcow2", str(path), f"{disk_mb}M")
    seed_file.unlink()
    with opened_private(path, os.O_RDWR) as file_descriptor:
        os.fsync(file_descriptor)


def take_snapshot(path: Path, tag: str) -> None:
    """Keep what is on a disk that is not written to."""
    _run("snapshot", "-c", tag, str(path))


def restore_snapshot(path: Path, tag: str) -> None:
    """Make a disk that is not in use what it was.

    Raises:
        HypervisorError: the disk has no such snapshot.
    """
    _run("snapshot", "-a", tag, str(path))


def delete_snapshot(path: Path, tag: str) -> None:
    """Let go of what a disk was; does nothing when it has no such snapshot."""
    if tag in snapshots(path):
        _run("snapshot", "-d", tag, str(path))


def snapshots(path: Path) -> frozenset[str]:
    """Return the tags of the snapshots in a disk, whoever made them."""
    import json

    described = json.loads(_run("info", "--force-share", "--output=json", str(path)))
    return frozenset(str(one["name"]) for one in described.get("snapshots", ()))


def resize(path: Path, disk_mb: int) -> None:
    """Make a disk that is not in use larger; what its snapshots hold stays as it is.

    Raises:
        HypervisorError: QEMU is too old for one with snapshots (before 5.1).
    """
    _run("resize", "-q", "-f", "qcow2", str(path), f"{disk_mb}M")


def size_mb(path: Path) -> int:
    """Return the size of the disk that the guest sees."""
    import json

    described = json.loads(_run("info", "--force-share", "--output=json", str(path)))
    return -(-int(described["virtual-size"]) // _MB)


class Bounds(NamedTuple):
    """What the copy of a disk may take, and where it shows how far it is."""

    expected_bytes: int
    show: ShowBytes = show_no_bytes
    most_bytes: int = 1 << 62


def copy(source: Path, target: Path, bounds: Bounds, tag: str = "") -> None:
    """Copy a disk as it is, or as it was at a snapshot; of a snapshot also while it is in use.

    Raises:
        StorageError: no space.
        UsageError: it holds more than `bounds` allow.
    """
    of_snapshot = ["--force-share", "-l", f"snapshot.name={tag}"] if tag else []
    _convert(["-f", "qcow2", *of_snapshot, str(source)], target, bounds)


def copy_from_within(archive: Path, offset: int, length: int, target: Path, bounds: Bounds) -> None:
    """Copy a disk that lies within another file."""
    import json

    file = {"driver": "file", "filename": str(archive)}
    inner = {"driver": "raw", "offset": offset, "size": length, "file": file}
    source = "json:" + json.dumps({"driver": "qcow2", "file": inner})
    _convert([source], target, bounds)


def _convert(source: Sequence[str], target: Path, bounds: Bounds) -> None:
    target.unlink(missing_ok=True)
    with opened_private(target):
        pass  # private from the beginning, as the tool keeps the mode of a file that is there
    _run_and_show(
        [_tool("qemu-img"), "convert", "-O", "qcow2", *source, str(target)], target, bounds
    )
    with opened_private(target, os.O_RDWR) as file_descriptor:
        os.fsync(file_descriptor)


def overlay(path: Path, base: str) -> None:
    """Make a disk that holds only what differs from `base`, a name relative to its folder."""
    with opened_private(path):
        pass
    _run("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, str(path))
    with opened_private(path, os.O_RDWR) as file_descriptor:
        os.fsync(file_descriptor)


def base_of(path: Path) -> str:
    """Return the name of what a disk builds on, empty when it builds on nothing.

    It is read without QEMU's tools: docs/interop/qcow2.txt of QEMU.
    """
    header = struct.Struct(">4sIQI")  # magic, version, where the name is, its length
    with path.open("rb") as file:
        start = file.read(header.size)
        if len(start) < header.size or not start.startswith(b"QFI\xfb"):
            return ""
        _magic, _version, name_at, length = header.unpack(start)
        if length > _LONGEST_NAME_BYTES or not 0 < name_at < path.stat().st_size:
            return ""
        file.seek(name_at)
        return os.fsdecode(file.read(length))


def lay(path: Path, new_seed: bytes, seed_file: Path) -> None:
    """Lay a new seed into a disk that is not in use, if it has room there; see `Driver.reseed`.

    `seed_file` is a name beside the disk that it may use meanwhile.

    Raises:
        WrongStateError: something else is there.
    """
    if not new_seed:
        return
    assert len(new_seed) <= NEW_SEED_LIMIT_BYTES, len(new_seed)
    if not may_be_laid(new_seed, _start(path, seed_file)[NEW_SEED_AT_BYTES:]):
        seed_file.unlink()
        raise no_room_for_seed(path.parent.name)
    with opened_private(seed_file) as file_descriptor:
        os.write(file_descriptor, new_seed.ljust(NEW_SEED_LIMIT_BYTES, b"\0"))
    # By names without a folder: its commands are cut at spaces.
    write = f"write -s {seed_file.name} {NEW_SEED_AT_BYTES} {NEW_SEED_LIMIT_BYTES}"
    _run("-f", "qcow2", "-c", write, "-c", "flush", path.name, tool="qemu-io", folder=path.parent)
    seed_file.unlink()


def _start(path: Path, scratch: Path) -> bytes:
    """Return the first bytes of a disk, as far as a new seed reaches."""
    with opened_private(scratch):
        pass
    length = NEW_SEED_AT_BYTES + NEW_SEED_LIMIT_BYTES
    options = [f"if={path}", f"of={scratch}", f"bs={length}", "count=1"]
    _run("dd", "-f", "qcow2", "-O", "raw", *options)
    return scratch.read_bytes()


def _whole_sectors(length: int) -> int:
    return -(-length // _SECTOR_BYTES) * _SECTOR_BYTES


def _run(*arguments: str, tool: str = "qemu-img", folder: Path | None = None) -> bytes:
    command = [_tool(tool), *arguments]
    log.debug("running %s", " ".join(command))
    patience = Deadline(_HELD_S)
    while True:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
                cwd=folder,
            )
        except subprocess.TimeoutExpired as error:
            raise HypervisorError(f"{tool} has not ended within {_TIMEOUT_S:g} s") from error
        if not done.returncode:
            return done.stdout
        words = done.stderr.decode(errors="replace").strip()
        if _HELD not in words or patience.has_passed():
            raise _failure(words)
        patience.clock.sleep(PAUSE_S)


def _tool(name: str) -> str:
    found = command_line.find_tool(name)
    if found is None:
        raise HypervisorError(f"{name} is not installed", resolution=command_line.install_hint())
    return found


def _run_and_show(command: Sequence[str], target: Path, bounds: Bounds) -> None:
    """Run what fills the file `target`, as long as that grows, and not beyond its bound."""
    log.debug("running %s", " ".join(command))
    with bound_program.started(command) as process:  # whose end ends the program
        _watch(process, target, bounds)
        words = process.stderr.read() if process.stderr else b""
    if process.returncode:
        raise _failure(words.decode(errors="replace").strip())


def _watch(process: subprocess.Popen[bytes], target: Path, bounds: Bounds) -> None:
    grown_bytes, patience = -1, Deadline(_TIMEOUT_S)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_EVERY_S)
        written_bytes = 0
        with contextlib.suppress(FileNotFoundError):  # qemu-img takes away what it cannot make
            written_bytes = target.stat().st_size
        bounds.show(min(written_bytes, bounds.expected_bytes), bounds.expected_bytes)
        if written_bytes > bounds.most_bytes:
            raise UsageError(
                "the disk holds more than its file says",
                details=f"more than {bounds.most_bytes} bytes",
            )
        if process.returncode is not None:
            return
        if written_bytes > grown_bytes:
            grown_bytes, patience = written_bytes, Deadline(_TIMEOUT_S)
        if patience.has_passed():
            raise HypervisorError(f"qemu-img has written nothing for {_TIMEOUT_S:g} s")


def _failure(words: str) -> StorageError | HypervisorError:
    if "No space left" in words or "Disk quota" in words:
        return StorageError(
            "no space for the data disk",
            details=words,
            resolution="Make space, or name another folder with BOOT2DOCKER_DIR.",
        )
    return HypervisorError("qemu-img cannot do its part with the data disk", details=words)
