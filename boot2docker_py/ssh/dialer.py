"""Reach an SSH server that may not be there yet: the first connection that greets us wins.

QEMU's and VirtualBox's NAT accept a TCP connection before the guest listens, and a guest that
boots loses the first packets. So a connection that stays silent says nothing: another one is
started beside it, every second at first. Old ones are kept too, for a guest that needs long to
greet. Each makes the guest start a process, which takes an interpreted CPU half a minute: the
longer a guest has not greeted, the fewer new ones it gets, or it would do nothing else. Once one
has greeted, the others are closed, so that the guest works for that login alone.
"""

from __future__ import annotations

import errno
import selectors
import socket
from dataclasses import dataclass, field
from typing import Callable

from boot2docker_py.address import Address
from boot2docker_py.host import system_errors
from boot2docker_py.host.selector import Selector
from boot2docker_py.ssh.errors import NotReadyError
from boot2docker_py.wait import Deadline, Pauses

GREETING = b"SSH-"
GREETING_BYTES = 64 * 1024  # with the lines before it
SPACING_S = 1.0
SPACING_SHARE = 0.1  # of the time waited so far
AT_MOST = 5
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.2
LOOK_AROUND_S = 0.5  # the deadline may come early

# The last is Windows' way to say it.
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)

OnWait = Callable[[str], None]


@dataclass(eq=False)
class Attempt:
    """One connection that has not greeted us yet."""

    sock: socket.socket
    began: float
    received: bytes = b""
    events: int = field(default=selectors.EVENT_WRITE)


class Dialer:
    """Open connections to one address; close what is left over when the `with` block ends."""

    def __init__(
        self,
        address: Address,
        deadline: Deadline,
        on_wait: OnWait,
        selector: Selector | None = None,
    ) -> None:
        self._address = address
        self._deadline = deadline
        self._clock = deadline.clock
        self._on_wait = on_wait
        self._selector = selector or Selector()
        self._attempts: list[Attempt] = []  # the oldest first
        self._pauses = Pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._began = self._clock.monotonic()
        self._next_start = 0.0
        self.reason = f"{address} does not answer"

    def __enter__(self) -> Dialer:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._drop_all()
        self._selector.close()

    def dial(self) -> Attempt:
        """Return the first connection that sends an SSH greeting; it belongs to the caller.

        Raises:
            NotReadyError: there was none before the deadline; details have the last reason.
        """
        while not self._deadline.has_passed():
            self._start_if_due()
            until_next_s = max(0.0, self._next_start - self._clock.monotonic())
            wait_s = self._deadline.remaining_s(min(until_next_s, LOOK_AROUND_S))
            for key, _events in self._selector.select(wait_s):
                attempt: Attempt = key.data
                if self._advance(attempt):
                    self._release(attempt)
                    self._drop_all()
                    return attempt
        raise NotReadyError(self._address, self.reason)

    def pause(self, reason: str) -> None:
        """Start the next connection soon, but later each time, because of `reason`."""
        self._say(reason)
        now = self._clock.monotonic()
        self._pauses.longest_s = max(LONGEST_PAUSE_S, self._spacing_s(now) - SPACING_S)
        self._next_start = now + self._pauses.next()

    def _start_if_due(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_start:
            return
        self._next_start = now + self._spacing_s(now)
        if len(self._attempts) >= AT_MOST:
            self._drop(self._least_needed())
        self._start(now)

    def _spacing_s(self, now: float) -> float:
        return max(SPACING_S, SPACING_SHARE * (now - self._began))

    def _start(self, now: float) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        attempt = Attempt(sock, now)
        self._attempts.append(attempt)
        self._selector.register(sock, attempt.events, attempt)
        error = sock.connect_ex((self._address.host, self._address.port))
        if error not in _UNDER_WAY:
            self._lost(attempt, system_errors.words(error))

    def _advance(self, attempt: Attempt) -> bool:
        """Take what has happened to the connection; tell whether it has greeted us."""
        error = attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            return self._lost(attempt, system_errors.words(error))
        if attempt.events == selectors.EVENT_WRITE:
            attempt.events = selectors.EVENT_READ
            self._selector.modify(attempt.sock, attempt.events, attempt)
            self._say("connected, no greeting from the SSH server yet")
            return False
        try:
            data = attempt.sock.recv(4096)
        except OSError as error:
            return self._lost(attempt, str(error))
        if not data:
            return self._lost(attempt, "the connection was closed without an SSH greeting")
        attempt.received += data
        if _has_greeted(attempt.received):
            return True
        if len(attempt.received) > GREETING_BYTES:
            return self._lost(attempt, "what answers there is no SSH server")
        return False

    def _lost(self, attempt: Attempt, reason: str) -> bool:
        self._drop(attempt)
        self.pause(reason)
        return False

    def _say(self, reason: str) -> None:
        self.reason = reason
        self._on_wait(reason)

    def _least_needed(self) -> Attempt:
        """Return the attempt to give up so that the rest stay spread over old and new."""
        attempts = self._attempts
        gaps = [
            (after.began - before.began, attempt)
            for before, attempt, after in zip(attempts, attempts[1:], attempts[2:])
        ]
        return min(gaps, key=lambda gap: gap[0])[1]

    def _drop_all(self) -> None:
        for attempt in list(self._attempts):
            self._drop(attempt)

    def _drop(self, attempt: Attempt) -> None:
        self._release(attempt)
        attempt.sock.close()

    def _release(self, attempt: Attempt) -> None:
        self._selector.unregister(attempt.sock)
        self._attempts.remove(attempt)


def _has_greeted(received: bytes) -> bool:
    # RFC 4253, section 4.2: lines before the greeting are allowed.
    return any(line.startswith(GREETING) for line in received.splitlines(keepends=True))
