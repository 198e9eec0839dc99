"""Files that are read-only, which differ here: Windows neither removes nor replaces one."""

from __future__ import annotations

import stat
import sys
from pathlib import Path


def set_mode(file: Path, mode: int) -> None:
    """Give a file of ours these rights; on Windows, which has one bit for all, none.

    It is to be removed and replaced later on.
    """
    if sys.platform != "win32":
        file.chmod(mode)


def cannot_be_replaced(file: Path) -> bool:
    """Tell whether the file is there, and its being read-only keeps others from its place."""
    if sys.platform != "win32":
        return False
    else:
        return file.exists() and not file.stat().st_mode & stat.S_IWRITE
