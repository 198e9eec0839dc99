"""Where the clients of a swarm come in: one place for all of its managers, which one of them has.

The forwarder of every VM on the swarm's network would have it, and one does: it holds the lock
beside the socket, while it reaches an engine that manages a swarm. The operating system takes the
lock from a process that dies, and the next forwarder takes the place over, within a tick or two.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Callable

from boot2docker_py import lock
from boot2docker_py.endpoint.relay import listeners
from boot2docker_py.endpoint.status import ListenerStatus
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.paths import make_private_folder
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.endpoint.relay.loop import Loop
    from boot2docker_py.endpoint.relay.room import Room
    from boot2docker_py.guest.swarm import Engine, Membership

log = logging.getLogger(__name__)

LOCK = "swarm.lock"
ASK_WITHIN_S = 5.0
SOON_S = 2.0  # the engine, or its swarm, has not come up yet
LATER_S = 30.0  # it has answered; docker may make or unmake it a manager


class SwarmDoor:
    """The place of a swarm, and whether this forwarder has it; for the loop's thread."""

    def __init__(
        self,
        socket: Path,
        loop: Loop,
        room: Room,
        on_client: listeners.OnClient,
        engine: Engine,
        is_reached: Callable[[], bool],
    ) -> None:
        """`is_reached` tells whether there is a way to the engine."""
        self._folder = socket.parent
        self._loop = loop
        self._room = room
        self._on_client = on_client
        self._engine = engine
        self._is_reached = is_reached
        self._listener = listeners.at(socket)
        self._lock: IO[bytes] | None = None
        self._is_open = False
        self._has_place = False  # it holds the lock, and its engine has said that it is a manager
        self._is_asking = False
        self._next_look = 0.0
        self._problem = "the VM was not reached yet"

    def look(self) -> None:
        """Take the place, keep it or let it go; for every tick."""
        if self._is_open and not self._listener.is_ours():
            self._let_go("another forwarder has taken it over")
            self._shut()
        if not self._is_reached():
            self._let_go("the VM cannot be reached")
        elif not self._is_asking and time.monotonic() >= self._next_look and self._takes_lock():
            self._is_asking = True
            threading.Thread(target=self._ask, daemon=True, name="swarm").start()

    def look_now(self) -> None:
        """Look without a pause: something has changed."""
        self._next_look = 0.0
        self.look()

    def status(self) -> ListenerStatus:
        """Return the place, and why this forwarder does not have it."""
        return ListenerStatus(self._listener.where, "" if self._has_place else self._problem)

    def close(self) -> None:
        """Let the place go for good."""
        self._let_go("the forwarder ends")
        if self._is_open:
            self._shut()

    def _takes_lock(self) -> bool:
        if self._lock is None:
            try:
                make_private_folder(self._folder)
                file = (self._folder / LOCK).open("a+b", buffering=0)
            except (OSError, Boot2DockerError) as error:
                self._problem, self._next_look = str(error), time.monotonic() + SOON_S
                return False
            if lock.try_lock(file):
                self._lock, self._problem = file, "the engine is asked what it is in its swarm"
            else:
                file.close()
                self._problem = "the forwarder of another VM serves there"
        return self._lock is not None

    def _ask(self) -> None:
        """Ask the engine what it is in its swarm, in a thread: it may not answer."""
        found: Membership | None = None
        try:
            found = self._engine.membership(Deadline(ASK_WITHIN_S))
        except Boot2DockerError as error:
            log.debug("%s: %s", error.brief, error.details)
        self._loop.call_soon(lambda: self._heard(found))

    def _heard(self, found: Membership | None) -> None:
        self._is_asking = False
        if self._lock is None:  # it was let go meanwhile
            return
        is_settled = found is not None and found.is_settled
        self._next_look = time.monotonic() + (LATER_S if is_settled else SOON_S)
        if found is None or not found.is_manager:
            self._let_go("the engine manages no swarm" if found else "the engine does not answer")
        elif self._is_open or self._opens():
            self._has_place = True

    def _opens(self) -> bool:
        try:
            self._listener.open(self._loop, self._room, self._on_client)
        except OSError as error:
            self._next_look = time.monotonic() + SOON_S
            self._let_go(self._listener.why_not(error))
        else:
            self._is_open = True
            log.info("serves the swarm at %s", self._listener.where)
        return self._is_open

    def _let_go(self, problem: str) -> None:
        """Let another forwarder have the place; until one takes it, clients hear why from us."""
        self._problem, self._has_place = problem, False
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._is_open and not self._listener.can_be_taken_over:
            self._shut()

    def _shut(self) -> None:
        self._is_open = self._has_place = False
        self._next_look = 0.0
        self._listener.close()
