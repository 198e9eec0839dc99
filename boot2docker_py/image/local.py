"""An image on this disk, or on a share of the network, as a source."""

from __future__ import annotations

import logging
from pathlib import Path

from boot2docker_py.errors import DownloadError
from boot2docker_py.image import checksums, files, iso9660, versions
from boot2docker_py.image.checksums import Checksum
from boot2docker_py.image.fetching import download
from boot2docker_py.image.fetching.partial import Partial
from boot2docker_py.image.model import OnProgress, Release
from boot2docker_py.image.sources import Source
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

_MOST_TEXT_BYTES = 1024 * 1024


class LocalSupply:
    """A file as the source of an image."""

    def __init__(self, source: Source) -> None:
        self._origin = source.origin
        self._path = Path(source.location)

    def newest(self, given: Checksum | None) -> Release:
        """Return the image that the file is, held to `given`, or to the checksum beside it.

        Raises:
            DownloadError: it is not there, or no image.
        """
        files.demand_no_folder(self._path, "--iso-url")
        try:
            _demand_file(self._path)
            disc = iso9660.read_disc(self._path)
            size_bytes = self._path.stat().st_size
            checksum = given or self._find_checksum()
        except FileNotFoundError as error:
            raise DownloadError(
                f"there is no image at '{self._path}'",
                details="--iso-url names this file.",
                resolution="Check the path given with --iso-url.",
            ) from error
        except OSError as error:
            raise download.unreadable(self._path, error) from error
        except DownloadError as error:
            error.resolution = "Give another file with --iso-url, or copy this one again."
            raise
        return Release(
            url=str(self._path),
            origin=self._origin,
            version=versions.from_volume_id(disc.volume_id),
            checksum=checksum,
            size_bytes=size_bytes,
            is_local=True,
        )

    def bring(
        self, release: Release, partial: Partial, deadline: Deadline, on_progress: OnProgress
    ) -> bool:
        """Copy the file into `partial`; return False, because a copy is never pieced together.

        Raises:
            DownloadError: it cannot be read, or the disk is full. DeadlineError: no time is left.
        """
        download.copy(Path(release.url), partial, deadline, on_progress)
        return False

    def _find_checksum(self) -> Checksum | None:
        path = self._path.with_name(self._path.name + ".sha256")
        if not path.is_file():
            return None
        with path.open("rb") as file:
            text = file.read(_MOST_TEXT_BYTES).decode("utf-8", errors="replace")
        checksum = checksums.beside(text, self._path.name, str(path))
        if checksum is None:
            log.warning("No checksum for '%s' can be read in '%s'.", self._path.name, path)
        return checksum


def _demand_file(path: Path) -> None:
    """Raise OSError for a pipe and the like, which may never end."""
    if path.exists() and not path.is_file():
        raise OSError("it is not a file")
