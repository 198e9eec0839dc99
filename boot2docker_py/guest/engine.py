"""Ask the Docker Engine whether it is there, and what it is, over any stream to its socket."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Callable

from boot2docker_py.errors import GuestError
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.untrusted import parsed_json

# Engine API, "SystemPing"; HTTP/1.0, so that the answer ends with the connection.
REQUEST = b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"
ANSWER_LIMIT_BYTES = 64 * 1024
LIST_LIMIT_BYTES = 4 * 1024 * 1024


def ping(open_stream: Callable[[], Stream], timeout_s: float = 10.0) -> str | None:
    """Return None when the engine says that it is well, else the reason in a few words."""
    try:
        stream = open_stream()
    except GuestError as error:
        return f"{error.brief}: {error.details}"
    except OSError as error:
        return f"no connection: {error.strerror or error}"
    try:
        stream.settimeout(timeout_s)
        stream.sendall(REQUEST)
        return _reason(_read_to_the_end(stream))
    except OSError as error:
        return f"no answer: {error.strerror or error or type(error).__name__}"
    finally:
        stream.close()


def time_s(open_stream: Callable[[], Stream], timeout_s: float = 10.0) -> float | None:
    """Return the seconds since 1970 on the engine's clock, None when it does not tell."""
    import email.utils  # slow to load, and few ask

    head, _, _body = _answer(open_stream, REQUEST, timeout_s).partition(b"\r\n\r\n")
    for line in head.decode("ascii", errors="replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "date":
            told = email.utils.parsedate_tz(value)
            return email.utils.mktime_tz(told) if told else None
    return None


def version(open_stream: Callable[[], Stream], timeout_s: float = 10.0) -> dict[str, Any]:
    """Return what the engine says of its version, nothing when it says nothing of use."""
    request = REQUEST.replace(b"/_ping", b"/version")
    _head, _, body = _answer(open_stream, request, timeout_s).partition(b"\r\n\r\n")
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def containers(open_stream: Callable[[], Stream], timeout_s: float = 10.0) -> list[dict[str, Any]]:
    """Return the engine's containers, all of them; nothing when it says nothing of use."""
    request = REQUEST.replace(b"/_ping", b"/containers/json?all=1")
    answer = _answer(open_stream, request, timeout_s, LIST_LIMIT_BYTES)
    try:
        told = parsed_json(answer.partition(b"\r\n\r\n")[2])
    except ValueError:
        return []
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _answer(
    open_stream: Callable[[], Stream],
    request: bytes,
    timeout_s: float,
    limit_bytes: int = ANSWER_LIMIT_BYTES,
) -> bytes:
    """Return all that the engine answers, nothing when it cannot be asked."""
    try:
        stream = open_stream()
    except (GuestError, OSError):
        return b""
    try:
        stream.settimeout(timeout_s)
        stream.sendall(request)
        return _read_to_the_end(stream, limit_bytes)
    except OSError:
        return b""
    finally:
        stream.close()


def _read_to_the_end(stream: Stream, limit_bytes: int = ANSWER_LIMIT_BYTES) -> bytes:
    answer = b""
    while len(answer) < limit_bytes:
        data = stream.recv(4096)
        if not data:
            break
        answer += data
    return answer


def _reason(answer: bytes) -> str | None:
    if not answer:
        return "connected, but the engine said nothing"
    head, _, body = answer.partition(b"\r\n\r\n")
    with contextlib.suppress(ValueError, LookupError, TypeError):  # Engine API, ErrorResponse
        return str(json.loads(body)["message"])
    status_line = head.split(b"\r\n")[0].decode("ascii", errors="replace")
    if status_line.split()[1:2] == ["200"] and body.strip() == b"OK":
        return None
    return f"the engine answered '{status_line}'"
