"""A TCP socket for paramiko that goes to the kernel seldom.

paramiko reads each SSH packet in two small pieces, and asks the kernel twice for each (once to
wait, once to read). Here it is one large read, and no waiting while there are bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import sys
import threading
from typing import Iterator

READ_BYTES = 256 * 1024
SMALL_BYTES = 4096
SEND_PATIENCE = 15

# paramiko wants to look around now and then; closing wakes it at once, so this may be long.
_LOOK_AROUND_S = 1.0

# The default selectors hold a descriptor each; these do not, and know no limit of 1024.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class BufferedSocket:
    """What paramiko's Transport needs of a socket; one thread reads, one at a time writes."""

    def __init__(self, sock: socket.socket, already_read: bytes = b"") -> None:
        sock.settimeout(0)
        # The number of a closed descriptor is the next one's: nobody may be in a call with it.
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._closing = threading.Lock()
        self.received_bytes = len(already_read)
        self._sock = sock
        self._memory = bytearray(READ_BYTES)
        self._memory[: len(already_read)] = already_read
        self._unread = memoryview(self._memory)[: len(already_read)]
        self._sending = threading.Lock()  # guards what is gathered, and the order of the bytes
        self._gathered: bytearray | None = None
        self._readable = _Selector()
        self._readable.register(sock, selectors.EVENT_READ)
        self._writable = _Selector()
        self._writable.register(sock, selectors.EVENT_WRITE)

    def recv(self, limit: int) -> bytes:
        """Return up to `limit` bytes, none at the end.

        Raises:
            socket.timeout: nothing came for a while.
        """
        if not self._unread:
            self._fill()
        piece = bytes(self._unread[:limit])
        self._unread = self._unread[limit:]
        return piece

    def send(self, data: bytes) -> int:
        """Write some of `data` and return how many bytes.

        Raises:
            OSError: the peer took nothing for SEND_PATIENCE seconds, or is gone.
        """
        with self._sending:
            if self._gathered is not None:
                self._gathered += data
                return len(data)
            return self._send_now(data)

    @contextlib.contextmanager
    def gathering(self) -> Iterator[None]:
        """Keep what is sent in a `with` block, also by another thread, and send it at its end."""
        with self._sending:
            self._gathered = bytearray()
        try:
            yield
        finally:
            with self._sending:
                rest, self._gathered = memoryview(self._gathered), None
                while rest:
                    rest = rest[self._send_now(rest) :]

    def settimeout(self, timeout_s: float | None) -> None:
        """Ignore the wish: the socket stays as it is."""

    def close(self) -> None:
        """Close the socket; a thread that waits in it wakes up. Any thread may, several times."""
        with self._closing:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
            with self._reading, self._writing:
                self._sock.close()

    def getpeername(self) -> object:
        """Return the address of the other end."""
        return self._sock.getpeername()

    def fileno(self) -> int:
        """Return the descriptor, -1 when closed."""
        return self._sock.fileno()

    @property
    def _closed(self) -> bool:
        return self._sock.fileno() < 0

    def _send_now(self, data: bytes | memoryview) -> int:
        while True:
            try:
                with self._writing:
                    return self._sock.send(data)
            except BlockingIOError:
                self._wait_to_send()

    def _fill(self) -> None:
        while True:
            try:
                with self._reading:
                    count = self._sock.recv_into(self._memory)
                    if count < SMALL_BYTES:
                        self._acknowledge()
            except BlockingIOError:
                if not self._readable.select(_LOOK_AROUND_S):
                    raise socket.timeout from None
            else:
                self.received_bytes += count
                self._unread = memoryview(self._memory)[:count]
                return

    def _acknowledge(self) -> None:
        """Do not let the kernel put off the acknowledgement of what was read.

        OpenSSH's server sends the second of two small messages, like an answer and its end, only
        when the first is acknowledged (RFC 1122, section 4.2.3.4): up to 44 ms later.
        """
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # the end; the next call says of what kind
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _wait_to_send(self) -> None:
        """Wait for room; who waits holds a lock of paramiko, so that a dead peer must be noticed.

        Counted, not measured by the clock, for a host that slept meanwhile.
        """
        for _look in range(SEND_PATIENCE):
            if self._writable.select(_LOOK_AROUND_S) or self._closed:
                return
        raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
