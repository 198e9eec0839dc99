"""Follow what publishes ports: one list, then the engine's own events; nothing is polled.

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
from typing import Any, Callable, Mapping, Sequence, cast

from boot2docker_py import untrusted
from boot2docker_py.endpoint.way.reach import Reach
from boot2docker_py.guest import http
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.wait import Deadline, Pauses

log = logging.getLogger(__name__)

# An engine that is too slow to answer in time answers all the same, before what it is asked next:
# it is given more each time.
ANSWER_WITHIN_S, LONGEST_ANSWER_S = 30.0, 480.0
CHUNK_BYTES = 64 * 1024
LIST_LIMIT_BYTES = 8 * 1024 * 1024  # some 5000 containers
LINE_LIMIT_BYTES = 4 * 1024 * 1024

# The engine tells of a network a little before its list knows of it.
SETTLE_S = 0.3

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0

# After these the list of containers or of services, or what they publish, may be another.
FILTERS = {
    "type": ["container", "network", "service", "node"],
    "event": ["start", "die", "rename", "connect", "disconnect", "create", "update", "remove"],
}
OF_SWARM = ("service", "node")

# Engine API, "ContainerList" or "ServiceList": one object of the answer.
Publishing = Mapping[str, Any]
OnList = Callable[[Sequence[Publishing]], None]
OnLost = Callable[[str], None]
Call = Callable[[], None]


class ContainerWatch(threading.Thread):
    """Tell of the running containers and of the services that publish by the routing mesh.

    Again whenever they change, and when they are not known.

    Both are called in the thread of the watch. `open_engine` returns a connection to the engine, or
    one that is closed at once when there is none. While `reach` is held nothing is reported: the
    last list stays valid enough until the VM is gone. `answers` are the seconds that an answer is
    waited for, ever longer.
    """

    def __init__(
        self,
        open_engine: Callable[[], socket.socket],
        reach: Reach,
        on_list: OnList,
        on_lost: OnLost,
        answers: Pauses | None = None,
    ) -> None:
        super().__init__(daemon=True, name="containers")
        self._open_engine = open_engine
        self._reach = reach
        self._on_list = on_list
        self._on_lost = on_lost
        self._pauses = Pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._answers = answers or Pauses(ANSWER_WITHIN_S, LONGEST_ANSWER_S)
        self._asking = threading.Lock()  # so that no list is passed on after a newer one
        self._services: Sequence[Publishing] = ()
        self._refreshes: queue.SimpleQueue[Call] = queue.SimpleQueue()

    def start(self) -> None:
        """Follow the engine from now on, and refresh what is known when asked to."""
        super().start()
        threading.Thread(target=self._refresh, daemon=True, name="refresh").start()

    def refresh(self, on_told: Call) -> None:
        """Ask for the list now; call `on_told` when it was passed on, or is not to be had."""
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
        except (socket.timeout, TimeoutError):  # two kinds before Python 3.10
            self._answers.next()
            return "the engine does not answer in time"
        except (OSError, ValueError) as error:
            return str(error) or type(error).__name__
        except Exception as error:
            log.exception("a defect of boot2docker")
            return f"the forwarder failed: {error!r}"
        return "the engine has ended its events"

    def _follow(self) -> None:
        self._ask_for_services()
        since = self._tell_list()
        self._pauses.reset()
        with contextlib.closing(self._open_engine()) as stream, self._reach.ends(stream):
            data = _asked(stream, events_path(since), Deadline(self._answers.upcoming_s)).begun
            rest, is_unsettled = b"", False
            while True:
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > LINE_LIMIT_BYTES:
                    raise ValueError("the engine's events have no end of line")
                kinds = {_kind(line) for line in lines if line.strip()}
                is_unsettled = is_unsettled or "network" in kinds
                if kinds.intersection(OF_SWARM):
                    self._ask_for_services()
                if kinds.intersection(("container", *OF_SWARM)):
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
                deadline = Deadline(self._answers.upcoming_s)
                answer = _asked(stream, "/containers/json", deadline)
                containers = _listed(stream, answer, deadline)
            self._on_list([*containers, *self._services])
        return answer.head.get("date", "")

    def _ask_for_services(self) -> None:
        """Ask for the services of a swarm; an engine that manages none has none to tell of."""
        with contextlib.closing(self._open_engine()) as stream:
            deadline = Deadline(self._answers.upcoming_s)
            answer = http.ask(cast(Stream, stream), "/services", deadline)
            self._services = _listed(stream, answer, deadline) if answer.is_ok else ()


def _asked(stream: socket.socket, path: str, deadline: Deadline) -> http.Answer:
    answer = http.ask(cast(Stream, stream), path, deadline)
    if not answer.is_ok:
        raise ValueError(f"the engine answered '{answer.status_line}'")
    return answer


def _listed(stream: socket.socket, answer: http.Answer, deadline: Deadline) -> Sequence[Publishing]:
    body = http.body(cast(Stream, stream), answer, LIST_LIMIT_BYTES, deadline)
    found = untrusted.parsed_json(body)
    if not isinstance(found, list):
        raise ValueError("the engine's list is none")  # noqa: TRY004
    return [one for one in found if isinstance(one, dict)]


def _kind(line: bytes) -> str:
    event = untrusted.parsed_json(line)
    return str(event.get("Type")) if isinstance(event, dict) else ""


def events_path(since: str) -> str:
    """Return what to ask for; also for what happened since the list, by the engine's own clock."""
    fields = {"filters": json.dumps(FILTERS)}
    # The engine did not say, or a time that is none.
    with contextlib.suppress(TypeError, ValueError, LookupError, OverflowError, OSError):
        fields["since"] = str(int(email.utils.parsedate_to_datetime(since).timestamp()))
    return f"/events?{urllib.parse.urlencode(fields)}"
