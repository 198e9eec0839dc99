"""What a disk says when it cannot hold an image, and the exchange of an image in one step."""

from __future__ import annotations

import contextlib
import errno
import shutil
import time
from pathlib import Path
from typing import Iterator

from boot2docker_py import whole_file
from boot2docker_py.errors import Boot2DockerError, DownloadError, StorageError
from boot2docker_py.wait import Clock

_DISK_FULL_WINDOWS = (39, 112)  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL (winerror.h)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFullError(DownloadError):
    """The disk, or the user's share of it, cannot hold the image."""


def demand_no_folder(path: Path, flag: str) -> None:
    """Raise DownloadError for a folder in the place of the image that `flag` names."""
    is_folder = False
    with contextlib.suppress(OSError):  # whoever reads it says that better
        is_folder = path.is_dir()
    if is_folder:
        raise DownloadError(
            f"'{path}' is a folder, and has to be the file of an image",
            resolution=f"Name a file, as {flag} '{path / 'boot2docker.iso'}'",
        )


def replace(source: Path, target: Path, clock: Clock = time) -> None:
    """Give `source` the name `target`, whatever has it now.

    Raises:
        StorageError: another program keeps `target` open (Windows), or the folder is not writable.
    """
    try:
        whole_file.replace(source, target, clock)
    except OSError as error:
        raise StorageError(
            f"cannot replace '{target}'",
            details=str(error),
            resolution="Stop the VMs that use it (boot2docker down), and run the command again.",
        ) from error


@contextlib.contextmanager
def writing(path: Path, missing_bytes: int | None = None) -> Iterator[None]:
    """Translate what the disk says while `path` is written; `missing_bytes` are still to come."""
    try:
        yield
    except OSError as error:
        raise _disk_error(path, missing_bytes, error) from error


def demand_space(path: Path, missing_bytes: int) -> None:
    """Check that the disk has room, before anything is written.

    Raises:
        DiskFullError: it has not.
    """
    if shutil.disk_usage(path.parent).free < missing_bytes:
        raise _disk_full(path, missing_bytes)


def is_disk_full(error: OSError) -> bool:
    """Tell whether an error means that the disk, or the user's share of it, is full."""
    return error.errno in _DISK_FULL or getattr(error, "winerror", None) in _DISK_FULL_WINDOWS


def _disk_error(path: Path, missing_bytes: int | None, error: OSError) -> Boot2DockerError:
    if is_disk_full(error):
        return _disk_full(path, missing_bytes, str(error))
    return StorageError(
        f"cannot write '{path}'",
        details=str(error),
        resolution="Make the folder writable, or name another with BOOT2DOCKER_DIR.",
    )


def _disk_full(path: Path, missing_bytes: int | None, cause: str = "") -> DiskFullError:
    free = f"{_in_mb(shutil.disk_usage(path.parent).free)} free in '{path.parent}'"
    needed = f"{_in_mb(missing_bytes)} more needed, " if missing_bytes is not None else ""
    return DiskFullError(
        "the disk is too full for the image",
        details=f"{needed}{free}" + (f": {cause}" if cause else ""),
        resolution="Free some space, or name a folder on another disk with BOOT2DOCKER_DIR.",
    )


def _in_mb(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.1f} MB"
