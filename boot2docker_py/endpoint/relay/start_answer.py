"""Which answer of the engine waits until published ports are served here: that to a start.

With an engine on the same machine a published port answers when `docker run -d -p` returns. Here
the port appears when we have heard of the container. So the engine's word that it has started is
passed on when its ports are served. Nothing else waits, and no byte is changed.
"""

from __future__ import annotations

import re

# Engine API, "ContainerStart" and "ContainerRestart": answered by 204, without a body.
_START = re.compile(rb"POST (?:/v[0-9.]+)?/containers/[^/ ?]+/(?:re)?start[ ?]")
_STARTED = re.compile(rb"HTTP/1\.[01] 204 ")
LOOK_BYTES = 300  # of a request; the longest name of a container has 255

_P = ord("P")


def asks_for_start(memory: memoryview) -> bool:
    """Tell whether what a client sends begins to ask for the start of a container."""
    # One byte says no to almost all.
    return memory[0] == _P and _START.match(memory[:LOOK_BYTES]) is not None


def says_started(piece: memoryview) -> bool:
    """Tell whether what the engine sends says that it has started."""
    return _STARTED.match(piece) is not None
