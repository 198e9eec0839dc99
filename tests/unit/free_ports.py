"""Ports that a test's servers can have in a moment, whatever else this machine does meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket

# Outgoing connections get theirs from above: Linux from 32768, Windows and macOS from 49152.
_FIRST, _BEYOND = 10000, 32000
_CANDIDATES = itertools.cycle(random.sample(range(_FIRST, _BEYOND), _BEYOND - _FIRST))


def free_port() -> int:
    """Return a port that no program has, and that this process is not given again soon."""
    for port in _CANDIDATES:
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port
    raise AssertionError("no port is free")
