"""How the engine is reached in the guest; determined once per connection.

An image whose SSH server forbids forwarding to Unix sockets (`AllowStreamLocalForwarding no`, or
OpenSSH before 6.7) has other ways in: `docker system dial-stdio`, in docker since 18.09, or an
engine that listens on the guest's own loopback.
"""

from __future__ import annotations

import logging
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Callable, cast

from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import engine
from boot2docker_py.ssh.stream import Channel, Stream
from boot2docker_py.wait import Pauses

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.ssh.stream import StreamListener

log = logging.getLogger(__name__)

DIAL_COMMAND = "docker system dial-stdio"
ENGINE_PORT = 2375
LOOK_WITHIN_S = 30.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 10.0


class Way(str, Enum):
    """How a byte gets from the SSH server to the engine."""

    SOCKET = "streamlocal"
    DIAL = "dial-stdio"
    PORT = "tcp"


class Route:
    """Open channels to the engine, by the way that this guest allows."""

    def __init__(self, engine_socket: str, engine_port: int = ENGINE_PORT) -> None:
        self._socket = engine_socket
        self._port = engine_port
        self.way: Way | None = None  # None: not known yet, tried by the first

    def open(self, connection: Connection, listener: StreamListener) -> Channel:
        """Begin to open a channel; `listener` hears how that goes."""
        if self.way is Way.DIAL:
            return connection.open_command_stream(DIAL_COMMAND, listener)
        if self.way is Way.PORT:
            return connection.open_port_stream("127.0.0.1", self._port, listener)
        return connection.open_stream(self._socket, listener)

    def find_out(self, connection: Connection) -> None:
        """Find the way over a new connection, beside whatever else is done."""
        finder = threading.Thread(target=self._find, args=(connection,), daemon=True, name="route")
        finder.start()

    def _find(self, connection: Connection) -> None:
        pauses = Pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        try:
            while connection.is_alive():
                found = self._looked(connection)
                if found:
                    log.info("the engine is reached by %s", found.value)
                    self.way = found
                    return
                time.sleep(pauses.next())
        except Exception as error:  # noqa: BLE001 - paramiko's are many; the link says what is lost
            log.debug("could not find a way to the engine: %r", error)

    def _looked(self, connection: Connection) -> Way | None:
        """Try the ways; a guest that had no time to tell is to be asked again."""
        try:
            return self.look(connection)
        except Boot2DockerError as error:
            log.debug("the guest does not tell of its ways: %s", error)
            return None

    def look(self, connection: Connection) -> Way | None:
        """Try the ways now; None if none leads to an engine.

        An SSH server refuses a socket in the same words if no program listens.
        """
        if self._socket_opens(connection):
            return Way.SOCKET
        there = connection.run(["test", "-S", self._socket], timeout_s=LOOK_WITHIN_S)
        if there.status != 0:
            return None
        if self._socket_opens(connection):  # it came up between the two questions
            return Way.SOCKET
        if _answers(lambda: connection.open_command(DIAL_COMMAND)):
            return Way.DIAL
        if _answers(lambda: connection.open_port("127.0.0.1", self._port)):
            return Way.PORT
        return None

    def _socket_opens(self, connection: Connection) -> bool:
        try:
            connection.open_unix_socket(self._socket).close()
        except Boot2DockerError as error:
            log.debug("no way by %s: %s", Way.SOCKET.value, error.details)
            return False
        return True


def _answers(open_stream: Callable[[], object]) -> bool:
    reason = engine.ping(cast("Callable[[], Stream]", open_stream), LOOK_WITHIN_S)
    if reason:
        log.debug("not this way: %s", reason)
    return reason is None
