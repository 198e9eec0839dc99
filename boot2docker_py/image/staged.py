"""A newer image beside the one in place: swapped in, and swapped back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from boot2docker_py.errors import NotFoundError
from boot2docker_py.image import store
from boot2docker_py.image.kept import Kept
from boot2docker_py.image.model import Image


class StagedImage(NamedTuple):
    """A verified image beside the present one, which is kept."""

    before: Image | None  # None when there was none, or none that could boot
    after: Image
    destination: Path

    def swap_in(self) -> Image:
        """Put it in place; the one before is kept.

        Raises:
            DownloadError: the disk is full. StorageError: another program keeps the image open.
        """
        if self.before:
            Kept(self.destination).keep(self.before)
        image = store.publish(self.after, self.destination)
        store.forget(self.after.path)
        return image

    def discard(self) -> None:
        """Remove what was staged: it is wanted no more, or elsewhere."""
        store.forget(self.after.path)

    def roll_back(self) -> Image:
        """Put back the image before, and return it.

        Raises:
            NotFoundError: there was none.
            StorageError: another program keeps the present one open.
        """
        if self.before is None:
            raise NotFoundError("there was no image before this one")
        kept = Kept(self.destination).copy_of(self.before)
        staged = store.duplicate(kept, store.staged_path(self.destination))
        image = store.publish(staged, self.destination)
        store.forget(staged.path)
        return image
