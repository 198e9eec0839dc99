"""Shared folders as the user names them: DIR[=NAME], as in the original."""

from __future__ import annotations

import ntpath
import os
import re
import sys
from pathlib import Path

DISABLE = "disable"  # the original's word for none


def default(platform: str) -> tuple[str, ...]:
    """Return what the original shared: the folder of the homes, and nothing on Linux."""
    return {"win32": (r"C:\Users=c/Users",), "darwin": ("/Users=Users",)}.get(platform, ())


def shares(value: object) -> tuple[str, ...]:
    """Read one or more DIR[=NAME]; a text holds several with the separator of `PATH` between."""
    words = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ValueError("must be a list of DIR or DIR=NAME")
    if DISABLE in words:
        return ()
    whole = tuple(_whole(word) for word in words)
    names = [split(share)[1] for share in whole]
    if len(set(names)) < len(names):
        raise ValueError("must have a name of its own for each folder: DIR=NAME")
    return whole


def split(share: str) -> tuple[str, str]:
    """Return folder and name of a DIR=NAME."""
    folder, _, name = share.rpartition("=")
    return folder, name


def _whole(word: str) -> str:
    folder, _, name = word.rpartition("=") if "=" in word else (word, "", "")
    if not folder.strip():
        raise ValueError("must name a folder: DIR or DIR=NAME")
    absolute = str(Path(folder).expanduser().absolute())
    name = name.strip("/") or name_of(absolute, sys.platform)
    _demand_mountable(name)
    return f"{absolute}={name}"


def name_of(folder: str, platform: str) -> str:
    r"""Return the name for a folder that was given none, as in c/Users for C:\Users."""
    if platform == "win32":
        drive, rest = ntpath.splitdrive(folder)
        folder = (drive.rstrip(":").lower() + rest).replace("\\", "/")
    return folder.strip("/")


def _demand_mountable(name: str) -> None:
    if re.search(r"\s", name):
        raise ValueError(
            "must have names without spaces, because the VM cuts its list of shares at them; "
            "give it one: DIR=NAME"
        )
    # The image mounts a share at "/" and its name.
    parts = name.split("/")
    if re.search(r'[\x00-\x1f\\:*?"<>|]', name) or {"", ".", ".."} & set(parts):
        raise ValueError("must have names that are a path in the VM: DIR=NAME, as in c/Users")
