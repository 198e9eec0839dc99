"""The engine's answer, over real sockets: well, or a reason in words."""

from __future__ import annotations

import socket
import threading
from typing import Callable, cast

import pytest

from boot2docker_py.guest import engine
from boot2docker_py.ssh.stream import Stream


def engine_that_answers(answer: bytes) -> Callable[[], Stream]:
    """Return a way to connect to a server that answers just that to any question, and hangs up."""

    def open_stream() -> Stream:
        ours, theirs = socket.socketpair()

        def serve() -> None:
            with theirs:
                theirs.recv(1000)
                theirs.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return cast(Stream, ours)

    return open_stream


def test_an_engine_that_says_ok_is_well() -> None:
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nOK"
    assert engine.ping(engine_that_answers(answer)) is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "connected, but the engine said nothing"),
        (
            b"HTTP/1.0 500 Internal Server Error\r\n\r\nOK",
            "the engine answered 'HTTP/1.0 500 Internal Server Error'",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nhalf", "the engine answered 'HTTP/1.0 200 OK'"),
        (b"\x15\x03\x01", "the engine answered '\x15\x03\x01'"),
    ],
)
def test_anything_else_is_a_reason(answer: bytes, reason: str) -> None:
    assert engine.ping(engine_that_answers(answer)) == reason


def test_silence_is_a_reason_in_time() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        reason = engine.ping(lambda: cast(Stream, ours), timeout_s=0.1)
    assert reason == "no answer: timed out"


def test_a_socket_that_is_not_there_is_a_reason() -> None:
    def refuse() -> Stream:
        raise FileNotFoundError(2, "No such file or directory")

    assert engine.ping(refuse) == "no connection: No such file or directory"


def test_time_is_that_of_the_answer() -> None:
    answer = b"HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 22:27:01 GMT\r\n\r\nOK"
    assert engine.time_s(engine_that_answers(answer)) == 1795559221


@pytest.mark.parametrize(
    "date",
    [
        b"Tue, 24 Nov 99999 22:27:01 GMT",
        b"Tue, 24 Nov -3000 22:27:01 GMT",
        b"Tue, 24 Nov 2026 22:27:01 +" + b"9" * 1000,
        b"Nov - , 99:99:99 2026 a:b",  # on which the library of Python 3.8 fails
        b"Tue, 24 Nov 1926 22:27:01 GMT",
    ],
)
def test_time_that_cannot_be_is_not_told(date: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nDate: " + date + b"\r\n\r\nOK"
    assert engine.time_s(engine_that_answers(answer)) is None


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 200 OK\r\nDate: soon\r\n\r\nOK", b"\xff\r\n"])
def test_time_and_version_that_are_not_told(answer: bytes) -> None:
    assert engine.time_s(engine_that_answers(answer)) is None
    assert engine.version(engine_that_answers(answer)) == {}


def test_version() -> None:
    answer = b'HTTP/1.0 200 OK\r\n\r\n{"ApiVersion":"1.40","MinAPIVersion":"1.12"}'
    told = engine.version(engine_that_answers(answer))
    assert (told["ApiVersion"], told["MinAPIVersion"]) == ("1.40", "1.12")
