"""What is said about images: the request, the offer, the image itself. Data only."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, NamedTuple

from boot2docker_py.image import versions
from boot2docker_py.image.checksums import Checksum


class ImageRequest(NamedTuple):
    """Which image is wanted, and where."""

    url: str  # releases API of GitHub or GitHub Enterprise; http(s) URL; file: URL; path
    destination: Path
    sha256: str = ""  # "" when the user gave none
    cacert: Path | None = None  # trusted in addition to the operating system's certificates
    offline: bool = False
    allow_unverified: bool = False  # over plain http, without a checksum
    force: bool = False  # fetch even what is already there
    stall_s: float = 30.0  # the longest silence of a server


class Image(NamedTuple):
    """A bootable image on this disk."""

    path: Path
    version: str  # without "v"; "" when the image does not say
    volume_id: str
    sha256: str
    size_bytes: int
    source: str  # where it was fetched from; "" when not known

    @property
    def is_ours(self) -> bool:
        """Tell whether it was built by `make iso`, and understands the whole of our seed."""
        return versions.has_build_day(self.version)


class Release(NamedTuple):
    """An image that a source offers."""

    url: str  # http(s) address, or a path on this disk
    origin: str  # the name of the source for people, such as github.com/boot2docker/boot2docker
    version: str = ""  # "" when only the image itself can tell
    checksum: Checksum | None = None
    size_bytes: int | None = None
    is_listed: bool = False  # found in a list of releases, not named by the user
    is_local: bool = False


class DownloadProgress(NamedTuple):
    """How far a download has come."""

    received_bytes: int
    total_bytes: int | None
    bytes_per_second: float | None  # since this connection was made


OnProgress = Callable[[DownloadProgress], None]


def silent(_progress: DownloadProgress) -> None:
    """Report nothing."""
