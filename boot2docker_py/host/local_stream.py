"""A connection to a program of this machine: a Unix socket, on Windows a named pipe."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from boot2docker_py.host import named_pipe


def connect(place: Path, timeout_s: float) -> Any:
    """Return a connection to what listens there: a socket, or what is used like one.

    Raises:
        OSError: no program does.
    """
    if sys.platform == "win32":
        return named_pipe.connect(str(place), timeout_s)
    else:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(timeout_s)
        try:
            stream.connect(str(place))
        except BaseException:
            stream.close()
            raise
        return stream
