"""Whether the engine's events may be followed: the VM is connected, and not about to stop.

An engine that ends waits five seconds for streams that are still open. So a command about to stop
the VM says so, and the one stream that is our own ends before; those of clients are not touched.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Iterator

HOLD_S = 60.0  # long enough to shut down; a VM still running after that ignored the button


class Reach:
    """Set by the link and by the command that stops the VM, from any thread; one waits for it."""

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self._hold_s = hold_s
        self._changed = threading.Condition()  # guards the next three
        self._is_connected = False
        self._held_until_s = 0.0
        self._stream: socket.socket | None = None

    def connected(self) -> None:
        """Note that the VM can be reached; a VM that is being stopped may connect once more."""
        with self._changed:
            self._is_connected = True
            self._changed.notify_all()

    def lost(self) -> None:
        """Note that the VM cannot be reached any more; its next boot is another matter."""
        with self._changed:
            self._is_connected = False
            self._held_until_s = 0.0
            self._changed.notify_all()

    def hold(self) -> None:
        """End the stream of events, and let none begin for a while, or until the VM is gone."""
        with self._changed:
            self._held_until_s = time.monotonic() + self._hold_s
            self._end_stream()

    def resume(self) -> None:
        """End a hold: the VM goes on."""
        with self._changed:
            self._held_until_s = 0.0
            self._changed.notify_all()

    @contextlib.contextmanager
    def ends(self, stream: socket.socket) -> Iterator[None]:
        """Let a hold end `stream`, for a `with` block."""
        with self._changed:
            self._stream = stream
            if self._hold_remaining_s():
                self._end_stream()
        try:
            yield
        finally:
            with self._changed:
                self._stream = None

    def is_connected(self) -> bool:
        """Tell whether the VM can be reached."""
        return self._is_connected

    def is_held(self) -> bool:
        """Tell whether the VM is being stopped."""
        return self._hold_remaining_s() > 0

    def wait_while_held(self) -> None:
        """Return when no hold is in force, or the VM is gone."""
        with self._changed:
            while self._hold_remaining_s():
                self._changed.wait(self._hold_remaining_s())

    def wait_until_connected(self) -> None:
        """Return when the VM can be reached."""
        with self._changed:
            self._changed.wait_for(self.is_connected)

    def _hold_remaining_s(self) -> float:
        return max(0.0, self._held_until_s - time.monotonic())

    def _end_stream(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # it has just ended by itself
                self._stream.shutdown(socket.SHUT_RDWR)
