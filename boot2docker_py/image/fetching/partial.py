"""The bytes of an image received so far, and the note of what they are a part of."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from pathlib import Path
from typing import IO, Iterator, Mapping

from boot2docker_py import whole_file
from boot2docker_py.image import files

log = logging.getLogger(__name__)

_CONTENT_RANGE = r"bytes (\d+)-(\d+)/(\d+|\*)"


class Partial:
    """A download that outlives its process, in `<image>.download` and `<image>.download.json`."""

    def __init__(self, destination: Path) -> None:
        self.path = destination.with_name(destination.name + ".download")
        self._note_path = destination.with_name(destination.name + ".download.json")

    def size_bytes(self) -> int:
        """Return how much has been received."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def drop(self) -> None:
        """Forget what has been received."""
        with files.writing(self.path):
            self._note_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def range_headers(self, url: str) -> dict[str, str]:
        """Return what to ask for the rest of `url` with; {} when there is nothing to go on from.

        A whole file asks for its last byte again, so that the server still says whether it
        has the same one.
        """
        note = self._read_note()
        offset, total_bytes = self.size_bytes(), self.total_bytes
        if note.get("url") != _fingerprint(url) or not note.get("validator") or not offset:
            return {}
        if total_bytes is not None and offset >= total_bytes:
            offset = max(0, total_bytes - 1)
        return {"Range": f"bytes={offset}-", "If-Range": str(note["validator"])}

    def continues(self, asked: Mapping[str, str], headers: Mapping[str, str]) -> int | None:
        """Return the offset at which a 206 answer goes on; None when it is not our file's rest."""
        found = re.fullmatch(_CONTENT_RANGE, headers.get("Content-Range", "").strip())
        note = self._read_note()
        if not found or asked.get("Range") != f"bytes={found.group(1)}-":
            return None
        if found.group(3) not in ("*", str(note.get("total_bytes"))):
            return None
        answered = find_validator(headers)
        if answered and answered != note.get("validator"):
            return None
        return int(found.group(1))

    def begin(self, url: str, validator: str, total_bytes: int | None) -> None:
        """Start from nothing, with the note of what will come."""
        self.drop()
        note = {"url": _fingerprint(url), "validator": validator, "total_bytes": total_bytes}
        with files.writing(self.path, total_bytes):
            whole_file.clear(self._note_path)
            whole_file.write(self._note_path, json.dumps(note).encode())

    @property
    def total_bytes(self) -> int | None:
        """Return the size the whole will have, as the server said at the beginning."""
        total_bytes = self._read_note().get("total_bytes")
        return total_bytes if isinstance(total_bytes, int) else None

    @contextlib.contextmanager
    def open_at(self, offset: int) -> Iterator[IO[bytes]]:
        """Open the file to be written on from `offset`; each write is the system's at once."""
        with files.writing(self.path):
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            with files.writing(self.path):
                file.truncate(offset)
                file.seek(offset)
            yield file

    def _read_note(self) -> dict[str, object]:
        try:
            note = json.loads(whole_file.read(self._note_path))
        except (OSError, ValueError) as error:
            log.debug("no note of a partial download: %s", error)
            return {}
        return note if isinstance(note, dict) else {}


def find_validator(headers: Mapping[str, str]) -> str:
    """Return what If-Range may carry (RFC 9110, 13.1.5): a strong ETag, else the date, else ""."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _fingerprint(url: str) -> str:
    # An address may carry a password, which has no business on the disk.
    import hashlib

    return hashlib.sha256(url.encode()).hexdigest()
