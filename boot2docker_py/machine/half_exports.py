"""What an `export` that was killed has left beside its target, and how it is found again."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Iterator

from boot2docker_py import whole_file
from boot2docker_py.drivers import copying

log = logging.getLogger(__name__)


@contextlib.contextmanager
def noted(note: Path, file: Path) -> Iterator[None]:
    """Write `file` in a `with` block; should that be killed, `note` says what to remove."""
    remove(note)
    try:
        whole_file.write(note, os.fsencode(file))
    except OSError as error:  # as on a full disk, which an export to another one may help
        log.debug("not noted what is exported: %s", error)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def remove(note: Path) -> None:
    """Remove what was written when the note was left; does nothing when there is none."""
    try:
        file = Path(os.fsdecode(note.read_bytes()))
    except FileNotFoundError:
        return
    for part in copying.work_files(file):
        try:
            part.unlink(missing_ok=True)
        except OSError as error:
            log.warning("Half of an export is left: %s.", error)
    note.unlink(missing_ok=True)
