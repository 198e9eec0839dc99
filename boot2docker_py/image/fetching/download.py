"""Bring the bytes of an image into a partial file: over HTTP with resuming, or from this disk."""

from __future__ import annotations

import itertools
import logging
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Iterable, Iterator

from boot2docker_py import untrusted
from boot2docker_py.errors import DownloadError
from boot2docker_py.image import files, iso9660
from boot2docker_py.image.fetching.partial import Partial, find_validator
from boot2docker_py.image.fetching.patience import PassingError, Patience, demand_time
from boot2docker_py.image.model import DownloadProgress, OnProgress
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:  # it imports requests
    from boot2docker_py.image.fetching.web import Answer, Web

log = logging.getLogger(__name__)

_COPY_CHUNK_BYTES = 1024 * 1024
MOST_BYTES = 8 << 30  # an image of ours has 0.1 GB
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416


class TooLargeError(DownloadError):
    """An image that would fill the disk."""


def download(
    web: Web, url: str, partial: Partial, deadline: Deadline, on_progress: OnProgress
) -> bool:
    """Bring the whole of `url` into `partial`; return whether it was put together from pieces.

    Raises:
        DownloadError: it cannot be had. DeadlineError: the time is over. In both cases what has
            been received is kept, unless the disk is full.
    """
    patience = Patience(deadline)
    while True:
        before_bytes = partial.size_bytes()
        try:
            return _receive(web, url, partial, deadline, on_progress)
        except PassingError as error:
            if partial.size_bytes() > before_bytes:
                patience.renew()
            patience.pause(error)


def _receive(
    web: Web, url: str, partial: Partial, deadline: Deadline, on_progress: OnProgress
) -> bool:
    """Make one request; return whether it continued a partial file."""
    asked = partial.range_headers(url)
    with web.open(url, asked, also=[_RANGE_NOT_SATISFIABLE]) as answer:
        if answer.status == _PARTIAL_CONTENT or answer.status == _RANGE_NOT_SATISFIABLE:
            offset = _find_offset(partial, asked, answer)
            chunks: Iterable[bytes] = answer.chunks()
        else:
            offset = 0
            chunks = _begin(partial, url, answer)
        log.debug("receiving %s from byte %d", answer.url, offset)
        _append(chunks, partial, offset, deadline, on_progress)
    return offset > 0


def _find_offset(partial: Partial, asked: dict[str, str], answer: Answer) -> int:
    offset = partial.continues(asked, answer.headers)
    if answer.status == _RANGE_NOT_SATISFIABLE or offset is None:
        partial.drop()
        raise PassingError("the image has changed at its source: starting from the beginning")
    return offset


def _begin(partial: Partial, url: str, answer: Answer) -> Iterator[bytes]:
    chunks = answer.chunks()
    first = next(chunks, b"")
    if iso9660.looks_like_web_page(first):  # before it takes the place of what was received
        raise iso9660.web_page_error(url)
    length = answer.headers.get("Content-Length", "")
    size_bytes = untrusted.number(length, 0, sys.maxsize)
    if size_bytes is not None:
        _demand_possible(size_bytes)
    partial.begin(url, find_validator(answer.headers), size_bytes)
    return itertools.chain([first], chunks)


def _append(
    chunks: Iterable[bytes],
    partial: Partial,
    offset: int,
    deadline: Deadline,
    on_progress: OnProgress,
) -> None:
    total_bytes = partial.total_bytes
    if total_bytes is not None:
        files.demand_space(partial.path, total_bytes - partial.size_bytes())
    meter = _Meter(offset, total_bytes, deadline, on_progress)
    try:
        with partial.open_at(offset) as file:
            for chunk in chunks:
                _demand_possible(meter.received_bytes + len(chunk))
                with files.writing(partial.path, meter.missing_bytes):
                    _write_all(file, chunk)
                meter.add(len(chunk))
    except (files.DiskFullError, TooLargeError):
        partial.drop()  # a full disk hurts every other program too
        raise
    if meter.missing_bytes:
        raise PassingError(
            f"the connection was cut {meter.missing_bytes} bytes before the end of the image"
        )


def _demand_possible(size_bytes: int) -> None:
    if size_bytes > MOST_BYTES:
        raise TooLargeError(
            "what is sent is too large for an image",
            details=f"more than {MOST_BYTES} bytes",
            resolution="Check the address given with --iso-url.",
        )


def _write_all(file: IO[bytes], chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


class _Meter:
    """Counts what comes in, and tells."""

    def __init__(
        self,
        offset: int,
        total_bytes: int | None,
        deadline: Deadline,
        on_progress: OnProgress,
    ) -> None:
        self._offset = self._received = offset
        self._total_bytes = total_bytes
        self._clock = deadline.clock
        self._began = deadline.clock.monotonic()
        self._on_progress = on_progress
        self.add(0)

    @property
    def received_bytes(self) -> int:
        """Return how much of the image there is."""
        return self._received

    @property
    def missing_bytes(self) -> int | None:
        """Return how much is still to come, None when the server does not say."""
        return None if self._total_bytes is None else max(0, self._total_bytes - self._received)

    def add(self, size_bytes: int) -> None:
        """Count some more."""
        self._received += size_bytes
        elapsed_s = self._clock.monotonic() - self._began
        rate = (self._received - self._offset) / elapsed_s if elapsed_s > 0 else None
        self._on_progress(DownloadProgress(self._received, self._total_bytes, rate))


def copy(source: Path, partial: Partial, deadline: Deadline, on_progress: OnProgress) -> None:
    """Bring the file `source` into `partial`.

    Raises:
        DownloadError: it cannot be read, or the disk is full. DeadlineError: the time is over.
    """
    partial.begin(str(source), "", _size_bytes(source))
    _append(_read_chunks(source, deadline), partial, 0, deadline, on_progress)


def _size_bytes(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError as error:
        raise unreadable(source, error) from error


def _read_chunks(source: Path, deadline: Deadline) -> Iterator[bytes]:
    try:
        with source.open("rb") as file:
            for chunk in iter(lambda: file.read(_COPY_CHUNK_BYTES), b""):
                demand_time(deadline)
                yield chunk
    except OSError as error:
        raise unreadable(source, error) from error


def unreadable(source: Path, error: OSError) -> DownloadError:
    """Return the error for an image on this disk that cannot be read."""
    return DownloadError(
        f"the image '{source}' cannot be read",
        details=str(error),
        resolution="Check the path given with --iso-url.",
    )
