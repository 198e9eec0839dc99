"""The kinds of channel that we use in place of paramiko's.

`StreamChannel` is served by callbacks instead of by a thread each. paramiko answers CHANNEL_CLOSE
from the thread that reads; while keys are renewed that thread would then wait for itself. A
StreamChannel never sends from there. `CommandStream` is one to a command in the guest.

On a `SharedChannel` several threads send. `SessionChannel` is one that knows `exit-signal`, RFC
4254, section 6.10.
"""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import paramiko

if TYPE_CHECKING:
    from boot2docker_py.guest.streamlocal import GuestTransport

log = logging.getLogger(__name__)

WINDOW_BYTES = 2 * 1024 * 1024
PACKET_BYTES = 32 * 1024
_GRANT_BYTES = WINDOW_BYTES // 8

# RFC 4250, section 4.1.2
_MSG_CHANNEL_WINDOW_ADJUST = 93
_MSG_CHANNEL_DATA = 94
_MSG_CHANNEL_CLOSE = 97
_MSG_CHANNEL_REQUEST = 98

_DATA_HEADER = struct.Struct(">BII")


class StreamListener(Protocol):
    """Told, in the thread that reads the SSH connection, what happens; must not block or send."""

    def stream_opened(self) -> None:
        """The guest's end is connected."""

    def stream_refused(self, reason: str) -> None:
        """The guest could not connect; nothing else follows."""

    def stream_received(self, data: bytes) -> None:
        """Bytes came."""

    def stream_ended(self) -> None:
        """No more bytes will come; they may still be sent."""

    def stream_closed(self) -> None:
        """The guest has closed both directions."""

    def stream_lost(self) -> None:
        """The SSH connection is lost; nothing else follows."""

    def stream_may_send(self) -> None:
        """The guest takes more bytes than before."""


class RawMessage:
    """A whole SSH message in memory that is already laid out, so that nobody copies it."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory

    def asbytes(self) -> memoryview:
        """Return it; the name is paramiko's."""
        return self._memory


class OwnedChannel(paramiko.Channel):
    """A channel that its owner closes.

    paramiko closes one when it is garbage; that happens in any thread, also in one that holds the
    locks that closing needs, and then waits for itself for ever.
    """

    def __del__(self) -> None:
        """Do not close."""

    def _log(self, level: int, text: str, *values: object) -> None:
        # paramiko's builds a text for every channel that nobody reads.
        if log.isEnabledFor(logging.DEBUG):
            super()._log(level, text, *values)  # type: ignore[misc]


class StreamChannel(OwnedChannel):
    """A channel that tells a listener; all sending is done by the one thread that owns it."""

    header_bytes: ClassVar[int] = _DATA_HEADER.size
    transport: GuestTransport
    remote_chanid: int

    def __init__(self, chanid: int, listener: StreamListener) -> None:
        super().__init__(chanid)
        self.listener = listener
        self._ungranted = 0
        self._guest_has_closed = False

    def begin(self) -> None:
        """Do what must come between the opening and the first byte: nothing, here."""

    def sendable_bytes(self) -> int:
        """Return how many bytes one `send_message` may carry now."""
        return max(0, min(self.out_window_size, self.out_max_packet_size - 64))

    def send_message(self, memory: memoryview) -> None:
        """Send what follows the first `header_bytes` of `memory`; those are filled in here."""
        count = len(memory) - self.header_bytes
        _DATA_HEADER.pack_into(memory, 0, _MSG_CHANNEL_DATA, self.remote_chanid, count)
        with self.lock:
            self.out_window_size -= count
        self.transport.send_now(RawMessage(memory))

    def grant(self, count: int) -> None:
        """Let the guest send `count` bytes more; small grants are gathered."""
        self._ungranted += count
        if self._ungranted >= _GRANT_BYTES and not self.closed:
            message = paramiko.Message()
            message.add_byte(bytes([_MSG_CHANNEL_WINDOW_ADJUST]))
            message.add_int(self.remote_chanid)
            message.add_int(self._ungranted)
            self._ungranted = 0
            self.transport.send_now(message)

    def close(self) -> None:
        """Close both directions; the number is free again when the guest has done so too."""
        # EOF goes first, as paramiko has it. With CLOSE alone, runs of thousands of short
        # connections hung now and then; why was not found.
        with self.lock:
            messages = self._close_internal()  # type: ignore[attr-defined]
        self.transport.send_together([message for message in messages if message is not None])
        if self._guest_has_closed:
            self.transport.forget(self.chanid)

    def refused(self, reason: str) -> None:
        """Hear that the guest could not connect."""
        self.listener.stream_refused(reason)

    def _set_remote_channel(self, number: int, window: int, packet: int) -> None:
        super()._set_remote_channel(number, window, packet)  # type: ignore[misc]
        self.listener.stream_opened()

    def _feed(self, message: paramiko.Message) -> None:
        if not self.closed:
            self.listener.stream_received(message.get_binary())

    def _window_adjust(self, message: paramiko.Message) -> None:
        super()._window_adjust(message)  # type: ignore[misc]
        self.listener.stream_may_send()

    def _handle_eof(self, message: paramiko.Message) -> None:
        super()._handle_eof(message)  # type: ignore[misc]
        self.listener.stream_ended()

    def _handle_close(self, _message: paramiko.Message) -> None:
        self._guest_has_closed = True
        if self.closed:
            self.transport.forget(self.chanid)
        else:
            self.listener.stream_closed()

    def _unlink(self) -> None:
        super()._unlink()  # type: ignore[misc]
        self.listener.stream_lost()


class CommandStream(StreamChannel):
    """A stream to the standard input and output of a command that `begin` starts."""

    def __init__(self, chanid: int, listener: StreamListener, command: str) -> None:
        super().__init__(chanid, listener)
        self._command = command

    def begin(self) -> None:
        """Let the guest run the command; bytes may follow at once."""
        message = paramiko.Message()
        message.add_byte(bytes([_MSG_CHANNEL_REQUEST]))
        message.add_int(self.remote_chanid)
        message.add_string("exec")
        message.add_boolean(True)  # noqa: FBT003 - an answer is wanted
        message.add_string(self._command)
        self.transport.send_now(message)

    def _request_failed(self, _message: paramiko.Message) -> None:
        self.listener.stream_refused("the guest does not run the command")

    def _feed_extended(self, message: paramiko.Message) -> None:
        message.get_int()
        log.debug("the command says: %s", message.get_binary().decode(errors="replace").strip())


class Outbox:
    """The transport as one channel knows it, where nothing of that channel follows its CLOSE.

    paramiko makes a message under the channel's lock and sends it later. When another thread's
    CLOSE goes in between, the server may give the channel's number to the next channel, which
    would then get the message: an EOF, or bytes of somebody else.
    """

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport: Any = transport
        self._has_closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send_user_message(self, message: paramiko.Message) -> None:
        self._transport._send_user_message(MessageOfChannel(self, message))

    def lets_pass(self, message: bytes) -> bool:
        """Tell whether the message may still be sent; for who holds the lock of all sending."""
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
