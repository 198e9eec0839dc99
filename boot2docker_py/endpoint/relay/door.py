"""Clients come in at a listening socket, as long as there is room for them."""

from __future__ import annotations

import errno
import logging
import socket
from typing import Callable

from boot2docker_py.endpoint.relay.client import SocketClient
from boot2docker_py.endpoint.relay.loop import READ, Loop
from boot2docker_py.endpoint.relay.room import Room

log = logging.getLogger(__name__)

PAUSE_S = 0.5

# accept(2): the client was gone before it was taken, or its network; the next one may be well.
# Winsock says the first as WSAECONNRESET.
OF_ONE_CLIENT = frozenset(
    getattr(errno, name)
    for name in (
        "ECONNABORTED ECONNRESET EPROTO EPERM ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH"
        " EOPNOTSUPP ENETUNREACH ETIMEDOUT EINTR"
    ).split()
    if hasattr(errno, name)
)


class Door:
    """Take clients at `server`; for the loop's thread alone.

    While there is no room, or the system has nothing left for another client, clients wait in
    `server`'s own queue, and cost nothing.
    """

    def __init__(
        self,
        loop: Loop,
        server: socket.socket,
        room: Room,
        on_client: Callable[[SocketClient], object],
        *,
        in_a_row: int = 1,
    ) -> None:
        self._loop = loop
        self._server = server
        self._room = room
        self._on_client = on_client
        self._in_a_row = in_a_row
        self._is_closed = False
        self._problem = ""
        server.settimeout(0)
        self._open()

    def close(self) -> None:
        """Take no more clients, and close the socket."""
        self._is_closed = True
        self._loop.watch(self._server, 0, lambda _events: None)
        self._server.close()

    def _open(self) -> None:
        if not self._is_closed:
            self._loop.watch(self._server, READ, self._accept)

    def _accept(self, _events: int) -> None:
        for _client in range(self._in_a_row):
            if self._is_closed:
                return
            if not self._room.take():
                self._shut()
                self._room.when_there_is(self._open)
                return
            client = self._next()
            if client is None:
                self._room.give_back()
                return
            self._on_client(client)

    def _next(self) -> SocketClient | None:
        try:
            client, _address = self._server.accept()
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in OF_ONE_CLIENT:
                self._wait_out(error)
            return None
        self._problem = ""
        try:
            return self._as_client(client)
        except OSError as error:  # it has hung up, which macOS and Windows say only here
            log.debug("a client was gone before it was taken: %s", error)
            client.close()
            return None

    def _as_client(self, client: socket.socket) -> SocketClient:
        if client.family != getattr(socket, "AF_UNIX", None):
            # What comes from the guest is written in pieces, which must not wait for another.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return SocketClient(client, self._room.give_back)

    def _wait_out(self, error: OSError) -> None:
        problem = error.strerror or str(error)
        if problem != self._problem:
            log.warning("no more clients for now: %s", problem)
        self._problem = problem
        self._shut()
        self._loop.call_later(PAUSE_S, self._open)

    def _shut(self) -> None:
        self._loop.watch(self._server, 0, self._accept)
