"""The system's words for its numbers of errors."""

from __future__ import annotations

import os
import sys


def words(number: int) -> str:
    """Return what an error of a socket is called; on Windows these are numbers of Winsock."""
    if sys.platform == "win32":
        import ctypes

        return ctypes.FormatError(number).strip().rstrip(".")
    else:
        return os.strerror(number)
