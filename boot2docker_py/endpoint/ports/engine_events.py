"""Follow the engine's containers: one list, then the engine's own events; nothing is polled.

HTTP/1.0, so that an answer is not chunked and ends with its connection (RFC 9112, section 6.1).
An event is not applied to the list but asks for it again. So the list is always the engine's own,
and events that come together cost one question.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import logging
import queue
import socket
import threading
import time
import urllib.parse
from typing import Any, Callable, Mapping, Sequence

from boot2docker_py import untrusted
from boot2docker_py.endpoint.way.reach import Reach
from boot2docker_py.wait import Deadline, Pauses

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 30.0
CHUNK_BYTES = 64 * 1024
HEAD_LIMIT_BYTES = 64 * 1024
LIST_LIMIT_BYTES = 8 * 1024 * 1024  # some 5000 containers
LINE_LIMIT_BYTES = 4 * 1024 * 1024

# The engine tells of a network a little before its list knows of it.
SETTLE_S = 0.3

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0

# After these the list of containers, or what they publish, may be another.
FILTERS = {
    "type": ["container", "network"],
    "event": ["start", "die", "rename", "connect", "disconnect"],
}

Container = Mapping[str, Any]  # Engine API, "ContainerList": one object of the answer
OnList = Callable[[Sequence[Container]], None]
OnLost = Callable[[str], None]
Call = Callable[[], None]


class ContainerWatch(threading.Thread):
    """Tell of the running containers, again whenever they change, and when they are not known.

    Both are told in the thread of the watch. `open_engine` returns a connection to the engine, or
    one that is closed at once when there is none. While `reach` is held nothing is reported: the
    last list stays valid enough until the VM is gone.
    """

    def __init__(
        self,
        open_engine: Callable[[], socket.socket],
        reach: Reach,
        on_list: OnList,
        on_lost: OnLost,
    ) -> None:
        super().__init__(daemon=True, name="containers")
        self._open_engine = open_engine
        self._reach = reach
        self._on_list = on_list
        self._on_lost = on_lost
        self._pauses = Pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._asking = threading.Lock()  # so that no list is told after a newer one
        self._refreshes: queue.SimpleQueue[Call] = queue.SimpleQueue()

    def start(self) -> None:
        """Follow the engine from now on, and refresh what is known when asked to."""
        super().start()
        threading.Thread(target=self._refresh, daemon=True, name="refresh").start()

    def refresh(self, on_told: Call) -> None:
        """Ask for the list now; call `on_told` when it was told, or is not to be had."""
        self._refreshes.put(on_told)

    def run(self) -> None:
        """Follow the engine for as long as the process lives."""
        while True:
            self._reach.wait_while_held()
            if not self._reach.is_connected():
                self._on_lost("not connected to the VM")
                self._reach.wait_until_connected()
                continue
            reason = self._why_it_ended()
            if not self._reach.is_held():
                self._on_lost(reason)
                time.sleep(self._pauses.next())

    def _why_it_ended(self) -> str:
        try:
            self._follow()
        except (OSError, ValueError) as error:
            return str(error) or type(error).__name__
        except Exception as error:
            log.exception("a defect of boot2docker")
            return f"the forwarder failed: {error!r}"
        return "the engine has ended its events"

    def _follow(self) -> None:
        since = self._tell_list()
        self._pauses.reset()
        with contextlib.closing(self._open_engine()) as stream, self._reach.ends(stream):
            _head, data = ask(stream, _events_path(since))
            rest, is_unsettled = b"", False
            while True:
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > LINE_LIMIT_BYTES:
                    raise ValueError("the engine's events have no end of line")
                kinds = {_kind(line) for line in lines if line.strip()}
                is_unsettled = is_unsettled or "network" in kinds
                if "container" in kinds:
                    self._tell_list()
                try:
                    stream.settimeout(SETTLE_S if is_unsettled else None)
                    data = stream.recv(CHUNK_BYTES)
                except socket.timeout:
                    is_unsettled, data = False, b""
                    self._tell_list()
                    continue
                if not data:
                    return

    def _refresh(self) -> None:
        while True:
            waiting = [self._refreshes.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.append(self._refreshes.get_nowait())
            try:
                self._tell_list()
            except (OSError, ValueError, LookupError, TypeError) as error:
                log.debug("no list of containers: %s", error)  # who follows the events says why
            for on_told in waiting:
                on_told()

    def _tell_list(self) -> str:
        """Tell the containers that there are now; return the engine's time of that, if it says."""
        with self._asking:
            with contextlib.closing(self._open_engine()) as stream:
                head, data = ask(stream, "/containers/json")
                containers = untrusted.parsed_json(_rest_of(stream, data))
            if not isinstance(containers, list):
                raise ValueError("the engine's list of containers is none")  # noqa: TRY004
            self._on_list([one for one in containers if isinstance(one, dict)])
        return head.get("date", "")


def _kind(line: bytes) -> str:
    event = untrusted.parsed_json(line)
    return str(event.get("Type")) if isinstance(event, dict) else ""


def _rest_of(stream: socket.socket, begun: bytes) -> bytes:
    """Return the whole body of an answer, which has a bound in size and in time."""
    deadline = Deadline(ANSWER_WITHIN_S)
    body = bytearray(begun)
    while True:
        stream.settimeout(max(deadline.remaining_s(), 0.001))
        data = stream.recv(CHUNK_BYTES)
        if not data:
            return bytes(body)
        body += data
        if len(body) > LIST_LIMIT_BYTES or deadline.has_passed():
            raise ValueError("the engine's list of containers has no end")


def ask(stream: socket.socket, path: str) -> tuple[dict[str, str], bytes]:
    """Ask the engine for `path`; return the head of its answer and what came of the body so far.

    Raises:
        OSError: no answer.
        ValueError: an answer, but not the one wanted.
    """
    stream.settimeout(ANSWER_WITHIN_S)
    stream.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode("ascii"))
    received = b""
    while b"\r\n\r\n" not in received:
        data = stream.recv(CHUNK_BYTES)
        if not data or len(received) > HEAD_LIMIT_BYTES:
            raise ConnectionError("the engine does not answer")
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    if status_line.split()[1:2] != ["200"]:
        raise ValueError(f"the engine answered '{status_line}'")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}, body


def _events_path(since: str) -> str:
    """Return what to ask for; also for what happened since the list, by the engine's own clock."""
    fields = {"filters": json.dumps(FILTERS)}
    # The engine did not say, or a time that is none.
    with contextlib.suppress(TypeError, ValueError, OverflowError, OSError):
        fields["since"] = str(int(email.utils.parsedate_to_datetime(since).timestamp()))
    return f"/events?{urllib.parse.urlencode(fields)}"
