"""What a client hears while there is no way to the engine: a quick answer in the engine's own form.

The docker client prints the message of such an answer. A mere hang-up would make it say that the
daemon does not run, and not why.
"""

from __future__ import annotations

import contextlib
import json
import time

from boot2docker_py.endpoint.relay.client import Client
from boot2docker_py.endpoint.relay.first_request import FirstRequest
from boot2docker_py.endpoint.relay.loop import Loop

# A docker client asks at once; anything slower is not one.
ASK_WITHIN_S = 2.0


class Refusal:
    """Read a client's question, answer it with `message`, and hang up."""

    def __init__(self, loop: Loop, client: Client, message: str) -> None:
        self._client = client
        self._message = message
        self._end_at = time.monotonic() + ASK_WITHIN_S
        self._request = FirstRequest(loop, client, self._answer, self._end)
        self._request.read()  # a gatekeeper may have read, and given back, all that it sends

    @property
    def is_over(self) -> bool:
        """Tell whether the client is gone; ends one that has taken too long."""
        if not self._client.is_closed() and time.monotonic() > self._end_at:
            self._end()
        return self._client.is_closed()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            self._client.send(memoryview(answer(self._message)))
        self._end()

    def _end(self) -> None:
        self._request.leave()
        self._client.close()


def answer(message: str, status: str = "503 Service Unavailable") -> bytes:
    """Return the engine's form of an error: Engine API, ErrorResponse."""
    body = json.dumps({"message": message}).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
