"""Ask the Docker Engine whether it is there, and what it is, over any stream to its socket."""

from __future__ import annotations

import contextlib
from typing import Any, Callable

from boot2docker_py.errors import GuestError
from boot2docker_py.guest import http
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.untrusted import LATEST_S, integer, parsed_json
from boot2docker_py.wait import Deadline

ANSWER_LIMIT_BYTES = 64 * 1024
LIST_LIMIT_BYTES = 4 * 1024 * 1024
PING = "/_ping"  # Engine API, "SystemPing"
PING_WITHIN_S = 10.0

OpenStream = Callable[[], Stream]


def ping(open_stream: OpenStream, timeout_s: float = PING_WITHIN_S) -> str | None:
    """Return None when the engine says that it is well, else the reason in a few words."""
    try:
        stream = open_stream()
    except GuestError as error:
        return f"{error.brief}: {error.details}"
    except OSError as error:
        return f"no connection: {error.strerror or error}"
    try:
        return _reason(*_exchange(stream, PING, timeout_s, ANSWER_LIMIT_BYTES))
    except http.SilentError:
        return "connected, but the engine said nothing"
    except OSError as error:
        return f"no answer: {error.strerror or error or type(error).__name__}"
    except ValueError as error:
        return f"no answer: {error}"


def time_s(open_stream: OpenStream, timeout_s: float = 10.0) -> float | None:
    """Return the seconds since 1970 on the engine's clock, None when it does not tell."""
    import email.utils  # slow to load, and few ask

    answer, _body = _answer(open_stream, PING, timeout_s)
    with contextlib.suppress(ValueError, LookupError, OverflowError):  # of what is no date
        told = email.utils.parsedate_tz(answer.head.get("date", ""))
        return integer(email.utils.mktime_tz(told), 0, LATEST_S) if told else None
    return None


def version(open_stream: OpenStream, timeout_s: float = 10.0) -> dict[str, Any]:
    """Return what the engine says of its version, nothing when it says nothing of use."""
    told = _told(open_stream, "/version", timeout_s)
    return told if isinstance(told, dict) else {}


def info(open_stream: OpenStream, timeout_s: float = 10.0) -> dict[str, Any]:
    """Return what the engine says of itself, nothing when it says nothing of use."""
    told = _told(open_stream, "/info", timeout_s, LIST_LIMIT_BYTES)
    return told if isinstance(told, dict) else {}


def containers(open_stream: OpenStream, timeout_s: float = 10.0) -> list[dict[str, Any]]:
    """Return the engine's containers, all of them; nothing when it says nothing of use."""
    told = _told(open_stream, "/containers/json?all=1", timeout_s, LIST_LIMIT_BYTES)
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def networks(open_stream: OpenStream, timeout_s: float = 10.0) -> list[dict[str, Any]]:
    """Return the engine's networks; nothing when it says nothing of use."""
    told = _told(open_stream, "/networks", timeout_s, LIST_LIMIT_BYTES)
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _told(
    open_stream: OpenStream, path: str, timeout_s: float, limit_bytes: int = ANSWER_LIMIT_BYTES
) -> Any:
    """Return what the engine answers, None when it is no JSON."""
    _head, body = _answer(open_stream, path, timeout_s, limit_bytes)
    with contextlib.suppress(ValueError):
        return parsed_json(body)
    return None


def _answer(
    open_stream: OpenStream, path: str, timeout_s: float, limit_bytes: int = ANSWER_LIMIT_BYTES
) -> tuple[http.Answer, bytes]:
    """Return what the engine answers, nothing when it cannot be asked."""
    with contextlib.suppress(GuestError, OSError, ValueError):
        return _exchange(open_stream(), path, timeout_s, limit_bytes)
    return http.Answer("", {}, b""), b""


def _exchange(
    stream: Stream, path: str, timeout_s: float, limit_bytes: int
) -> tuple[http.Answer, bytes]:
    deadline = Deadline(timeout_s)
    with contextlib.closing(stream):
        answer = http.ask(stream, path, deadline)
        return answer, http.body(stream, answer, limit_bytes, deadline)


def _reason(answer: http.Answer, body: bytes) -> str | None:
    with contextlib.suppress(ValueError, LookupError, TypeError):  # Engine API, ErrorResponse
        return str(parsed_json(body)["message"])
    if answer.is_ok and body.strip() == b"OK":
        return None
    return f"the engine answered '{answer.status_line}'"
