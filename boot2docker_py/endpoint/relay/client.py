"""A connected client, as the relay sees it, and the one that is a socket."""

from __future__ import annotations

import contextlib
import select
import socket
import sys
from typing import Callable, Protocol

from boot2docker_py.endpoint.relay.loop import Loop, OnReady

# One read from SSH must fit: what does not waits for the loop's thread, and downloads were a
# tenth slower. The system may give less (Linux: net.core.wmem_max).
SEND_BUFFER_BYTES = 1024 * 1024

# poll(2) of Linux; what Python's select calls it is missing on other systems.
_POLLHUP = 0x10


class Client(Protocol):
    """Nothing here blocks; what would have to raises BlockingIOError.

    All is done in the loop's thread, except `send`, which the thread that reads SSH calls, too.
    """

    def watch(self, loop: Loop, events: int, on_ready: OnReady) -> None:
        """Let the loop call `on_ready` with the events that have come true, from now on."""

    def recv_into(self, memory: memoryview, /) -> int:
        """Read some bytes and return how many; none once the client has ended its own.

        Raises:
            OSError: the client is gone.
        """

    def send(self, data: memoryview, /) -> int:
        """Write some bytes and return how many.

        Raises:
            OSError: the client is gone.
        """

    def end_writing(self) -> None:
        """Tell the client that no more bytes will come; it may still send."""

    def has_hung_up(self) -> bool:
        """Tell whether the client has not only ended its bytes, but is gone; False if unknown."""

    def close(self) -> None:
        """Let go of it; what was written still reaches it."""

    def is_closed(self) -> bool:
        """Tell whether `close` was called."""


class SocketClient:
    """A client at a socket."""

    def __init__(self, sock: socket.socket, on_close: Callable[[], None] | None = None) -> None:
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._sock = sock
        self._on_close = on_close
        # The socket's own methods, because these two are called for every packet.
        self.recv_into: Callable[[memoryview], int] = sock.recv_into
        self.send = sock.send

    def unread(self, data: bytes) -> None:
        """Let `recv_into` give these bytes once more, before what comes after them."""
        rest = memoryview(data)

        def recv_into(memory: memoryview, /) -> int:
            nonlocal rest
            count = min(len(memory), len(rest))
            memory[:count] = rest[:count]
            rest = rest[count:]
            if not rest:
                self.recv_into = self._sock.recv_into
            return count

        self.recv_into = recv_into

    def watch(self, loop: Loop, events: int, on_ready: OnReady) -> None:
        """See `Client`."""
        loop.watch(self._sock, events, on_ready)

    def end_writing(self) -> None:
        """See `Client`."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def has_hung_up(self) -> bool:
        """See `Client`."""
        if sys.platform == "linux":
            poll = select.poll()
            poll.register(self._sock, 0)
            return any(events & _POLLHUP for _descriptor, events in poll.poll(0))
        else:
            return False

    def close(self) -> None:
        """See `Client`."""
        if not self.is_closed():
            self._sock.close()
            if self._on_close is not None:
                self._on_close()

    def is_closed(self) -> bool:
        """See `Client`."""
        return self._sock.fileno() < 0
