"""The head of the first request of a client, which comes in pieces, with a bound."""

from __future__ import annotations

from typing import Callable

from boot2docker_py.endpoint.relay.client import Client
from boot2docker_py.endpoint.relay.loop import READ, Loop

LIMIT_BYTES = 64 * 1024
_END = b"\r\n\r\n"


class FirstRequest:
    """Read until the head is whole, and no further; for the loop's thread."""

    def __init__(
        self,
        loop: Loop,
        client: Client,
        on_whole: Callable[[], None],
        on_none: Callable[[], None],
    ) -> None:
        """Call `on_whole`, or `on_none` of a client that has ended or says too much."""
        self.received = b""
        self._loop = loop
        self._client = client
        self._on_whole = on_whole
        self._on_none = on_none
        client.watch(loop, READ, lambda _events: self.read())

    @property
    def head(self) -> bytes:
        """Return the head without the empty line behind it."""
        return self.received.partition(_END)[0]

    def read(self) -> None:
        """Read what has come, and make one of the calls where that is enough for it."""
        memory = memoryview(self._loop.scratch)[:LIMIT_BYTES]
        try:
            count = self._client.recv_into(memory)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        self.received += bytes(memory[:count])
        if _END in self.received:
            self._on_whole()
        elif not count or len(self.received) >= LIMIT_BYTES:
            self._on_none()

    def leave(self) -> None:
        """Read no more."""
        self._client.watch(self._loop, 0, lambda _events: None)
