"""Two channels to the engine that are open before a client asks for them.

To open one takes a round trip to the guest and half of what a small request costs here. So when a
client was answered, spare channels are opened for the next: docker's commands come in rows. There
are two, because the next client may come before the channel that replaces the last one is open. To
the engine each is a client that has connected and not asked yet. They are given up when no client
comes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Callable, Sequence

from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.way.route import Route, Way
from boot2docker_py.ssh.stream import Channel

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.ssh.stream import StreamListener

log = logging.getLogger(__name__)

GIVEN_UP_AFTER_S = 60.0
SPARES = 2


class Reserve:
    """Open channels to the engine, and keep spare ones; for the loop's thread alone."""

    def __init__(
        self, loop: Loop, route: Route, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop = loop
        self._route = route
        self._clock = clock
        self._spares: deque[Spare] = deque()
        self._connection: Connection | None = None
        self._give_up_at_s = 0.0

    def open(self, connection: Connection, listener: StreamListener) -> Channel:
        """Give `listener` a spare channel, or begin to open one; it hears how that goes."""
        if connection is not self._connection:
            self.drop()
            self._connection = connection
        while self._spares:
            channel = self._spares.popleft().give_to(listener)
            if channel is not None:
                return channel
        return self._route.open(connection, listener)

    def refill(self) -> None:
        """Begin to open the spare channels that are missing; for when a client was answered."""
        self.tidy()
        connection = self._connection
        # On the other ways each channel is a process in the guest, or the SSH server allows few.
        if connection is None or self._route.way is not Way.SOCKET:
            return
        self._give_up_at_s = self._clock() + GIVEN_UP_AFTER_S
        try:
            while len(self._spares) < SPARES:
                self._spares.append(Spare(self._loop, partial(self._route.open, connection)))
        except Exception as error:  # noqa: BLE001 - paramiko's are many; the link sees to the loss
            log.debug("no spare channel: %s", error)

    def usable(self) -> int:
        """Return how many spare channels a client could still get, as far as is known."""
        return sum(not spare.is_dead() for spare in self._spares)

    def tidy(self) -> None:
        """Close spare channels that are dead, or for which no client came; for every tick."""
        if self._clock() >= self._give_up_at_s:
            self.drop()
        for spare in [spare for spare in self._spares if spare.is_dead()]:
            self._spares.remove(spare)
            spare.close()

    def drop(self) -> None:
        """Close the spare channels: an engine that ends would wait for them."""
        while self._spares:
            self._spares.popleft().close()


class Spare:
    """A channel that hears for itself until it is given to a listener.

    An engine that ends it, or says anything before it is asked, makes it dead: no client gets it.
    """

    def __init__(self, loop: Loop, open_channel: Callable[[StreamListener], Channel]) -> None:
        self._loop = loop
        self._lock = threading.Lock()  # guards the next three
        self._is_open = False
        self._is_dead = False
        self._owner: StreamListener | None = None
        self._channel = open_channel(self)

    # In the loop's thread.

    def is_dead(self) -> bool:
        """Tell whether no client can use it any more, as far as is known."""
        return self._is_dead

    def give_to(self, listener: StreamListener) -> Channel | None:
        """Let `listener` hear all from now on; return the channel, None if it is dead."""
        with self._lock:
            if self._is_dead:
                return None
            self._owner = self._channel.listener = listener
            if self._is_open:
                listener.stream_opened()
            return self._channel

    def close(self) -> None:
        """Close it, now or when it is open."""
        with self._lock:
            self._is_dead = True
            is_open = self._is_open
        if is_open:
            self._close_channel()

    def _close_channel(self) -> None:
        try:
            self._channel.close()
        except Exception as error:  # noqa: BLE001 - the connection is going down with it
            log.debug("could not close a channel: %s", error)

    # In the thread that reads the SSH connection. What comes while it is given away is passed on.

    def stream_opened(self) -> None:
        """The guest's end is connected."""
        with self._lock:
            self._is_open = True
            if self._owner is not None:
                self._owner.stream_opened()
            elif self._is_dead:
                self._loop.call_soon(self._close_channel)

    def stream_refused(self, reason: str) -> None:
        """The guest could not connect."""
        self._die(lambda owner: owner.stream_refused(reason))

    def stream_received(self, pieces: Sequence[memoryview]) -> None:
        """Bytes came that were not asked for."""
        self._die(lambda owner: owner.stream_received(pieces))

    def stream_ended(self) -> None:
        """The engine has ended its bytes."""
        self._die(lambda owner: owner.stream_ended())

    def stream_closed(self) -> None:
        """The guest has closed both directions."""
        self._die(lambda owner: owner.stream_closed())

    def stream_lost(self) -> None:
        """The SSH connection is lost."""
        self._die(lambda owner: owner.stream_lost())

    def stream_may_send(self) -> None:
        """The guest takes more bytes than before."""
        with self._lock:
            if self._owner is not None:
                self._owner.stream_may_send()

    def _die(self, tell: Callable[[StreamListener], None]) -> None:
        with self._lock:
            if self._owner is not None:
                tell(self._owner)
            else:
                self._is_dead = True
