"""How many sockets there may be for one purpose, and what waits for one to end."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boot2docker_py.endpoint.relay.loop import Call, Loop

# What the process itself opens: SSH, its log, its control socket, files of the system.
OTHERS = 64
DOCKER_CLIENTS = 2048
PORT_CLIENTS = 4096


@dataclass(frozen=True)
class Shares:
    """How the descriptors of a forwarder are shared, so that nothing takes those of docker."""

    docker_clients: int
    port_sockets: int
    port_clients: int

    @classmethod
    def of(cls, limit: int) -> Shares:
        """Share `limit` descriptors out."""
        free = limit - OTHERS
        docker_clients = max(1, min(DOCKER_CLIENTS, free // 4))
        port_clients = max(1, min(PORT_CLIENTS, free // 4))
        return cls(docker_clients, free - docker_clients - port_clients, port_clients)


class Room:
    """Room for so many sockets; for the thread of one loop, though any thread may look."""

    def __init__(self, loop: Loop, most: int) -> None:
        self.most = most
        self.taken = 0
        self._loop = loop
        self._waiting: deque[Call] = deque()

    def take(self) -> bool:
        """Take room for one, if there is any."""
        if self.taken >= self.most:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        """Give room for one back; the call that has waited longest is made."""
        self.taken -= 1
        if self._waiting:
            self._loop.call_soon(self._waiting.popleft())

    def when_there_is(self, call: Call) -> None:
        """Make the call when room was given back, which another may have taken since."""
        self._waiting.append(call)
