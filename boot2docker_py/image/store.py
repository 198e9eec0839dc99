"""Images as files: read, verified, put in place in one step.

Beside `boot2docker.iso` may lie `.new` (staged, not yet in use) and a record for each, `.json`,
which makes reading quick. The record is believed only while it fits the size and the time of its
file. (`.bak` is the original's.)
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

from boot2docker_py import whole_file
from boot2docker_py.errors import DownloadError, NotFoundError
from boot2docker_py.image import checksums, files, iso9660, versions
from boot2docker_py.image.model import Image

log = logging.getLogger(__name__)


def staged_path(destination: Path) -> Path:
    """Return where a newer image waits to be swapped in."""
    return destination.with_name(destination.name + ".new")


def record_path(image: Path) -> Path:
    """Return where the record of an image lies."""
    return image.with_name(image.name + ".json")


def read_image(path: Path) -> Image:
    """Return the image at `path`. Quick, except the first time after another program changed it.

    Raises:
        NotFoundError: there is none.
        DownloadError: it is no whole, bootable image.
    """
    files.demand_no_folder(path, "--iso")
    try:
        disc = iso9660.read_disc(path)
        status = path.stat()
        record = _read_record(path, status)
        sha256 = record.get("sha256") or checksums.hash_file(path)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no image at '{path}'", resolution="Fetch one with: boot2docker download"
        ) from error
    except OSError as error:
        raise DownloadError(
            f"the image '{path}' cannot be read",
            details=str(error),
            resolution="Check the file, or fetch it again with: boot2docker download",
        ) from error
    image = Image(
        path=path,
        version=versions.from_volume_id(disc.volume_id),
        volume_id=disc.volume_id,
        sha256=sha256,
        size_bytes=status.st_size,
        source=record.get("source", ""),
    )
    if not record:
        _write_record(image, status)
    return image


def _read_record(path: Path, status: os.stat_result) -> dict[str, str]:
    try:
        record = json.loads(whole_file.read(record_path(path)))
        fits = (record["size_bytes"], record["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
        return {key: str(record[key]) for key in ("sha256", "source")} if fits else {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.debug("no record of '%s': %s", path, error)
        return {}


def _write_record(image: Image, status: os.stat_result) -> None:
    record = {
        "version": image.version,
        "sha256": image.sha256,
        "size_bytes": image.size_bytes,
        "source": image.source,
        "mtime_ns": status.st_mtime_ns,
    }
    try:
        content = json.dumps(record, indent=2).encode() + b"\n"
        whole_file.clear(record_path(image.path))
        whole_file.write(record_path(image.path), content)
    except OSError as error:  # it only saves time, and the folder may be read-only
        log.debug("no record of '%s' can be written: %s", image.path, error)


def note(image: Image) -> Image:
    """Write the record of an image anew, so that it has the time of now; return the image."""
    _write_record(image, image.path.stat())
    return image


def verify(path: Path, expected: checksums.Checksum | None, source: str) -> Image:
    """Return the image at `path`, fetched from `source`, after reading every byte of it.

    Raises:
        DownloadError: it is no whole, bootable image, or not the one that was published.
    """
    disc = iso9660.read_disc(path, source)
    sha256 = checksums.hash_file(path)
    if expected:
        checksums.demand(path, expected, sha256, source)
    return Image(
        path=path,
        version=versions.from_volume_id(disc.volume_id),
        volume_id=disc.volume_id,
        sha256=sha256,
        size_bytes=path.stat().st_size,
        source=source,
    )


def publish(image: Image, target: Path) -> Image:
    """Give a verified image the name `target`, in one step, and return it under that name.

    Raises:
        StorageError: another program keeps the old one open, or the folder is not writable.
    """
    with files.writing(image.path):
        whole_file.sync(image.path)
    files.replace(image.path, target)
    published = image._replace(path=target)
    _write_record(published, target.stat())
    return published


def forget(path: Path) -> None:
    """Remove an image and its record, if they are there."""
    with files.writing(path):
        path.unlink(missing_ok=True)
        record_path(path).unlink(missing_ok=True)


def duplicate(image: Image, target: Path) -> Image:
    """Let `target` be the same image, as another name of the file where there are hard links.

    Raises:
        DownloadError: the disk is full. StorageError: the folder is not writable.
    """
    temporary = target.with_name(target.name + ".part")
    with files.writing(temporary, image.size_bytes):
        temporary.unlink(missing_ok=True)
        try:
            os.link(image.path, temporary)
        except OSError as error:
            log.debug("no hard links here, copying instead: %s", error)
            files.demand_space(temporary, image.size_bytes)
            try:
                shutil.copyfile(image.path, temporary)
                whole_file.sync(temporary)
            except OSError:
                temporary.unlink(missing_ok=True)  # a full disk hurts every other program too
                raise
    files.replace(temporary, target)
    # Where both are names of one file already, replacing does nothing (rename(2)).
    temporary.unlink(missing_ok=True)
    duplicated = image._replace(path=target)
    _write_record(duplicated, target.stat())
    return duplicated
