"""One thread that serves many sockets, and takes calls from other threads."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import selectors
import socket
import time
from collections import deque
from functools import partial
from typing import Callable

from boot2docker_py.host.selector import Selector

log = logging.getLogger(__name__)

Call = Callable[[], None]
OnReady = Callable[[int], None]

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE
TICK_S = 1.0
MOST_PUT_OFF = 16  # calls that wait for a quiet moment, before they wait no more
SCRATCH_BYTES = 128 * 1024


class Loop:
    """Run calls, one after the other, in the thread that called `run`."""

    def __init__(self) -> None:
        self._selector = Selector()
        self._calls: deque[Call] = deque()
        self._put_off: deque[Call] = deque()
        self._on_tick: list[Call] = []
        self._later: list[tuple[float, int, Call]] = []
        self._numbers = itertools.count()
        self._waker, self._woken = socket.socketpair()
        if self._waker.family == socket.AF_INET:  # Windows: else the second byte waits for an ACK
            self._waker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waker.settimeout(0)
        self._woken.settimeout(0)
        self._selector.register(self._woken, READ, self._drain)
        self._is_running = True
        self._is_woken = False
        self._watched: dict[socket.socket, tuple[int, OnReady]] = {}
        self.scratch = bytearray(SCRATCH_BYTES)  # for whoever runs in the loop's thread

    def call_soon(self, call: Call) -> None:
        """Let the loop's thread make the call; from any thread, or a signal handler."""
        self._calls.append(call)
        if self._is_woken:
            return
        self._is_woken = True
        with contextlib.suppress(OSError):  # full: it is awake anyway; closed: it has ended
            self._waker.send(b"\0")

    def call_when_idle(self, call: Call) -> None:
        """Make the call when nothing else is to be done; for the loop's own thread.

        Cleaning up after one client must not delay another client's answer.
        """
        self._put_off.append(call)

    def call_later(self, seconds: float, call: Call) -> None:
        """Make the call when so much time has passed; for the loop's own thread."""
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), call))

    def every_tick(self, call: Call) -> None:
        """Make the call about once a second."""
        self._on_tick.append(call)

    def watch(self, sock: socket.socket, events: int, on_ready: OnReady) -> None:
        """Call `on_ready` with the events that have come true, from now on; no events, no calls."""
        wanted = (events, on_ready)
        known = self._watched.get(sock)
        if events and known is None:
            self._selector.register(sock, events, on_ready)
            self._watched[sock] = wanted
        elif events and known != wanted:
            self._selector.modify(sock, events, on_ready)
            self._watched[sock] = wanted
        elif not events and known is not None:
            self._selector.unregister(sock)
            del self._watched[sock]

    def run(self) -> None:
        """Serve until `stop`."""
        next_tick = time.monotonic() + TICK_S
        while self._is_running:
            self._is_woken = False  # before the look at the calls, so that a later one wakes
            has_work = self._calls or self._put_off
            next_time = min(next_tick, self._later[0][0]) if self._later else next_tick
            patience_s = 0.0 if has_work else max(0.0, next_time - time.monotonic())
            ready = self._look(patience_s)
            self._is_woken = True
            is_idle = not (ready or self._calls)
            for key, events in ready:
                _make(partial(key.data, events))
            for _call in range(len(self._calls)):  # those that they make come after the sockets
                _make(self._calls.popleft())
            if self._put_off and (is_idle or len(self._put_off) > MOST_PUT_OFF):
                _make(self._put_off.popleft())
            while self._later and time.monotonic() >= self._later[0][0]:
                _make(heapq.heappop(self._later)[2])
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK_S
                for call in list(self._on_tick):
                    _make(call)

    def stop(self) -> None:
        """End `run` after the present round; only for the loop's own thread."""
        self._is_running = False

    def close(self) -> None:
        """Give the loop's own resources back."""
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def _look(self, patience_s: float) -> list[tuple[selectors.SelectorKey, int]]:
        try:
            return self._selector.select(patience_s)
        except OSError:  # Windows says so of a socket that was closed, others nothing
            log.exception("a defect of boot2docker: a closed socket was watched")
            for sock in [sock for sock in self._watched if sock.fileno() < 0]:
                self._selector.unregister(sock)
                del self._watched[sock]
            return []

    def _drain(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)


def _make(call: Call) -> None:
    """Make a call; a defect of ours in one connection must not end the others."""
    try:
        call()
    except Exception:
        log.exception("a defect of boot2docker")
