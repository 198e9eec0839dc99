"""Images that are kept to go back to: a folder beside the image in place, a file for each.

A file there is never written again: a VM that is pinned boots it where it lies. The time of an
image's record says when it was kept.
"""

from __future__ import annotations

import contextlib
import logging
import re
from pathlib import Path
from typing import Sequence

from boot2docker_py.errors import DownloadError, NotFoundError
from boot2docker_py.image import files, store, versions
from boot2docker_py.image.model import Image

log = logging.getLogger(__name__)

_DIGEST_LETTERS = 12


def folder_of(destination: Path) -> Path:
    """Return where images lie that are kept for the one in place."""
    return destination.with_name(destination.name + ".kept")


class Kept:
    """The images that are kept beside one place."""

    def __init__(self, destination: Path) -> None:
        self._folder = folder_of(destination)

    def all(self) -> Sequence[Image]:
        """Return the whole images, the one that was kept last first."""
        found = []
        for path in sorted(self._folder.glob("*.iso")):
            try:
                found.append(store.read_image(path))
            except (DownloadError, NotFoundError) as error:
                log.warning("%s; it is passed over.", error.brief)
        return sorted(found, key=lambda image: (-_kept_at_ns(image), image.path))

    def find(self, version: str) -> Image | None:
        """Return the newest image that `version` may mean, the last kept of several alike."""
        return versions.newest(
            (image for image in self.all() if versions.is_meant(version, image.version)),
            lambda image: image.version,
        )

    def keep(self, image: Image) -> Image:
        """Keep an image, and return it as it is kept; one that is kept already is the last then.

        Raises:
            DownloadError: the disk is full. StorageError: the folder is not writable.
        """
        with files.writing(self._folder):
            self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        try:
            return store.note(self.copy_of(image))
        except (DownloadError, NotFoundError):
            return store.duplicate(image, self._path(image))

    def copy_of(self, image: Image) -> Image:
        """Return an image as it is kept.

        Raises:
            NotFoundError: it is not. DownloadError: it is not whole any more.
        """
        kept = store.read_image(self._path(image))
        if kept.sha256 != image.sha256:
            raise DownloadError(f"the image '{kept.path}' has been changed")
        return kept

    def _path(self, image: Image) -> Path:
        name = re.sub(r"[^\w.+-]", "_", image.version or "unknown", flags=re.ASCII)
        return self._folder / f"{name}-{image.sha256[:_DIGEST_LETTERS]}.iso"

    def remove(self, image: Image) -> None:
        """Remove one.

        Raises:
            StorageError: a program has it open (Windows), or the folder is not writable.
        """
        store.forget(image.path)

    def clear(self) -> None:
        """Remove what killed commands have left, and the folder when it is empty."""
        if not self._folder.is_dir():
            return
        with files.writing(self._folder):
            for left in (*self._folder.glob("*.part"), *self._folder.glob("*.json")):
                if left.suffix == ".part" or not left.with_suffix("").exists():
                    left.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something is kept
            self._folder.rmdir()


def _kept_at_ns(image: Image) -> int:
    try:
        return store.record_path(image.path).stat().st_mtime_ns
    except OSError:
        return 0
