"""What is wrong with a file of ours, whose it is, and what to type: in place of a bare OSError."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from boot2docker_py.errors import Boot2DockerError, StorageError

# winerror.h: another program has it open without sharing.
SHARING_VIOLATION = 32

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NO_RIGHT = (errno.EACCES, errno.EPERM)
_ADVICE = {
    errno.EROFS: "Make its disk writable, or name another place with BOOT2DOCKER_DIR.",
    errno.ENOTDIR: "A file stands where a folder should be: move it away.",
    errno.EEXIST: "A file stands where a folder should be: move it away.",
    errno.EISDIR: "A folder stands where a file should be: move it away.",
    errno.ENOTEMPTY: "A folder stands where a file should be: move it away.",
    errno.ENAMETOOLONG: "Name a shorter place with BOOT2DOCKER_DIR.",
    errno.ELOOP: "It is a link that leads to itself: remove it.",
    errno.EIO: "Its disk is failing, or was taken away.",
    errno.EMFILE: "Close programs, or raise the limit of open files (ulimit -n).",
    errno.ENFILE: "Close programs: this machine has too many files open.",
}


def explained(error: OSError, home: Path) -> Boot2DockerError | None:
    """Return the error for a file that cannot be used; None when it is not about a file."""
    if error.errno in _NO_SPACE:
        where = f" for '{file_of(error)}'" if error.filename is not None else ""
        return StorageError(
            f"there is no space left{where}",
            details=error.strerror or "",
            resolution="Make space on that disk, then run the command again.",
        )
    if error.filename is None or isinstance(error.filename, int):
        return None
    file = file_of(error)
    return StorageError(
        f"cannot use '{file}'",
        details=". ".join(filter(None, [error.strerror or str(error), _whose(file)])),
        resolution=_advice(error, file, home),
    )


def file_of(error: OSError) -> Path:
    """Return the file that an error is about; of two, the one that it could not make."""
    return Path(os.fsdecode(error.filename2 or error.filename))


def _advice(error: OSError, file: Path, home: Path) -> str:
    if getattr(error, "winerror", None) == SHARING_VIOLATION:
        return "Another program has it open: end it, then run the command again."
    if error.errno in _NO_RIGHT:
        return advice_on_rights(file, home)
    return _ADVICE.get(error.errno or 0, "Look at it, then run the command again.")


def advice_on_rights(file: Path, home: Path) -> str:
    """Return what gives this user the rights on a file: on all of ours, if it is one of them."""
    is_ours = home in (file, *file.parents)
    if is_ours and existing(home) != home:  # a folder above it, which is more than ours
        return f"Name another place with BOOT2DOCKER_DIR, or get the rights on '{existing(home)}'."
    whole = home if is_ours else existing(file)
    if sys.platform == "win32":
        return f'icacls "{whole}" /reset /t'
    elif foreign_owner(whole) or foreign_owner(existing(file)):
        return f"sudo chown -R {os.getuid()} '{whole}'"  # names may be missing, numbers are not
    else:
        return f"chmod -R u+rwX '{whole}'"


def existing(file: Path) -> Path:
    """Return the file, or the nearest of its folders that is there and can be looked at."""
    for one in (file, *file.parents):
        try:
            one.lstat()
        except OSError:
            continue
        return one
    return file


def foreign_owner(file: Path) -> str:
    """Return whose a file is when it is not ours; empty when it is, or that is not known."""
    if sys.platform == "win32":
        return ""
    else:
        try:
            owner = file.lstat().st_uid
        except OSError:
            return ""
        return "" if owner == os.geteuid() else _name(owner)


def _name(user: int) -> str:
    if sys.platform == "win32":
        return str(user)
    else:
        import pwd

        try:
            return pwd.getpwuid(user).pw_name
        except KeyError:
            return f"user {user}"


def _whose(file: Path) -> str:
    found = existing(file)
    owner = foreign_owner(found)
    if not owner:
        return ""
    return f"'{found}' belongs to {owner}" if found != file else f"it belongs to {owner}"
