"""What is said once a day: that there is a newer image, or a newer program.

Nothing is asked on a network. What is known anyway: which images are installed as packages, what a
source offered when it was last asked, and the newest program that has worked in this home.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Sequence

from boot2docker_py import untrusted, whole_file
from boot2docker_py.errors import Boot2DockerError

if TYPE_CHECKING:
    from boot2docker_py.image import Images

log = logging.getLogger(__name__)

EVERY_S = 86_400
_MOST_BYTES = 10_000
_LONGEST_VERSION = 100


def due(
    file: Path,
    program: str,
    images: Callable[[], Images],
    iso: Path,
    now_s: Callable[[], float] = time.time,
) -> Sequence[str]:
    """Return what there is to say, nothing when that was said within a day.

    `file` remembers it; `program` is this program's version, `iso` the image of the VM.
    """
    said_at_s, newest = _read(file)
    since_s = now_s() - said_at_s
    is_newest = _is_newer(program, newest)
    if 0 <= since_s < EVERY_S and not is_newest:
        return ()
    _write(file, now_s(), program if is_newest else newest)
    return [*_of_program(program, newest), *_of_image(images(), iso)]


def _of_program(program: str, newest: str) -> Sequence[str]:
    if not _is_newer(newest, program):
        return ()
    return [f"This is boot2docker {program}; {newest} has worked here too."]


def _of_image(images: Images, iso: Path) -> Sequence[str]:
    from boot2docker_py.image import read_image

    try:
        known, present = images.newest_known(), read_image(iso)
    except Boot2DockerError as error:
        log.debug("nothing to say of images: %s", error.brief)
        return ()
    if known is None or not _is_newer(known.version, present.version):
        return ()
    words = f"There is a newer image, {known.version} ({known.origin})"
    return [f"{words}; here is {present.version}: boot2docker upgrade"]


def _is_newer(one: str, other: str) -> bool:
    from boot2docker_py.image import versions

    return bool(one) and (not other or versions.compare(one, other) == 1)


def _read(file: Path) -> tuple[float, str]:
    """Return when something was said last, and the newest program that has worked here."""
    try:
        with file.open("rb") as opened:
            document = untrusted.parsed_json(opened.read(_MOST_BYTES))
        said_at_s, newest = float(document["said_at_s"]), str(document["program"])
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        log.debug("it is not known what was said last: %s", error)
        return 0.0, ""
    return said_at_s, newest if newest.isprintable() and len(newest) <= _LONGEST_VERSION else ""


def _write(file: Path, said_at_s: float, program: str) -> None:
    document = {"said_at_s": said_at_s, "program": program}
    try:
        whole_file.write(file, json.dumps(document).encode() + b"\n")
    except OSError as error:
        log.debug("it cannot be remembered what was said: %s", error)
