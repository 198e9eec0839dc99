"""One published port on this machine: it listens as soon as the port can be had."""

from __future__ import annotations

import errno
import logging
import socket
import sys
import time
from typing import Callable, Sequence

from boot2docker_py.endpoint.ports.published import PublishedPort
from boot2docker_py.endpoint.relay.room import Room
from boot2docker_py.host import exclusive_socket, system_errors
from boot2docker_py.host.port_holder import holder
from boot2docker_py.host.port_problem import port_problem
from boot2docker_py.wait import Pauses

log = logging.getLogger(__name__)

BACKLOG = 1024
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
# What another manager of the swarm serves is free as soon as that one's VM is gone.
LONGEST_PAUSE_OF_SERVICE_S = 1.0

# What an address is answered with on a machine that has no IPv6.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)

OpenSocket = Callable[[str, int], socket.socket]
Close = Callable[[], None]
Serve = Callable[[socket.socket], Close]


class NoRoomError(OSError):
    """Published ports have as many sockets as they may have."""

    def __init__(self, most: int) -> None:
        super().__init__(errno.EMFILE, "no room")
        self.words = f"one too many: published ports are served by at most {most} sockets"


class PortListener:
    """Keep a socket at each of some addresses of this machine; for the loop's thread alone.

    `open_socket` makes one, as long as there is room; `serve` takes care of it, and returns what
    closes it.
    """

    def __init__(
        self,
        port: PublishedPort,
        addresses: Sequence[str],
        room: Room,
        open_socket: OpenSocket,
        serve: Serve,
    ) -> None:
        self.port = port
        self.addresses = tuple(addresses)
        self._room = room
        self._open_socket = open_socket
        self._serve = serve
        self._open: dict[str, Close] = {}
        self._failed: dict[str, OSError] = {}
        self._missing = list(addresses)
        longest_s = LONGEST_PAUSE_OF_SERVICE_S if port.is_of_service else LONGEST_PAUSE_S
        self._pauses = Pauses(FIRST_PAUSE_S, longest_s)
        self._next_try_s = 0.0
        self.try_if_due()

    def try_if_due(self) -> None:
        """Listen at the addresses that could not be had so far, if it is time to try again."""
        if not self._missing or time.monotonic() < self._next_try_s:
            return
        self._missing = [address for address in self._missing if not self._is_settled(address)]
        self._next_try_s = time.monotonic() + self._pauses.next()

    def is_settled(self) -> bool:
        """Tell whether it was tried at least once: always, for that waits for nothing."""
        return True

    def listens_at(self) -> list[str]:
        """Return the addresses with the port, as they are written in a URL; from any thread."""
        return [in_url(address, self.port.port) for address in list(self._open)]

    def problem(self) -> str:
        """Return why it does not listen at an address, empty when it does; from any thread."""
        for address, error in list(self._failed.items()):
            return f"{in_url(address, self.port.port)} is {self._problem_at(address, error)}"
        return ""

    def close(self) -> None:
        """Refuse clients from now on; those that are connected are not touched."""
        for close in self._open.values():
            close()
            self._room.give_back()
        self._open.clear()
        self._missing.clear()

    def _problem_at(self, address: str, error: OSError) -> str:
        if isinstance(error, NoRoomError):
            return error.words
        return port_problem(self.port.protocol, address, self.port.port, error)

    def _is_settled(self, address: str) -> bool:
        try:
            sock = self._socket_at(address)
        except OSError as error:
            if ":" in address and error.errno in _NO_SUCH_ADDRESS:
                return True
            if address not in self._failed:
                words = self._problem_at(address, error)
                where = in_url(address, self.port.port)
                log.warning("container '%s': %s is %s", self.port.container, where, words)
            self._failed[address] = error
            return False
        if self._failed.pop(address, None):
            log.info("container '%s': the port is free now", self.port.container)
        log.info("listens at %s for '%s'", in_url(address, self.port.port), self.port.container)
        self._open[address] = self._serve(sock)
        return True

    def _socket_at(self, address: str) -> socket.socket:
        if not self._room.take():
            raise NoRoomError(self._room.most)
        try:
            return self._open_socket(address, self.port.port)
        except BaseException:
            self._room.give_back()
            raise


def listen(address: str, port: int) -> socket.socket:
    """Return a TCP socket that listens there, and shares the port with no other.

    Raises:
        OSError: it cannot be had.
    """
    # There, 127.0.0.1 can be had although another listens at all addresses.
    if sys.platform == "win32" and ":" not in address:
        _refuse_taken(address, port)
    listener = exclusive_socket.bind(socket.SOCK_STREAM, address, port)
    try:
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _refuse_taken(address: str, port: int) -> None:
    if holder("tcp", address, port):
        raise OSError(errno.EADDRINUSE, system_errors.words(errno.EADDRINUSE))


def in_url(address: str, port: int) -> str:
    """Return address and port as they stand in a URL."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
