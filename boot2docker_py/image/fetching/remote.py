"""A web server as a source of images. Imported when a network is used: it imports requests."""

from __future__ import annotations

import logging
import os
from typing import Mapping
from urllib.parse import urlsplit, urlunsplit

from boot2docker_py.errors import DownloadError, NotFoundError
from boot2docker_py.image import checksums
from boot2docker_py.image.checksums import Checksum
from boot2docker_py.image.fetching import download, releases
from boot2docker_py.image.fetching.partial import Partial
from boot2docker_py.image.fetching.web import Web, is_loopback
from boot2docker_py.image.fetching.web_errors import StatusError
from boot2docker_py.image.model import OnProgress, Release
from boot2docker_py.image.sources import Kind, Source, without_password
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

GITHUB_API = "api.github.com"
_UNAUTHORIZED, _NOT_FOUND = 401, 404


class RemoteSupply:
    """A list of releases, or the address of an image."""

    def __init__(
        self, source: Source, web: Web, *, allow_unverified: bool = False, version: str = ""
    ) -> None:
        self._source = source
        self._web = web
        self._allow_unverified = allow_unverified
        self._version = version

    def newest(self, given: Checksum | None) -> Release:
        """Return what is offered, held to `given`, or to the checksum that the source tells.

        Raises:
            DownloadError: nothing is offered, or it cannot be asked. DeadlineError: no time left.
        """
        release = Release(url=self._source.location, origin=self._source.origin)
        log.info("Looking for the image of the VM at %s...", self._source.origin)
        if self._source.kind is Kind.RELEASES:
            release = releases.pick(self._fetch_list(), self._source)
            if not self._version:
                log.info("Latest release for %s is v%s.", release.origin, release.version)
        checksum = given or release.checksum or self._find_checksum_beside(release.url)
        is_listed = release.checksum is not None and _is_private(self._source.location)
        if not (given or is_listed or _is_private(release.url)):
            self._demand_allowed(release, checksum)
        elif checksum is None and urlsplit(release.url).scheme == "http":
            log.warning("No checksum is known of '%s'.", without_password(release.url))
        return release._replace(checksum=checksum)

    def _demand_allowed(self, release: Release, checksum: Checksum | None) -> None:
        """Refuse what everybody on the way could change; what runs in the VM is root there."""
        url = without_password(release.url)
        if self._allow_unverified:
            log.warning("'%s' comes over plain http, and nothing proves what it is.", url)
            return
        words = "plain http lets everybody on the way change the image"
        if checksum is not None:
            words += f", and the checksum too: {checksum.algorithm} {checksum.hexdigest}"
        raise DownloadError(
            f"nothing proves that '{url}' is the image that it should be",
            details=words,
            resolution="Give its digest, from where you trust it: --sha256 HEX. "
            "Or take it as it comes: --allow-unverified.",
        )

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
        if self._version:
            url = releases.address_of(url, self._version)
        variable, token = find_token(url, os.environ)
        try:
            return self._web.fetch_text(url, accept="application/vnd.github+json", token=token)
        except StatusError as error:
            if error.status == _NOT_FOUND and self._version:
                raise NotFoundError(
                    f"there is no image {self._version}",
                    details=f"It is neither kept, nor installed, nor a release of "
                    f"{self._source.origin}.",
                    resolution="boot2docker images",
                ) from error
            if error.status != _UNAUTHORIZED or not token:
                raise
            raise DownloadError(
                f"{urlsplit(url).hostname} does not accept the token in {variable}",
                details=error.details,
                resolution=f"Correct {variable}, or unset it: public releases need none.",
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


def find_token(api_url: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable with the token for a releases API, and the token; empty without one.

    A token is for the host that it was made for: GitHub's, or the GitHub Enterprise server that
    GITHUB_API_URL names, as in its workflows. It never goes in the clear.
    """
    host = urlsplit(api_url).netloc.rpartition("@")[2].lower()
    own = urlsplit(environ.get("GITHUB_API_URL", "")).netloc.rpartition("@")[2].lower()
    variable = {GITHUB_API: "GITHUB_TOKEN", own: "GH_ENTERPRISE_TOKEN"}.get(host, "")
    token = environ.get(variable, "").strip()
    return (variable, token) if token and _is_private(api_url) else ("", "")


def _is_private(url: str) -> bool:
    """Tell whether what is sent can neither be read nor changed on the way."""
    return urlsplit(url).scheme == "https" or is_loopback(url)
