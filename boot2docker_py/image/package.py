"""The image that pip brought: the package `boot2docker-image`, as a source.

It is not run, nor imported: what counts is the file in it, and that speaks for itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Iterable, NamedTuple, Sequence

from boot2docker_py.errors import DownloadError
from boot2docker_py.image import iso9660, sources, versions
from boot2docker_py.image.checksums import Checksum
from boot2docker_py.image.fetching.partial import Partial
from boot2docker_py.image.local import LocalSupply
from boot2docker_py.image.model import OnProgress, Release
from boot2docker_py.image.sources import Kind, Source
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

DISTRIBUTION = "boot2docker-image"
FILE = Path("boot2docker_image", "boot2docker.iso")
INSTALL = 'python -m pip install --upgrade "boot2docker-py[image]"'
REPAIR = f"python -m pip install --force-reinstall --no-deps {DISTRIBUTION}"
_NONE = (
    f"The package {DISTRIBUTION} is not installed, so the image is the original's last one, with "
    f"the engine of 2020, which current docker clients refuse. A current one: {INSTALL}"
)


def source(*, is_offline: bool = False) -> Source:
    """Return the newest image that is installed as a package, else the releases of the original.

    What is warned of the latter is not so for an image in place, which is all that `is_offline`
    may take.

    Raises:
        DownloadError: there is such a package, but no whole image in any.
    """
    usable, problems = _look(_paths())
    for problem in problems:
        log.warning("%s; it is passed over.", problem.brief)
    found = versions.newest(usable, lambda one: one.version)
    if found:
        return found.source
    if problems:
        raise _with_advice(problems[0])
    if not is_offline:
        log.warning(_NONE)
    return sources.parse(sources.OFFICIAL_RELEASES)


class Installed(NamedTuple):
    """An image in a package."""

    source: Source
    version: str


def installed() -> Sequence[Installed]:
    """Return the whole images that are installed, the first on Python's path first. Quick."""
    return _look(_paths())[0]


def find(version: str) -> Source | None:
    """Return the newest installed image that `version` may mean."""
    meant = (one for one in installed() if versions.is_meant(version, one.version))
    found = versions.newest(meant, lambda one: one.version)
    return found and found.source


def _paths() -> list[Path]:
    """Return where the packages say that their images are; the first on Python's path first."""
    import importlib.metadata  # heavy, and wanted only when an image is sought

    found = importlib.metadata.distributions(name=DISTRIBUTION)
    return list(dict.fromkeys(Path(str(one.locate_file(FILE))).resolve() for one in found))


def _look(paths: Iterable[Path]) -> tuple[list[Installed], list[DownloadError]]:
    usable, problems = [], []
    for path in paths:
        try:
            version = versions.from_volume_id(iso9660.read_disc(path).volume_id)
            origin = f"the package {DISTRIBUTION}"
            usable.append(Installed(Source(Kind.PACKAGE, str(path), origin), version))
        except DownloadError as error:
            problems.append(error)
        except OSError as error:
            brief = f"the installed package {DISTRIBUTION} has no image"
            problems.append(DownloadError(brief, details=str(error)))
    return usable, problems


class PackageSupply(LocalSupply):
    """The image of a package as a source.

    Where that can be, the image in place is another name for the same file: pip writes no file of
    a package anew, it takes its name away. Not on Windows, where pip could not do so while a VM
    has the file open.
    """

    def newest(self, given: Checksum | None) -> Release:
        """Return the image of the package, held to `given`, or to the checksum beside it.

        Raises:
            DownloadError: it is gone, or no image.
        """
        try:
            return super().newest(given)
        except DownloadError as error:
            raise _with_advice(error) from error

    def bring(
        self, release: Release, partial: Partial, deadline: Deadline, on_progress: OnProgress
    ) -> bool:
        """Bring the file into `partial`, without a copy where there are hard links.

        Raises:
            DownloadError: it cannot be read, or the disk is full. DeadlineError: no time is left.
        """
        partial.drop()
        if _may_be_linked(Path(release.url)):
            with contextlib.suppress(OSError):  # another file system, or one without hard links
                os.link(release.url, partial.path)
                return False
        return super().bring(release, partial, deadline, on_progress)


def _may_be_linked(path: Path) -> bool:
    # A file of another user may be changed by that user; and fsync needs one that we may write.
    return sys.platform != "win32" and os.access(path, os.W_OK)


def _with_advice(error: DownloadError) -> DownloadError:
    return DownloadError(
        error.brief, details=error.details, resolution=f"Install it again: {REPAIR}"
    )
