"""From a request to an image in place: which one, is it needed, fetch, verify, publish."""

from __future__ import annotations

import contextlib
import functools
import logging
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Protocol

from boot2docker_py import lock
from boot2docker_py.errors import Boot2DockerError, BusyError, DownloadError, NotFoundError
from boot2docker_py.image import checksums, files, offered, package, sources, store, versions
from boot2docker_py.image.checksums import Checksum
from boot2docker_py.image.fetching.partial import Partial
from boot2docker_py.image.iso9660 import read_disc
from boot2docker_py.image.kept import Kept
from boot2docker_py.image.local import LocalSupply
from boot2docker_py.image.model import Image, ImageRequest, OnProgress, Release, silent
from boot2docker_py.image.sources import Kind
from boot2docker_py.image.staged import StagedImage
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

_ON_THIS_DISK = {Kind.FILE: LocalSupply, Kind.PACKAGE: package.PackageSupply}

# Called before an image is fetched that is to take the place of the present one; may raise.
Permit = Callable[[], None]


def _always() -> None:
    pass


class Offer(NamedTuple):
    """The image in place, and what the source offers."""

    present: Image | None
    release: Release
    is_newer: bool | None  # None: only fetching it would say


class Supply(Protocol):
    """Where images come from; `local` and `remote` have one each."""

    def newest(self, given: Checksum | None) -> Release:
        """Return what is offered, held to `given`, or to the checksum that the source tells."""

    def bring(
        self, release: Release, partial: Partial, deadline: Deadline, on_progress: OnProgress
    ) -> bool:
        """Bring the bytes into `partial`; return whether they were put together from pieces."""


class Images:
    """The image of one request: the one in place, and the one its source offers."""

    def __init__(self, request: ImageRequest, on_progress: OnProgress = silent) -> None:
        self._request = request
        self._destination = request.destination
        self._on_progress = on_progress
        self.kept = Kept(request.destination)

    def ensure(self, deadline: Deadline) -> Image:
        """Return the image in place; fetch it when there is none, or not the one of `--sha256`.

        Raises:
            DownloadError: what is there is no image, or none can be had. DeadlineError, BusyError.
        """
        try:
            present = store.read_image(self._destination)
        except NotFoundError:
            return self.fetch(deadline)
        return present if _is(present, self._given()) else self.fetch(deadline)

    @staticmethod
    def is_ours_at(path: Path) -> bool:
        """Tell whether the image at the path was built by `make iso`; False without one."""
        try:
            return versions.has_build_day(versions.from_volume_id(read_disc(path).volume_id))
        except (OSError, DownloadError) as error:
            log.debug("no image to ask: %s", error)
            return False

    def fetch(self, deadline: Deadline) -> Image:
        """Put what the source offers in place, unless it is known to be there already.

        Raises:
            DownloadError: it cannot be had, or is not what it should be; an image that was there
                is untouched, and a new run goes on where this one stopped.
            DeadlineError: the time is over. BusyError: another run fetches into the same place.
        """
        if self._request.offline and self._source.kind not in _ON_THIS_DISK:
            return self._read_offline()
        with self._alone(deadline), self._open_supply(deadline) as supply:
            release = self._ask(supply)
            if self._is_source_itself(release):
                return self._verify_in_place(release)
            present = None if self._request.force else self._read_usable()
            if present and release.checksum and _is(present, release.checksum):
                log.info("The image that is offered is in place already.")
                return present
            return self._obtain(supply, release, self._destination, deadline)

    def offer(self, deadline: Deadline) -> Offer:
        """Return what the source offers, and whether it is newer; nothing is fetched.

        Raises:
            DownloadError: it offers nothing, or cannot be asked. DeadlineError: the time is over.
        """
        with self._open_supply(deadline) as supply:
            present, release = self._read_usable(), _with_checksum(self._ask(supply))
            if self._is_source_itself(release) or not self._wants(present, release):
                return Offer(present, release, is_newer=False)
            return Offer(present, release, self._is_surely_newer(present, release) or None)

    def newest_known(self) -> offered.Offered | None:
        """Return the newest image that is known of without asking a network."""
        if sources.parse(self._request.url).kind is Kind.AUTO:
            found = versions.newest(package.installed(), lambda one: one.version)
            if found:
                return offered.Offered(found.version, found.source.origin)
        return offered.recall(self._destination, self._request.url)

    # -- for an exchange: another image beside the one in place

    def stage(self, deadline: Deadline, permit: Permit = _always) -> StagedImage | None:
        """Put a newer, verified image beside the one in place; None when there is none.

        Raises:
            DownloadError, DeadlineError, BusyError: as `fetch`; nothing has changed.
        """
        with self._alone(deadline), self._open_supply(deadline) as supply:
            present, release = self._read_usable(), self._ask(supply)
            if self._is_source_itself(release) or not self._wants(present, release):
                store.forget(self._staged_path)
                return None
            if self._is_surely_newer(present, release):
                permit()
            staged = StagedImage(
                present,
                self._obtain(supply, release, self._staged_path, deadline),
                self._destination,
            )
            if not self._wants(present, _as_obtained(release, staged.after)):
                staged.discard()
                return None
            _permitted(staged, permit)
            return staged

    def stage_version(
        self, version: str, deadline: Deadline, permit: Permit = _always
    ) -> StagedImage | None:
        """Put the image of a version beside the one in place; None when that one is it.

        Those that are kept are looked at first, then those that are installed, then the source.

        Raises:
            NotFoundError: there is none. Others as `stage`.
        """
        with self._alone(deadline):
            present = self._read_usable()
            if present and versions.is_meant(version, present.version):
                return None
            found = self.kept.find(version)
            if found:
                permit()
                return self._stage_kept(present, found)
            source = package.find(version)
            with self._open_supply(deadline, source, version) as supply:
                release = supply.newest(self._given())
                if release.version:
                    self._demand_meant(version, release.version)
                permit()
                staged = self._obtain(supply, release, self._staged_path, deadline)
                try:
                    self._demand_meant(version, staged.version or release.version)
                except NotFoundError:
                    store.forget(self._staged_path)
                    raise
                return StagedImage(present, staged, self._destination)

    def stage_before(self, deadline: Deadline, permit: Permit = _always) -> StagedImage:
        """Put the image that was in place before beside the one that is.

        Raises:
            NotFoundError: none is kept.
        """
        with self._alone(deadline):
            present = self._read_usable()
            others = [one for one in self.kept.all() if not present or one.sha256 != present.sha256]
            if not others:
                raise NotFoundError(
                    "no image is kept to go back to",
                    details="`upgrade` keeps the image that it replaces.",
                    resolution="See what there is: boot2docker images",
                )
            permit()
            return self._stage_kept(present, others[0])

    @contextlib.contextmanager
    def kept_alone(self, deadline: Deadline) -> Iterator[Kept]:
        """Yield what is kept to a `with` block; no other fetches, keeps or prunes meanwhile."""
        with self._alone(deadline):
            yield self.kept

    def _stage_kept(self, present: Image | None, kept: Image) -> StagedImage:
        staged = store.duplicate(kept, self._staged_path)
        return StagedImage(present, staged, self._destination)

    def _demand_meant(self, wanted: str, version: str) -> None:
        if versions.is_meant(wanted, version):
            return
        known = {one.version for one in self.kept.all()}
        known |= {one.version for one in package.installed()}
        raise NotFoundError(
            f"there is no image {wanted}",
            details=f"Kept or installed: {', '.join(sorted(known)) or 'none'}. "
            f"The source has: {version or 'one that does not tell its version'}.",
            resolution="boot2docker images",
        )

    # -- what there is

    @property
    def _staged_path(self) -> Path:
        return store.staged_path(self._destination)

    def _ask(self, supply: Supply) -> Release:
        release = supply.newest(self._given())
        offered.remember(self._destination, self._request.url, release)
        return release

    @functools.cached_property
    def _source(self) -> sources.Source:
        named = sources.parse(self._request.url)
        if named.kind is not Kind.AUTO:
            return named
        return package.source(is_offline=self._request.offline)

    def _given(self) -> Checksum | None:
        return checksums.given(self._request.sha256) if self._request.sha256 else None

    def _read_usable(self) -> Image | None:
        try:
            return store.read_image(self._destination)
        except NotFoundError:
            return None
        except DownloadError as error:
            log.warning("%s; it will be replaced", error.brief)
            return None

    def _read_offline(self) -> Image:
        try:
            present = store.read_image(self._destination)
        except NotFoundError as error:
            raise self._offline_error(error.brief) from error
        given = self._given()
        if given:
            checksums.demand(present.path, given, present.sha256, str(present.path))
        return present

    def _is_source_itself(self, release: Release) -> bool:
        return release.is_local and sources.is_same_file(release.url, self._destination)

    def _verify_in_place(self, release: Release) -> Image:
        image = store.read_image(self._destination)
        if release.checksum:
            checksums.demand(image.path, release.checksum, image.sha256, release.url)
        return image

    # -- fetching

    @contextlib.contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        path = self._destination.with_name(self._destination.name + ".download.lock")
        try:
            with lock.hold(path, deadline, purpose="fetching the image", on_wait=_say_waiting):
                yield
        except BusyError as error:
            raise BusyError(
                f"another boot2docker is fetching '{self._destination}'",
                details=error.details,
                resolution=error.resolution,
            ) from error

    @contextlib.contextmanager
    def _open_supply(
        self, deadline: Deadline, source: sources.Source | None = None, version: str = ""
    ) -> Iterator[Supply]:
        """Yield where images come from; `version` is the one to ask for, where there are more."""
        files.demand_no_folder(self._destination, "--iso")  # before a long transfer for nothing
        source = source or self._source
        if source.kind in _ON_THIS_DISK:
            yield _ON_THIS_DISK[source.kind](source)
            return
        if self._request.offline:
            raise self._offline_error(f"'{source.origin}' is not on this computer")
        from boot2docker_py.image.fetching.remote import RemoteSupply
        from boot2docker_py.image.fetching.web import Web

        with Web(deadline, stall_s=self._request.stall_s, cacert=self._request.cacert) as web:
            yield RemoteSupply(
                source, web, allow_unverified=self._request.allow_unverified, version=version
            )

    def _offline_error(self, details: str) -> DownloadError:
        return DownloadError(
            "no image can be fetched with --offline",
            details=details,
            resolution="Run it without --offline, or give a file with --iso-url.",
        )

    def _obtain(self, supply: Supply, release: Release, target: Path, deadline: Deadline) -> Image:
        partial = Partial(self._destination)
        is_pieced = supply.bring(release, partial, deadline, self._on_progress)
        try:
            image = _verify(partial, release)
        except DownloadError as error:
            if not is_pieced:
                raise
            # A computer that lost its power may have kept the length of a file, but not its
            # content; only from pieces, and only once, is it worth another try.
            log.warning("%s; fetching it once more, as a whole", error.brief)
            supply.bring(release, partial, deadline, self._on_progress)
            image = _verify(partial, release)
        published = store.publish(image, target)
        partial.drop()
        return published

    # -- what is newer

    def _is_surely_newer(self, present: Image | None, release: Release) -> bool:
        """Tell whether what is offered, and wanted, cannot turn out to be what is there."""
        if present is None or release.checksum is not None:
            return True
        return versions.compare(release.version, present.version) == 1

    def _wants(self, present: Image | None, release: Release) -> bool:
        """Tell whether what is offered is, or may be, newer than what is there."""
        if present is None or self._request.force:
            return True
        if release.checksum and _is(present, release.checksum):
            return False
        order = versions.compare(release.version, present.version)
        if order == -1:
            log.warning(
                "The source offers v%s, which is older than v%s in place: nothing done.",
                release.version,
                present.version,
            )
        if order == 0:
            # A list names each version once; an image named by the user may be a rebuild of it.
            return not release.is_listed
        return order != -1


def _with_checksum(release: Release) -> Release:
    """Return the release with its checksum where no network is needed for that."""
    if release.checksum or not release.is_local:
        return release
    checksum = Checksum("sha256", checksums.hash_file(Path(release.url)), release.origin)
    return release._replace(checksum=checksum)


def _permitted(staged: StagedImage, permit: Permit) -> None:
    try:
        permit()
    except Boot2DockerError:
        staged.discard()
        raise


def _is(image: Image, expected: Checksum | None) -> bool:
    return expected is None or checksums.fits(image.path, expected, image.sha256)


def _as_obtained(release: Release, image: Image) -> Release:
    """Return the release with what only the image itself could tell."""
    return release._replace(
        version=image.version or release.version,
        checksum=Checksum("sha256", image.sha256, release.origin),
    )


def _verify(partial: Partial, release: Release) -> Image:
    try:
        return store.verify(partial.path, release.checksum, sources.without_password(release.url))
    except DownloadError:
        partial.drop()
        raise


def _say_waiting(holder: str) -> None:
    log.info("Waiting for another boot2docker that is fetching the image (%s)...", holder)
