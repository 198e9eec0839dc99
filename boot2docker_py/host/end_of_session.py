"""Waiting for the user to log off, with the time that the system gives for what has to be done.

On Windows a window, never shown, is asked (see windows_session.py); elsewhere a signal says so.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import Iterator, Protocol

# In slices, because a wait without end may keep signals, and Ctrl-C on Windows, from us.
SLICE_S = 1.0


class EndOfSession(Protocol):
    """The end of the user's session, as far as it has come."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until the session is about to end; tell whether it is."""

    def was_closed(self) -> bool:
        """Tell whether it was not the session that ended, but a user who wants us to end."""

    def was_cancelled(self) -> bool:
        """Wait until it is known whether the session ends; tell whether it goes on after all."""


class Signalled:
    """A session that is over when a signal has come; that cannot be cancelled."""

    def __init__(self) -> None:
        self._ends = threading.Event()

    def tell(self, *_signal: object) -> None:
        """Note the signal."""
        self._ends.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the session is about to end; tell whether it is."""
        return self._ends.wait(timeout_s)

    def was_closed(self) -> bool:
        """Tell that it was not: a signal does not say who sent it."""
        return False

    def was_cancelled(self) -> bool:
        """Tell that it was not."""
        return False


@contextlib.contextmanager
def awaited(reason: str) -> Iterator[EndOfSession]:
    """Watch the session for a `with` block; at its end the system may go on.

    `reason` is what Windows shows a user who waits for us.
    """
    if sys.platform == "win32":
        from boot2docker_py.host import windows_session

        with windows_session.asked(reason) as window:
            yield window
    else:
        ends = Signalled()
        numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        before = {number: signal.signal(number, ends.tell) for number in numbers}
        try:
            yield ends
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
