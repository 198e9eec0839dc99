"""Whether bytes go to the guest and back unchanged, as a client's bytes go."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

# Some packets, and less than an emulated guest takes a second for.
SENT_BYTES = 64 * 1024
PIECE_BYTES = 8 * 1024


def problem_of(connection: Connection, deadline: Deadline) -> str:
    """Send bytes through a command that returns them; return what is wrong, nothing if all is well.

    Raises:
        Exception: of any kind; what is looked for is a fault in the way itself.
    """
    sent = os.urandom(SENT_BYTES)
    listener = _Listener()
    channel = connection.open_command_stream("cat", listener)
    try:
        if not listener.opened.wait(deadline.remaining_s()):
            return "no channel was opened in time"
        if listener.problem:
            return listener.problem
        channel.begin()
        for start in range(0, len(sent), PIECE_BYTES):
            piece = sent[start : start + PIECE_BYTES]
            while channel.sendable_bytes() < len(piece) and not listener.ended.is_set():
                listener.may_send.clear()
                if channel.sendable_bytes() >= len(piece):
                    break
                if not listener.may_send.wait(deadline.remaining_s()):
                    return "the guest takes no more bytes"
            channel.send_message(memoryview(bytearray(channel.header_bytes) + piece))
        channel.shutdown_write()
        if not listener.ended.wait(deadline.remaining_s()):
            return "the guest's bytes have no end"
        if len(listener.received) < len(sent):
            return listener.problem or f"{len(listener.received)} of {len(sent)} bytes came back"
        if bytes(listener.received) != sent:
            return f"other bytes came back than the {len(sent)} that were sent"
        return listener.problem
    finally:
        if listener.opened.is_set() and not listener.problem:
            channel.close()


class _Listener:
    """Keep what comes back."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.problem = ""
        self.opened, self.ended, self.may_send = (threading.Event() for _event in range(3))

    def stream_opened(self) -> None:
        self.opened.set()

    def stream_refused(self, reason: str) -> None:
        self._fail(f"the guest refused: {reason}")

    def stream_received(self, pieces: Sequence[memoryview]) -> None:
        for piece in pieces:
            self.received += piece

    def stream_ended(self) -> None:
        self.ended.set()

    def stream_closed(self) -> None:
        self.ended.set()

    def stream_lost(self) -> None:
        self._fail("the SSH connection was lost")

    def stream_may_send(self) -> None:
        self.may_send.set()

    def _fail(self, problem: str) -> None:
        self.problem = problem
        for event in (self.opened, self.ended, self.may_send):
            event.set()
