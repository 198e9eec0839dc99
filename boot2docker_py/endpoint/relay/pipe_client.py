"""A client at a pipe: two threads that may wait, behind a face that never does.

Windows has no `select` for pipes. One thread reads, and reads no further while the loop has not
taken what it read; one writes, from a bounded store. So a slow client costs two buffers.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Protocol

from boot2docker_py.endpoint.relay.loop import READ, WRITE, Loop, OnReady

log = logging.getLogger(__name__)

BUFFER_BYTES = 64 * 1024
# How long a client that was closed may take to read what was written for it.
LINGER_S = 10.0


class Pipe(Protocol):
    """A connected pipe; reading and writing wait, and `close` wakes whoever waits."""

    def read_into(self, memory: bytearray, /) -> int:
        """Read some bytes and return how many; none is the client's end of its own bytes.

        Raises:
            OSError: the client is gone, or the pipe is closed.
        """

    def write(self, data: bytes, /) -> None:
        """Write all of `data`.

        Raises:
            OSError: the client is gone, or the pipe is closed.
        """

    def end_writing(self) -> None:
        """Tell the client that no more bytes will come."""

    def close(self) -> None:
        """Close it; may be called again."""


class PipeClient:
    """A `Client` at a pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._changed = threading.Condition()  # guards all that follows
        self._inbox = memoryview(b"")
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._client_has_ended = False
        self._is_gone = False
        self._shall_end_writing = False
        self._has_ended_writing = False
        self._is_closed = False
        self._loop: Loop | None = None
        self._wanted = 0
        self._on_ready: OnReady = lambda _events: None
        self._killer = threading.Timer(LINGER_S, pipe.close)
        self._killer.daemon = True
        for work, name in ((self._read, "pipe-read"), (self._write, "pipe-write")):
            threading.Thread(target=work, daemon=True, name=name).start()

    def watch(self, loop: Loop, events: int, on_ready: OnReady) -> None:
        """See `Client`."""
        with self._changed:
            self._loop, self._wanted, self._on_ready = loop, events, on_ready
        self._tell_if_ready()

    def recv_into(self, memory: memoryview) -> int:
        """See `Client`."""
        with self._changed:
            if self._inbox:
                count = min(len(memory), len(self._inbox))
                memory[:count] = self._inbox[:count]
                self._inbox = self._inbox[count:]
                self._changed.notify_all()
                return count
            if self._client_has_ended:
                return 0
            if self._is_gone:
                raise ConnectionResetError("the client hung up")
            raise BlockingIOError

    def send(self, data: memoryview) -> int:
        """See `Client`."""
        with self._changed:
            if self._is_gone or self._is_closed:
                raise BrokenPipeError("the client hung up")
            count = min(len(data), BUFFER_BYTES - self._outbox_bytes)
            if not count:
                raise BlockingIOError
            self._outbox.append(bytes(data[:count]))
            self._outbox_bytes += count
            self._changed.notify_all()
            return count

    def end_writing(self) -> None:
        """See `Client`."""
        with self._changed:
            self._shall_end_writing = not self._has_ended_writing
            self._has_ended_writing = True
            self._changed.notify_all()

    def has_hung_up(self) -> bool:
        """See `Client`."""
        return self._is_gone

    def close(self) -> None:
        """See `Client`."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._killer.start()
            self._changed.notify_all()

    def is_closed(self) -> bool:
        """See `Client`."""
        return self._is_closed

    # In the loop's thread.

    def _notify(self) -> None:
        with self._changed:
            events, on_ready = self._ready(), self._on_ready
        if events:
            on_ready(events)
            self._tell_if_ready()

    def _ready(self) -> int:
        if self._is_closed:
            return 0
        readable = self._inbox or self._client_has_ended or self._is_gone
        writable = self._outbox_bytes < BUFFER_BYTES or self._is_gone
        return self._wanted & ((READ if readable else 0) | (WRITE if writable else 0))

    def _tell_if_ready(self) -> None:
        with self._changed:
            loop = self._loop if self._ready() else None
        if loop is not None:
            loop.call_soon(self._notify)

    # In threads of their own.

    def _read(self) -> None:
        memory = bytearray(BUFFER_BYTES)
        try:
            while not self._is_closed:
                count = self._pipe.read_into(memory)
                with self._changed:
                    self._inbox = memoryview(memory)[:count]
                    self._client_has_ended = self._client_has_ended or not count
                self._tell_if_ready()
                with self._changed:
                    self._changed.wait_for(lambda: not self._inbox or self._is_closed)
        except OSError as error:
            log.debug("a pipe's client is gone: %s", error)
            with self._changed:
                self._is_gone = True
                self._changed.notify_all()
            self._tell_if_ready()

    def _write(self) -> None:
        try:
            while self._write_some():
                self._tell_if_ready()
        except OSError as error:
            log.debug("a pipe's client takes no more: %s", error)
            with self._changed:
                self._is_gone = True
            self._tell_if_ready()
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed)
        self._pipe.close()
        self._killer.cancel()

    def _write_some(self) -> bool:
        """Write what there is, and wait until there is; tell whether there may be more."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._outbox or self._shall_end_writing or self._is_closed
            )
            if not self._outbox:
                if self._is_closed:
                    return False
                self._shall_end_writing = False
                must_end = True
            else:
                must_end = False
                data = self._outbox[0]
        if must_end:
            self._pipe.end_writing()
            return True
        self._pipe.write(data)
        with self._changed:
            self._outbox.popleft()
            self._outbox_bytes -= len(data)
        return True
