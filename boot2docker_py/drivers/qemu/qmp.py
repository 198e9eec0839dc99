"""QMP, the control protocol of QEMU: JSON over a socket, one client at a time.

https://www.qemu.org/docs/master/interop/qmp-spec.html. QEMU serves the next client when the
present one has gone, so no process keeps a connection for longer than a few commands.
"""

from __future__ import annotations

import array
import contextlib
import json
import logging
import os
import socket
import ssl
import sys
from pathlib import Path
from typing import Any, Iterator, Union

from boot2docker_py import untrusted
from boot2docker_py.drivers.qemu import tls
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 10.0
_PAUSE_S = 0.02
_PATIENCE_S = 2.0  # with one port of several

LINE_BYTES = 1 << 20  # QEMU's longest, of all its commands, are some 200 KB

# Where a QEMU listens: a Unix socket, or a port on 127.0.0.1 with TLS.
Endpoint = Union[Path, tls.Port]


class NotListeningError(Exception):
    """No QEMU is behind the endpoint."""


class NoAnswerError(Exception):
    """A QEMU is behind it, and does not answer."""


class RefusedError(Exception):
    """QEMU understood the command and did not do it; the text is its own."""


class Monitor:
    """One conversation with QEMU, which ends when its deadline passes."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._received = b""
        self._receive()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: object) -> Any:
        """Run a command and return what QEMU returns.

        Raises:
            RefusedError: QEMU says no.
            NoAnswerError: it says nothing until the deadline.
            NotListeningError: it has ended.
        """
        self._send(command, arguments)
        return self._answer()

    def hand_over(self, name: str, file_descriptor: int) -> None:
        """Give QEMU an open file under a name (`fd:NAME`); not to be had on Windows."""
        self._send("getfd", {"fdname": name}, file_descriptor)
        self._answer()

    def _send(
        self, command: str, arguments: dict[str, object], file_descriptor: int | None = None
    ) -> None:
        log.debug("qmp: %s %s", command, arguments)
        message = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        with self._translated():
            if file_descriptor is None:
                self._connection.sendall(message)
            elif sys.platform != "win32":
                descriptors = array.array("i", [file_descriptor])
                ancillary = (socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors.tobytes())
                self._connection.sendmsg([message], [ancillary])

    def _answer(self) -> Any:
        while True:
            message = self._receive()
            if "error" in message:
                error = message["error"]
                raise RefusedError(error.get("desc") if isinstance(error, dict) else error)
            if "return" in message:
                return message["return"]
            log.debug("qmp event: %s", message)

    def _receive(self) -> dict[str, Any]:
        while b"\n" not in self._received:
            if self._deadline.has_passed():
                raise NoAnswerError("it does not answer")
            if len(self._received) > LINE_BYTES:
                raise NoAnswerError("what it says has no end")
            with self._translated():
                chunk = self._connection.recv(65536)
            if not chunk:
                raise NotListeningError("QEMU has ended")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        try:
            message = untrusted.parsed_json(line)
        except ValueError as error:
            raise NoAnswerError(f"it does not speak QMP: {error}") from error
        if not isinstance(message, dict):
            raise NoAnswerError("it does not speak QMP")
        return message

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        with _translated(self._connection, self._deadline):
            yield


@contextlib.contextmanager
def connect(endpoint: Endpoint, timeout_s: float = ANSWER_TIMEOUT_S) -> Iterator[Monitor]:
    """Talk to the QEMU at the endpoint for a `with` block of at most `timeout_s` seconds.

    Raises:
        NotListeningError: there is none.
        NoAnswerError: there is one, and it is stuck, or busy with another client all the time.
        OSError: the endpoint cannot be reached for another reason.
    """
    deadline = Deadline(timeout_s)
    with _reached(endpoint, deadline) as connection:
        yield Monitor(connection, deadline)


@contextlib.contextmanager
def _reached(endpoint: Endpoint, deadline: Deadline) -> Iterator[socket.socket]:
    with contextlib.ExitStack() as opened:
        yield _first_that_answers(endpoint, deadline, opened)


def _first_that_answers(
    endpoint: Endpoint, deadline: Deadline, opened: contextlib.ExitStack
) -> socket.socket:
    """Return a connection; where another program keeps one port busy, another one may be free."""
    for place, patience in _places(endpoint, deadline):
        with contextlib.ExitStack() as tried:
            try:
                plain = tried.enter_context(_open(place, patience))
                secured = tried.enter_context(_secured(plain, place, patience))
            except NoAnswerError:
                if deadline.has_passed():
                    raise
                log.debug("%s does not answer in time", place)
            else:
                opened.enter_context(tried.pop_all())
                return secured
    raise NoAnswerError("it does not answer")


def _places(endpoint: Endpoint, deadline: Deadline) -> Iterator[tuple[Endpoint, Deadline]]:
    """Yield where to connect, and how long to wait there; at last the first, for what is left."""
    if isinstance(endpoint, tls.Port):
        patience_s = min(_PATIENCE_S, deadline.timeout_s / (len(endpoint.numbers) + 1))
        for number in endpoint.numbers:
            place = endpoint._replace(number=number)
            yield place, Deadline(deadline.remaining_s(patience_s), deadline.clock)
    yield endpoint, deadline


@contextlib.contextmanager
def _open(endpoint: Endpoint, deadline: Deadline) -> Iterator[socket.socket]:
    family, address = _address(endpoint)
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        while True:
            try:
                with _translated(connection, deadline):
                    connection.connect(address)
                break
            except BlockingIOError:  # the queue of a Unix socket is full
                if deadline.has_passed():
                    raise NoAnswerError("it accepts no connection") from None
                deadline.clock.sleep(_PAUSE_S)
        yield connection


@contextlib.contextmanager
def _secured(
    connection: socket.socket, endpoint: Endpoint, deadline: Deadline
) -> Iterator[socket.socket]:
    if not isinstance(endpoint, tls.Port):
        yield connection
        return
    with _translated(connection, deadline):
        secured = tls.client_context(endpoint.credentials).wrap_socket(
            connection, server_hostname=tls.SERVER_NAME
        )
    with secured:
        yield secured


def _address(endpoint: Endpoint) -> tuple[int, Any]:
    if isinstance(endpoint, tls.Port):
        return socket.AF_INET, (tls.HOST, endpoint.number)
    if sys.platform == "win32":
        raise NotListeningError("Python has no Unix sockets on Windows")
    else:
        return socket.AF_UNIX, os.fspath(endpoint)


@contextlib.contextmanager
def _translated(connection: socket.socket, deadline: Deadline) -> Iterator[None]:
    connection.settimeout(max(deadline.remaining_s(), 0.001))
    try:
        yield
    except socket.timeout as error:
        raise NoAnswerError("it does not answer") from error
    # Whoever does not speak our TLS, or has not our certificate, is not the QEMU that we started.
    except (FileNotFoundError, ConnectionError, ssl.SSLError) as error:
        raise NotListeningError(str(error)) from error
