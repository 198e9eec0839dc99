"""The data disk: a sparse qcow2 file that begins with the seed."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path

from boot2docker_py.drivers.qemu import command_line
from boot2docker_py.drivers.qemu.files import opened_private
from boot2docker_py.errors import HypervisorError, StorageError

log = logging.getLogger(__name__)

_SECTOR_BYTES = 512
_TIMEOUT_S = 120.0


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
    """Keep what is on a disk that nobody writes to."""
    _run("snapshot", "-c", tag, str(path))


def restore_snapshot(path: Path, tag: str) -> None:
    """Make a disk that nobody uses what it was.

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


def _whole_sectors(length: int) -> int:
    return -(-length // _SECTOR_BYTES) * _SECTOR_BYTES


def _run(*arguments: str) -> bytes:
    tool = command_line.find_disk_tool()
    if tool is None:
        raise HypervisorError("qemu-img is not installed", resolution=command_line.install_hint())
    log.debug("running %s %s", tool, " ".join(arguments))
    done = subprocess.run(
        [tool, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise _failure(done.stderr.decode(errors="replace").strip())
    return done.stdout


def _failure(words: str) -> StorageError | HypervisorError:
    if "No space left" in words or "Disk quota" in words:
        return StorageError(
            "no space for the data disk",
            details=words,
            resolution="Make space, or name another folder with BOOT2DOCKER_DIR.",
        )
    return HypervisorError("qemu-img cannot do its part with the data disk", details=words)
