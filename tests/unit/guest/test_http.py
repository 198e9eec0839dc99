"""What an engine answers has bounds, whatever the guest sends."""

from __future__ import annotations

import pytest

from boot2docker_py.guest import http
from boot2docker_py.wait import Deadline

LONG_S = 60.0
MEGABYTE = 1024 * 1024


class Engine:
    """A stream on which an engine says the pieces, and then the last one again and again."""

    def __init__(self, *pieces: bytes, is_endless: bool = False) -> None:
        self._pieces = list(pieces)
        self._is_endless = is_endless
        self.said_bytes = 0

    def sendall(self, data: bytes) -> None:
        assert data.startswith(b"GET /x HTTP/1.0\r\n")

    def recv(self, limit: int) -> bytes:
        is_last = self._is_endless and len(self._pieces) == 1
        piece = self._pieces[0] if is_last else self._pieces.pop(0) if self._pieces else b""
        self.said_bytes += len(piece[:limit])
        return piece[:limit]

    def settimeout(self, timeout_s: float) -> None:
        assert timeout_s > 0

    def close(self) -> None:
        """Nothing is open."""


def test_a_body_is_read_to_its_end() -> None:
    engine = Engine(b"HTTP/1.0 200 OK\r\nDate: ", b"today\r\n\r\n[", b"1]")
    answer = http.ask(engine, "/x", Deadline(LONG_S))
    assert (answer.is_ok, answer.head["date"]) == (True, "today")
    assert http.body(engine, answer, 3, Deadline(LONG_S)) == b"[1]"


def test_a_body_without_end_costs_its_bound() -> None:
    engine = Engine(b"HTTP/1.0 200 OK\r\n\r\n", b"[" * 65536, is_endless=True)
    answer = http.ask(engine, "/x", Deadline(LONG_S))
    with pytest.raises(ValueError, match="no end"):
        http.body(engine, answer, 8 * MEGABYTE, Deadline(LONG_S))
    assert engine.said_bytes < 9 * MEGABYTE


def test_a_head_without_end_costs_its_bound() -> None:
    engine = Engine(b"x" * 65536, is_endless=True)
    with pytest.raises(ValueError, match="no end"):
        http.ask(engine, "/x", Deadline(LONG_S))
    assert engine.said_bytes <= 2 * (http.HEAD_LIMIT_BYTES + http.CHUNK_BYTES)


def test_who_hangs_up_is_silent() -> None:
    with pytest.raises(http.SilentError):
        http.ask(Engine(), "/x", Deadline(LONG_S))


def test_a_body_that_drips_ends_with_the_deadline() -> None:
    engine = Engine(b"HTTP/1.0 200 OK\r\n\r\n", b"x", is_endless=True)
    answer = http.ask(engine, "/x", Deadline(LONG_S))
    with pytest.raises(OSError, match="timed out"):
        http.body(engine, answer, MEGABYTE, Deadline(0))
