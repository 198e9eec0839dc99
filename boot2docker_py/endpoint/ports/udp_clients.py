"""The clients of a published UDP port, by numbers, as long as they are not idle."""

from __future__ import annotations

import socket
import time
from typing import Callable, NamedTuple

# Shorter than the helper's, which closes its socket for a client only afterwards.
IDLE_S = 90.0
MAX_CLIENTS = 1000


class Client(NamedTuple):
    """A sender of datagrams, and through which of our sockets they come."""

    sock: socket.socket
    address: tuple[object, ...]


class Clients:
    """The numbers of clients, as long as they are not idle; one thread adds, others look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._numbers: dict[Client, int] = {}  # the one that was idle longest is first
        self._by_number: dict[int, tuple[Client, float]] = {}
        self._next = 0

    def number(self, client: Client) -> int:
        """Return the number of a client that has just sent something."""
        self._forget_idle()
        number = self._numbers.pop(client, None)
        if number is None:
            number, self._next = self._next, (self._next + 1) % 2**32
        self._numbers[client] = number
        self._by_number[number] = client, self._clock()
        return number

    def find(self, number: int) -> Client | None:
        """Return the client with the number, None if it is forgotten."""
        found = self._by_number.get(number)
        return found[0] if found else None

    def _forget_idle(self) -> None:
        while self._numbers:
            client, number = next(iter(self._numbers.items()))
            _client, used = self._by_number[number]
            if len(self._numbers) <= MAX_CLIENTS and self._clock() - used <= IDLE_S:
                return
            del self._numbers[client], self._by_number[number]
