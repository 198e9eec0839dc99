"""Connections to the engine for the forwarder itself, made as any client has one."""

from __future__ import annotations

import socket

from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.relays import OpenChannel, Relays


class OwnClients:
    """Join our own ends of connections to the engine."""

    def __init__(self, loop: Loop, open_channel: OpenChannel) -> None:
        self._loop = loop
        self._open_channel = open_channel
        self._relays = Relays(loop)

    def connect(self) -> socket.socket:
        """Return a connection, which is closed at once when there is no engine; from any thread."""
        ours, theirs = socket.socketpair()
        self._loop.call_soon(lambda: self._relays.join_or_close(theirs, self._open_channel))
        return ours
