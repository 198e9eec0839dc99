"""Where clients come in: a Unix socket, named pipes, a TCP port on loopback."""

from __future__ import annotations

import errno
import logging
import socket
import sys
import time
from pathlib import Path
from typing import Callable, Protocol, Union

from boot2docker_py.endpoint import control
from boot2docker_py.endpoint.relay.client import Client, SocketClient
from boot2docker_py.endpoint.relay.door import Door
from boot2docker_py.endpoint.relay.gatekeeper import Gatekeeper
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.pipe_client import PipeClient
from boot2docker_py.endpoint.relay.room import Room
from boot2docker_py.endpoint.status import ListenerStatus, Settings
from boot2docker_py.errors import NetworkError
from boot2docker_py.host import named_pipe
from boot2docker_py.host.port_problem import port_problem

log = logging.getLogger(__name__)

TRY_AGAIN_S = 5.0
LOOPBACK = "127.0.0.1"

OnClient = Callable[[Client], None]


class Listener(Protocol):
    """One place where clients come in."""

    where: str  # as DOCKER_HOST names it
    can_be_taken_over: bool  # by another process, while this one is open

    def open(self, loop: Loop, room: Room, on_client: OnClient) -> None:
        """Take clients from now on, as many as there is room for.

        `on_client` is called in the loop's thread.

        Raises:
            OSError: it cannot be had.
        """

    def why_not(self, error: OSError) -> str:
        """Return why it cannot be opened, for a person."""

    def is_ours(self) -> bool:
        """Tell whether clients still come to us."""

    def close(self) -> None:
        """Take no more clients, and leave nothing behind."""


class _SocketListener:
    """What both kinds of socket have in common."""

    _door: Door

    def _serve(
        self,
        server: socket.socket,
        loop: Loop,
        room: Room,
        on_client: Callable[[SocketClient], object],
    ) -> None:
        # One at a time: asking whether there is another costs more than the next event.
        self._door = Door(loop, server, room, on_client)

    def why_not(self, error: OSError) -> str:
        """See `Listener`."""
        return _in_words(error)

    def close(self) -> None:
        """See `Listener`."""
        self._door.close()


class UnixListener(_SocketListener):
    """A Unix socket for the user alone."""

    can_be_taken_over = True

    def __init__(self, path: Path) -> None:
        self.where = f"unix://{path}"
        self._path = path

    def open(self, loop: Loop, room: Room, on_client: OnClient) -> None:
        """See `Listener`."""
        server = control.listen(self._path)
        self._inode = self._path.stat().st_ino
        self._serve(server, loop, room, on_client)

    def is_ours(self) -> bool:
        """See `Listener`."""
        return control.is_ours(self._path, self._inode)

    def close(self) -> None:
        """See `Listener`."""
        super().close()
        if self.is_ours():
            self._path.unlink()


class TcpListener(_SocketListener):
    """A port on loopback, which every user of this machine can reach."""

    can_be_taken_over = False

    def __init__(self, port: int) -> None:
        self.where = f"tcp://{LOOPBACK}:{port}"
        self._port = port

    def open(self, loop: Loop, room: Room, on_client: OnClient) -> None:
        """See `Listener`."""
        server = socket.create_server((LOOPBACK, self._port), backlog=control.BACKLOG)
        self._serve(server, loop, room, lambda client: Gatekeeper(loop, client, on_client))

    def why_not(self, error: OSError) -> str:
        """See `Listener`."""
        return f"it is {port_problem('tcp', LOOPBACK, self._port, error)}"

    def is_ours(self) -> bool:
        """See `Listener`."""
        return True


class PipeListener:
    """A named pipe of Windows for the user alone."""

    can_be_taken_over = False

    def __init__(self, pipe: str) -> None:
        self.where = named_pipe.docker_host(pipe)
        self._pipe = pipe

    def open(self, loop: Loop, room: Room, on_client: OnClient) -> None:  # noqa: ARG002
        """See `Listener`; a pipe takes no descriptor."""
        if sys.platform == "win32":
            self._server = named_pipe.Listener(
                self._pipe,
                lambda handle: loop.call_soon(lambda: on_client(PipeClient(handle))),
            )
            self._server.start()
        else:
            raise OSError("there are no named pipes here")

    def why_not(self, error: OSError) -> str:
        """See `Listener`."""
        # CreateNamedPipeW, of the first instance: another program has the name. All users of a
        # machine share the names of pipes.
        if error.errno == errno.EACCES:
            return "another program serves there, maybe another user's"
        return _in_words(error)

    def is_ours(self) -> bool:
        """See `Listener`."""
        return True

    def close(self) -> None:
        """See `Listener`."""
        if sys.platform == "win32":
            self._server.close()


def _in_words(error: OSError) -> str:
    return error.strerror or str(error)


AnyListener = Union[UnixListener, TcpListener, PipeListener]


def at(socket: Path, platform: str = sys.platform) -> AnyListener:
    """Return the listener at a Unix socket, or at the pipe that stands for it."""
    if platform == "win32":
        return PipeListener(named_pipe.pipe_at(socket))
    return UnixListener(socket)


def wanted(settings: Settings, platform: str = sys.platform) -> list[AnyListener]:
    """Return where clients are to come in; the first is the one that must be had."""
    listeners: list[AnyListener]
    if platform == "win32":
        # Where docker looks when nothing is set; another program may have it.
        pipes = named_pipe.pipe_of_vm(settings.vm_name), named_pipe.DOCKER_DEFAULT
        listeners = [PipeListener(pipe) for pipe in pipes]
    else:
        listeners = [UnixListener(settings.paths.docker_socket)]
    if settings.tcp_port:
        listeners.append(TcpListener(settings.tcp_port))
    return listeners


class Listeners:
    """All listeners of a forwarder; those that cannot be had are tried again now and then."""

    def __init__(
        self, loop: Loop, listeners: list[AnyListener], room: Room, on_client: OnClient
    ) -> None:
        self._loop = loop
        self._room = room
        self._on_client = on_client
        self._listeners = listeners
        self._problems: dict[str, str] = {}
        self._next_try = 0.0

    def __enter__(self) -> Listeners:
        """Open them.

        Raises:
            NetworkError: another program has the place of the first one.
            OSError: the file of the first one cannot be made.
        """
        first, *others = self._listeners
        try:
            first.open(self._loop, self._room, self._on_client)
        except OSError as error:
            if error.filename is not None or error.errno == errno.ENOSPC:  # it is about a file
                raise
            raise NetworkError(
                f"the engine cannot be served at {first.where}",
                details=first.why_not(error),
                resolution="End what serves there, or use a VM of another name, with --vm.",
            ) from error
        for listener in others:
            self._try(listener)
        self._next_try = time.monotonic() + TRY_AGAIN_S
        return self

    def __exit__(self, *_exception: object) -> None:
        for listener in self._listeners:
            if listener.where not in self._problems:
                listener.close()

    def are_wanted(self) -> bool:
        """Tell whether the first one still is ours."""
        return self._listeners[0].is_ours()

    def try_again(self) -> None:
        """Open what could not be had before; for every tick."""
        if self._problems and time.monotonic() >= self._next_try:
            self._next_try = time.monotonic() + TRY_AGAIN_S
            for listener in self._listeners:
                if listener.where in self._problems:
                    self._try(listener)

    def status(self) -> tuple[ListenerStatus, ...]:
        """Return where clients come in, and where they do not, and why."""
        return tuple(
            ListenerStatus(listener.where, self._problems.get(listener.where, ""))
            for listener in self._listeners
        )

    def _try(self, listener: AnyListener) -> None:
        try:
            listener.open(self._loop, self._room, self._on_client)
        except OSError as error:
            problem = listener.why_not(error)
            if listener.where not in self._problems:
                log.info("cannot serve at %s: %s", listener.where, problem)
            self._problems[listener.where] = problem
        else:
            if self._problems.pop(listener.where, ""):
                log.info("serves at %s, too", listener.where)
