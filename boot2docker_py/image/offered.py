"""What a source on a network offered when it was last asked, for those who may not ask again."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import NamedTuple

from boot2docker_py import untrusted, whole_file
from boot2docker_py.image.model import Release
from boot2docker_py.image.sources import without_password

log = logging.getLogger(__name__)

_MOST_BYTES = 10_000
_LONGEST_VERSION = 100


class Offered(NamedTuple):
    """A version, and what offers it."""

    version: str
    origin: str


def _path(destination: Path) -> Path:
    return destination.with_name(destination.name + ".offered")


def remember(destination: Path, source: str, release: Release) -> None:
    """Write down what `source`, a value of `--iso-url`, offers."""
    if not release.version or release.is_local:
        return
    document = {
        "source": without_password(source),
        "version": release.version,
        "origin": release.origin,
    }
    try:
        whole_file.write(_path(destination), json.dumps(document).encode() + b"\n")
    except OSError as error:  # it only saves a question
        log.debug("what is offered cannot be written down: %s", error)


def recall(destination: Path, source: str) -> Offered | None:
    """Return what `source` offered, None when it was not asked."""
    try:
        with _path(destination).open("rb") as file:
            document = untrusted.parsed_json(file.read(_MOST_BYTES))
        if document["source"] != without_password(source):
            return None
        offered = Offered(document["version"], document["origin"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.debug("it is not known what '%s' offers: %s", without_password(source), error)
        return None
    is_usable = all(isinstance(word, str) and word.isprintable() for word in offered)
    return offered if is_usable and len(offered.version) <= _LONGEST_VERSION else None
