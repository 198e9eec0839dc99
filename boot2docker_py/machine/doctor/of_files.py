"""The check of our own files: whose they are, and whether we can use them."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path
from typing import Iterator

from boot2docker_py.errors import StorageError
from boot2docker_py.host.file_problem import advice_on_rights, foreign_owner
from boot2docker_py.machine.doctor.findings import Check, Finding, Patient, failure, ok

MOST_LOOKED_AT = 2000


def _files(patient: Patient) -> Iterator[Finding]:
    home = patient.home
    if patient.platform == "win32" or not home.is_dir():
        yield ok("files", "nothing is wrong with our files")
        return
    files = [home, *itertools.islice(_all_below(home), MOST_LOOKED_AT)]
    of_others = [file for file in files if foreign_owner(file)]
    without_rights = [file for file in files if not of_others and lacks_rights(file)]
    status = StorageError.exit_status
    if of_others:
        words = f"'{of_others[0]}' belongs to {foreign_owner(of_others[0])}"
        words += f", and so do {len(of_others) - 1} more" * (len(of_others) > 1)
        yield failure("files", words, advice_on_rights(of_others[0], home), status)
    elif without_rights:
        words = f"'{without_rights[0]}' cannot be read and written by its owner"
        yield failure("files", words, advice_on_rights(without_rights[0], home), status)
    else:
        yield ok("files", f"all in '{home}' is ours to use")


def give_rights(home: Path) -> None:
    """Give the owner all rights on our own files and folders, and others none."""
    for file in [home, *_all_below(home)]:
        if lacks_rights(file) and not foreign_owner(file):
            file.chmod(file.stat().st_mode | _needed(file))


def lacks_rights(file: Path) -> bool:
    """Tell whether the owner may not use a file or folder; whatever else it is, is well."""
    try:
        mode = file.lstat().st_mode
    except OSError:
        return False
    is_ordinary = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    needed = _needed(file)
    return is_ordinary and mode & needed != needed


def _needed(file: Path) -> int:
    return 0o700 if file.is_dir() else 0o600


def _all_below(home: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(home):
        yield from (Path(folder, name) for name in [*folders, *files])


CHECKS = (
    Check(
        "files",
        "Our own files on this machine: that they are yours, and can be read and written",
        "failure 1: they belong to another user, as after sudo, or lack rights",
        _files,
    ),
)
