"""A TCP socket for paramiko that goes to the kernel seldom.

paramiko reads each SSH packet in two small pieces, and asks the kernel twice for each (once to
wait, once to read). Here it is one large read, and no waiting while there are bytes.
"""

from __future__ import annotations

import contextlib
import errno
import select
import selectors
import socket
import sys
import threading
from typing import Callable, Iterator

from boot2docker_py.host import system_errors

Wait = Callable[[float], bool]

READ_BYTES = 256 * 1024
SMALL_BYTES = 4096
SEND_PATIENCE = 15

# paramiko wants to look around now and then; closing wakes it at once, so this may be long.
_LOOK_AROUND_S = 1.0


class BufferedSocket:
    """What paramiko's Transport needs of a socket; one thread reads, one at a time writes."""

    def __init__(
        self,
        sock: socket.socket,
        already_read: bytes = b"",
        waiter: Callable[[socket.socket, int], Wait] | None = None,
    ) -> None:
        sock.settimeout(0)
        # The number of a closed descriptor is the next one's: no thread may be in a call with it,
        # nor wait for it. Winsock leaves open what a select does whose socket is closed.
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._waiting_to_write = threading.Lock()
        self._closing = threading.Lock()
        self.received_bytes = len(already_read)
        self._sock = sock
        self._memory = memoryview(bytearray(READ_BYTES))
        self._memory[: len(already_read)] = already_read
        self.unread = self._memory[: len(already_read)]  # what was read and not taken
        self._sending = threading.Lock()  # guards what is gathered, and the order of the bytes
        self._gathered: bytearray | None = None
        self._expects_more = False
        waiter = waiter or system_waiter
        self._is_readable = waiter(sock, selectors.EVENT_READ)
        self._is_writable = waiter(sock, selectors.EVENT_WRITE)
        # poll(2) of Python is for one thread at a time; one reads while another waits to write
        self._has_room = waiter(sock, selectors.EVENT_WRITE)

    def recv(self, limit: int) -> bytes:
        """Return up to `limit` bytes, none at the end.

        Raises:
            socket.timeout: nothing came for a while.
        """
        if not self.unread:
            self._fill()
        return bytes(self.take(limit))

    def take(self, limit: int) -> memoryview:
        """Return up to `limit` bytes of `unread`; they stand there until more is read."""
        piece, self.unread = self.unread[:limit], self.unread[limit:]
        return piece

    def read_more(self) -> None:
        """Add to `unread`, which must be shorter than READ_BYTES.

        Raises:
            socket.timeout: nothing came for a while.
            EOFError: no more will.
        """
        known = len(self.unread)
        self._fill()
        if len(self.unread) == known:
            raise EOFError

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

    def send_all(self, data: bytes) -> None:
        """Write all of `data`.

        Raises:
            OSError: the peer took nothing for SEND_PATIENCE seconds, or is gone.
        """
        with self._sending:
            if self._gathered is not None:
                self._gathered += data
            else:
                self._send_all_now(data)

    def has_room(self) -> bool:
        """Tell whether a small packet can be written without waiting; for the thread that reads."""
        with self._writing:
            return not self._closed and self._has_room(0)

    @contextlib.contextmanager
    def gathering(self) -> Iterator[None]:
        """Keep what is sent in a `with` block, also by another thread, and send it at its end."""
        with self._sending:
            self._gathered = bytearray()
        try:
            yield
        finally:
            with self._sending:
                gathered, self._gathered = self._gathered, None
                self._send_all_now(gathered)

    def settimeout(self, timeout_s: float | None) -> None:
        """Ignore the wish: the socket stays as it is."""

    def close(self) -> None:
        """Close the socket, once no thread waits in it: they wake up. Any may, several times."""
        with self._closing:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
            with self._reading, self._waiting_to_write, self._writing:
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

    def _send_all_now(self, data: bytes | bytearray) -> None:
        count = self._send_now(data)
        while count < len(data):
            count += self._send_now(memoryview(data)[count:])

    def _send_now(self, data: bytes | bytearray | memoryview) -> int:
        while True:
            try:
                with self._writing:
                    return self._sock.send(data)
            except BlockingIOError:
                self._wait_to_send()

    def _fill(self) -> None:
        known = len(self.unread)
        if known:
            self._memory[:known], self.unread = self.unread, self._memory[:known]
        while True:
            if not self._expects_more:
                self._acknowledge()
                with self._reading:
                    if not self._closed and not self._is_readable(_LOOK_AROUND_S):
                        raise socket.timeout
            try:
                with self._reading:
                    count = self._sock.recv_into(self._memory[known:])
            except BlockingIOError:
                self._expects_more = False
            else:
                self._expects_more = count >= SMALL_BYTES
                self.received_bytes += count
                self.unread = self._memory[: known + count]
                return

    def _acknowledge(self) -> None:
        """Do not let the kernel put off the acknowledgement of what was read.

        OpenSSH's server sends the second of two small messages, like an answer and its end, only
        when the first is acknowledged (RFC 1122, section 4.2.3.4): up to 44 ms later.
        """
        if sys.platform == "linux":
            with contextlib.suppress(OSError), self._reading:  # the end; the next call says which
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _wait_to_send(self) -> None:
        """Wait until more can be sent; give up on a dead peer, as the caller holds paramiko's lock.

        Counted, not measured by the clock, for a host that slept meanwhile.
        """
        for _look in range(SEND_PATIENCE):
            with self._waiting_to_write:
                if self._closed or self._is_writable(_LOOK_AROUND_S):
                    return
        raise OSError(errno.ETIMEDOUT, system_errors.words(errno.ETIMEDOUT))


def system_waiter(sock: socket.socket, event: int) -> Wait:
    """Return what waits up to so many seconds for the event, and tells whether it came.

    It holds no descriptor, and where the system has poll(2), it knows no limit of 1024.
    """
    if sys.platform != "win32":
        poll = select.poll()
        poll.register(sock, select.POLLIN if event == selectors.EVENT_READ else select.POLLOUT)
        return lambda timeout_s: bool(poll.poll(timeout_s * 1000))
    else:
        selector = selectors.SelectSelector()
        selector.register(sock, event)
        return lambda timeout_s: bool(selector.select(timeout_s))
