"""paramiko's channel, repaired: for bytes that a thread of ours reads and writes as from a socket.

On a `SharedChannel` several threads send. `SessionChannel` is one that knows `exit-signal`, RFC
4254, section 6.10. Clients' bytes go by another kind, see `stream_channel.py`.
"""

from __future__ import annotations

import logging
from typing import Any

import paramiko

log = logging.getLogger(__name__)

WINDOW_BYTES = 2 * 1024 * 1024  # what a channel may send before we take it

# RFC 4250, section 4.1.2
_MSG_CHANNEL_CLOSE = 97


class OwnedChannel(paramiko.Channel):
    """A channel that its owner closes.

    paramiko closes one when it is garbage; that happens in any thread, also in one that holds the
    locks that closing needs, and then waits for itself for ever.
    """

    def __del__(self) -> None:
        """Do not close."""

    def _feed(self, message: Any) -> None:
        if self._has_room(self.in_buffer):
            super()._feed(message)  # type: ignore[misc]

    def _feed_extended(self, message: paramiko.Message) -> None:
        if self._has_room(self.in_stderr_buffer):
            super()._feed_extended(message)  # type: ignore[misc]

    def _has_room(self, buffer: Any) -> bool:
        """Tell whether more may come; a guest that ignores its window ends the channel."""
        if len(buffer) <= WINDOW_BYTES:
            return True
        if not self.closed:
            log.warning("the guest sends more on a channel than it may; the channel is closed")
            self.lock.acquire()
            try:
                self._set_closed()  # type: ignore[attr-defined]
            finally:
                self.lock.release()
        return False

    def _log(self, level: int, text: str, *values: object) -> None:
        # paramiko's builds a text for every channel, which is never read.
        if log.isEnabledFor(logging.DEBUG):
            super()._log(level, text, *values)  # type: ignore[misc]


class Outbox:
    """The transport as one channel knows it, where nothing of that channel follows its CLOSE.

    paramiko makes a message under the channel's lock and sends it later. When another thread's
    CLOSE goes in between, the server may give the channel's number to the next channel, which
    would then get the message: an EOF, or bytes of another channel.
    """

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport: Any = transport
        self._has_closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send_user_message(self, message: paramiko.Message) -> None:
        sent = MessageOfChannel(self, message)
        self._transport._send_user_message(sent)  # noqa: SLF001 - passes on what paramiko calls

    def lets_pass(self, message: bytes) -> bool:
        """Tell whether the message may still be sent; for the holder of the lock of all sending."""
        had_closed = self._has_closed
        self._has_closed = had_closed or message[0] == _MSG_CHANNEL_CLOSE
        return not had_closed


class MessageOfChannel:
    """A message that may come too late."""

    def __init__(self, outbox: Outbox, message: paramiko.Message) -> None:
        self._outbox = outbox
        self._message = message

    def is_in_time(self) -> bool:
        """Tell whether it may be sent, just before it is."""
        return self._outbox.lets_pass(self.asbytes())

    def asbytes(self) -> bytes:
        """Return it; the name is paramiko's."""
        return self._message.asbytes()


class SharedChannel(OwnedChannel):
    """A channel on which several threads send, the one that reads the SSH connection included."""

    def _set_transport(self, transport: paramiko.Transport) -> None:
        super()._set_transport(transport)  # type: ignore[misc]
        self.transport: Any = Outbox(transport)


class SessionChannel(SharedChannel):
    """A channel for a command or a shell, which knows by which signal the command died."""

    exit_signal: str | None = None

    def _handle_request(self, message: paramiko.Message) -> None:
        if message.get_text() == "exit-signal":
            message.get_boolean()
            self.exit_signal = message.get_text()
            self.status_event.set()
            return
        message.rewind()
        message.get_int()  # the channel's number, which the transport had read
        super()._handle_request(message)  # type: ignore[misc]
