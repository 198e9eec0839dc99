"""Connections to the engine for the forwarder itself, made as any client has one."""

from __future__ import annotations

import logging
import socket
from typing import Callable

from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.relay import Relay
from boot2docker_py.ssh.stream import Channel

log = logging.getLogger(__name__)


class OwnClients:
    """Join our own ends of connections to the engine."""

    def __init__(self, loop: Loop, open_channel: Callable[[Relay], Channel]) -> None:
        self._loop = loop
        self._open_channel = open_channel
        self._relays: set[Relay] = set()

    def connect(self) -> socket.socket:
        """Return a connection, which is closed at once when there is no engine; from any thread."""
        ours, theirs = socket.socketpair()
        self._loop.call_soon(lambda: self._join(theirs))
        return ours

    def _join(self, client: socket.socket) -> None:
        try:
            self._relays.add(Relay(self._loop, client, self._open_channel, self._ended))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this client's end only
            log.debug("no connection to the engine: %s", error)
            client.close()

    def _ended(self, relay: Relay, reason: str) -> None:
        self._relays.discard(relay)
        if reason:
            log.debug("the end of a connection of our own: %s", reason)
