"""A web server as a source of images. Imported when a network is used: it imports requests."""

from __future__ import annotations

import dataclasses
import logging
import os
from urllib.parse import urlsplit, urlunsplit

from boot2docker_py.errors import DownloadError
from boot2docker_py.image import checksums, download, releases
from boot2docker_py.image.checksums import Checksum
from boot2docker_py.image.model import OnProgress, Release
from boot2docker_py.image.partial import Partial
from boot2docker_py.image.sources import Kind, Source, without_password
from boot2docker_py.image.web import Web, is_loopback
from boot2docker_py.image.web_errors import StatusError
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

_UNAUTHORIZED = 401


class RemoteSupply:
    """A list of releases, or the address of an image."""

    def __init__(self, source: Source, web: Web) -> None:
        self._source = source
        self._web = web

    def newest(self, given: Checksum | None) -> Release:
        """Return what is offered, held to `given`, or to the checksum that the source tells.

        Raises:
            DownloadError: nothing is offered, or it cannot be asked. DeadlineError: no time left.
        """
        release = Release(url=self._source.location, origin=self._source.origin)
        if self._source.kind is Kind.RELEASES:
            release = releases.pick(self._fetch_list(), self._source)
            log.info("Latest release for %s is v%s.", release.origin, release.version)
        checksum = given or release.checksum or self._find_checksum_beside(release.url)
        return dataclasses.replace(release, checksum=checksum)

    def bring(
        self, release: Release, partial: Partial, deadline: Deadline, on_progress: OnProgress
    ) -> bool:
        """Download into `partial`; return whether it was put together from pieces.

        Raises:
            DownloadError, DeadlineError: as `download`.
        """
        log.info("Fetching '%s'...", without_password(release.url))
        return download.download(self._web, release.url, partial, deadline, on_progress)

    def _fetch_list(self) -> str:
        url = self._source.location
        token = find_token(url)
        try:
            return self._web.fetch_text(url, accept="application/vnd.github+json", token=token)
        except StatusError as error:
            if error.status != _UNAUTHORIZED or not token:
                raise
            raise DownloadError(
                f"{urlsplit(url).hostname} does not accept the token in GITHUB_TOKEN",
                details=error.details,
                resolution="Correct GITHUB_TOKEN, or unset it: public releases need none.",
            ) from error

    def _find_checksum_beside(self, image_url: str) -> Checksum | None:
        parts = urlsplit(image_url)
        url = urlunsplit(parts._replace(path=parts.path + ".sha256"))
        try:
            text = self._web.fetch_text(url)
        except StatusError as error:  # a refusal means that there is none
            log.debug("no checksum beside the image: %s", error.brief)
            return None
        name = parts.path.rpartition("/")[2]
        checksum = checksums.beside(text, name, without_password(url))
        if checksum is None:
            log.warning("No checksum for '%s' can be read in '%s'.", name, without_password(url))
        return checksum


def find_token(api_url: str) -> str:
    """Return the token for a releases API, "" when there is none; it never goes in the clear."""
    is_private = urlsplit(api_url).scheme == "https" or is_loopback(api_url)
    return os.environ.get("GITHUB_TOKEN", "").strip() if is_private else ""
