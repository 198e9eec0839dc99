"""One question to the engine, in HTTP/1.0: its answer is not chunked, and ends with its connection.

RFC 9112, section 6.1. What comes back is the guest's: it has bounds in size and in time.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple

from boot2docker_py.ssh.stream import Stream
from boot2docker_py.wait import Deadline

CHUNK_BYTES = 64 * 1024
HEAD_LIMIT_BYTES = 64 * 1024
LEAST_TIMEOUT_S = 0.001  # with 0 a stream would not wait at all


class SilentError(ConnectionError):
    """The engine hung up without a word."""

    def __init__(self) -> None:
        super().__init__("the engine does not answer")


class Answer(NamedTuple):
    """What the engine said before the body of its answer."""

    status_line: str
    head: Mapping[str, str]  # the names in small letters
    begun: bytes  # what came of the body with it

    @property
    def is_ok(self) -> bool:
        """Tell whether the question was answered, or what it asked for was made."""
        return self.status_line.split()[1:2] in (["200"], ["201"])


def ask(
    stream: Stream, path: str, deadline: Deadline, *, method: str = "GET", document: bytes = b""
) -> Answer:
    """Ask for `path`, with a JSON document if one is given; return the head of the answer.

    Raises:
        SilentError: the engine hung up.
        OSError: there is no answer in time.
        ValueError: the head has no end.
    """
    stream.settimeout(_timeout_s(deadline))
    lines = [f"{method} {path} HTTP/1.0", "Host: docker"]
    if method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(document)}"]
    stream.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + document)
    received = bytearray()
    while b"\r\n\r\n" not in received:
        data = _received(stream, deadline)
        if not data:
            break  # whoever answers in another way than HTTP is quoted, too
        received += data
        if len(received) > HEAD_LIMIT_BYTES + CHUNK_BYTES:
            raise ValueError("the head of the engine's answer has no end")
    if not received:
        raise SilentError
    head, _, begun = bytes(received).partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    named = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Answer(status_line, named, begun)


def body(stream: Stream, answer: Answer, limit_bytes: int, deadline: Deadline) -> bytes:
    """Return the whole body of an answer.

    Raises:
        OSError: it does not end in time.
        ValueError: it is longer than `limit_bytes`.
    """
    whole = bytearray(answer.begun)
    while len(whole) <= limit_bytes:
        data = _received(stream, deadline)
        if not data:
            return bytes(whole)
        whole += data
    raise ValueError("the engine's answer has no end")


def _received(stream: Stream, deadline: Deadline) -> bytes:
    if deadline.has_passed():
        raise TimeoutError("timed out")
    stream.settimeout(_timeout_s(deadline))
    return stream.recv(CHUNK_BYTES)


def _timeout_s(deadline: Deadline) -> float:
    return max(deadline.remaining_s(), LEAST_TIMEOUT_S)
