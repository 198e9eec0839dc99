"""A file that an `export` writes: beside its name until it is whole, and found when it was killed.

Each export has work files of its own, so that two that write the same file do not meet in them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from pathlib import Path
from typing import Iterator

from boot2docker_py import whole_file
from boot2docker_py.drivers import copying
from boot2docker_py.errors import StorageError

log = logging.getLogger(__name__)

_OURS = re.compile(r".+\.[0-9a-f]{8}\.new")


@contextlib.contextmanager
def written(note: Path, file: Path) -> Iterator[Path]:
    """Yield the name to write a new `file` by; it has its own when the `with` block ends well.

    Should we be killed, `note` says what to remove.

    Raises:
        StorageError: there is such a file, before or by then.
    """
    remove(note)
    copying.demand_new_file(file)
    new = file.with_name(f"{file.name}.{os.urandom(4).hex()}.new")
    try:
        whole_file.write(note, os.fsencode(new))
    except OSError as error:  # as on a full disk, which an export to another one may help
        log.debug("not noted what is exported: %s", error)
    try:
        yield new
        _finish(new, file)
    finally:
        note.unlink(missing_ok=True)


def _finish(new: Path, file: Path) -> None:
    try:
        whole_file.move_new(new, file)
    except FileExistsError:  # made by another program meanwhile
        new.unlink()
        copying.demand_new_file(file)
        raise  # and gone again
    except OSError as error:
        new.unlink()
        raise StorageError(f"cannot make the file '{file}'", details=str(error)) from error


def remove(note: Path) -> None:
    """Remove what was written when the note was left; does nothing when there is none."""
    try:
        new = Path(os.fsdecode(note.read_bytes()))
    except FileNotFoundError:
        return
    for part in (*copying.work_files(new), new) if _OURS.fullmatch(new.name) else ():
        try:
            part.unlink(missing_ok=True)
        except OSError as error:
            log.warning("Half of an export is left: %s.", error)
    note.unlink(missing_ok=True)
