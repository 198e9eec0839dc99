"""Channels that carry a client's bytes, and call a listener.

paramiko's own channel has a buffer, three locks and a pipe for a thread that waits in it, and costs
more to make than a small request to carry. It also answers CHANNEL_CLOSE from the thread that reads
the connection; while keys are renewed that thread would then wait for itself. Nothing here waits in
that thread.
"""

from __future__ import annotations

import logging
import struct
import threading
from typing import ClassVar

import paramiko

from boot2docker_py.ssh.over_paramiko.channels import WINDOW_BYTES
from boot2docker_py.ssh.over_paramiko.packets import BulkMessage
from boot2docker_py.ssh.stream import Carrier, StreamListener

log = logging.getLogger(__name__)

# RFC 4250, section 4.1.2
_MSG_CHANNEL_WINDOW_ADJUST = 93
_MSG_CHANNEL_DATA = 94
_MSG_CHANNEL_EOF = 96
_MSG_CHANNEL_CLOSE = 97
_MSG_CHANNEL_REQUEST = 98
_MSG_CHANNEL_FAILURE = 100

_SHORT = struct.Struct(">BI")
_WINDOW_ADJUST = struct.Struct(">BII")
_DATA_HEADER = struct.Struct(">BII")


class RawMessage:
    """A whole SSH message in memory that is already laid out, so that it is not copied."""

    def __init__(self, memory: bytes | memoryview) -> None:
        self._memory = memory

    def asbytes(self) -> bytes | memoryview:
        """Return it; the name is paramiko's."""
        return self._memory


class StreamChannel:
    """A channel that tells a listener; one thread owns it, and sends all but `grant_at_once`.

    The methods with names of paramiko's are for its Transport, in the thread that reads.
    """

    header_bytes: ClassVar[int] = _DATA_HEADER.size

    def __init__(self, transport: Carrier, chanid: int, listener: StreamListener) -> None:
        self.chanid = chanid
        self.remote_chanid = -1
        self.listener = listener
        self.closed = False
        self._transport = transport
        self._lock = threading.Lock()  # guards the window, and that nothing follows CLOSE
        self._window_bytes = 0
        self._packet_bytes = 0
        self._arrived: list[memoryview] = []
        self._has_ended = False
        self._guest_has_closed = False
        # What the guest has sent, and what it may have: each is changed by one thread at a time.
        self._received_bytes = 0
        self._granted_bytes = WINDOW_BYTES

    def begin(self) -> None:
        """Do what must come between the opening and the first byte: nothing, here."""

    def sendable_bytes(self) -> int:
        """Return how many bytes one `send_message` may carry now."""
        return min(self._window_bytes, self._packet_bytes)

    def send_message(self, memory: memoryview) -> None:
        """Send what follows the first `header_bytes` of `memory`; those are filled in here."""
        count = len(memory) - self.header_bytes
        _DATA_HEADER.pack_into(memory, 0, _MSG_CHANNEL_DATA, self.remote_chanid, count)
        with self._lock:
            self._window_bytes -= count
        self._transport.send_now(RawMessage(memory))

    def grant(self, count: int) -> None:
        """Let the guest send `count` bytes more."""
        if not self.closed:
            with self._lock:
                self._granted_bytes += count
            self._transport.send_now(self._granting(count))

    def grant_at_once(self, count: int) -> bool:
        """Do so from the thread that reads; False if it would have to wait, then nothing is done.

        That spares the other thread a wake-up for each grant, and both the struggle for Python's
        one lock: a tenth of a download's time.
        """
        with self._lock:
            if self.closed:
                return True
            is_sent = self._transport.send_at_once(self._granting(count))
            self._granted_bytes += count if is_sent else 0
            return is_sent

    def shutdown_write(self) -> None:
        """Say that no more bytes will come."""
        if not (self._has_ended or self.closed):
            self._has_ended = True
            self._transport.send_now(self._short(_MSG_CHANNEL_EOF))

    def close(self) -> None:
        """Close both directions; the number is free again when the guest has done so too."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
        # EOF goes first, as paramiko has it. With CLOSE alone, runs of thousands of short
        # connections hung now and then; why was not found.
        kinds = (_MSG_CHANNEL_CLOSE,) if self._has_ended else (_MSG_CHANNEL_EOF, _MSG_CHANNEL_CLOSE)
        self._has_ended = True
        self._transport.send_together([self._short(kind) for kind in kinds])
        if self._guest_has_closed:
            self._transport.forget(self.chanid)

    def refused(self, reason: str) -> None:
        """Hear that the guest could not connect."""
        self.listener.stream_refused(reason)

    def lost(self) -> None:
        """Hear that the SSH connection is lost."""
        self.listener.stream_lost()

    def deliver(self) -> None:
        """Tell the listener of the bytes that have come."""
        arrived, self._arrived = self._arrived, []
        if arrived and not self.closed:
            self.listener.stream_received(arrived)

    def _short(self, kind: int) -> RawMessage:
        return RawMessage(_SHORT.pack(kind, self.remote_chanid))

    def _granting(self, count: int) -> RawMessage:
        return RawMessage(
            _WINDOW_ADJUST.pack(_MSG_CHANNEL_WINDOW_ADJUST, self.remote_chanid, count)
        )

    # Called by paramiko's Transport.

    def _set_remote_channel(self, number: int, window_bytes: int, packet_bytes: int) -> None:
        self.remote_chanid = number
        self._window_bytes = window_bytes
        self._packet_bytes = packet_bytes
        self.listener.stream_opened()

    def _feed(self, message: paramiko.Message) -> None:
        if isinstance(message, BulkMessage):
            data = message.data()
        else:
            data = memoryview(message.get_binary())
        if self._is_too_much(len(data)):
            return
        if not self._arrived:
            self._transport.deliver_before_reading(self)
        self._arrived.append(data)

    def _feed_extended(self, message: paramiko.Message) -> None:
        message.get_int()
        words = message.get_binary()
        if not self._is_too_much(len(words)):
            log.debug("the command says: %s", words.decode(errors="replace").strip())

    def _is_too_much(self, count: int) -> bool:
        """Tell whether the guest sends more than it may, which ends the channel.

        Else a client that does not read would cost all of our memory.
        """
        was_too_much = self._received_bytes > self._granted_bytes
        self._received_bytes += count
        is_too_much = self._received_bytes > self._granted_bytes
        if is_too_much and not was_too_much:
            log.warning("the guest sends more on a channel than it may; the channel is closed")
            self.listener.stream_lost()
        return is_too_much

    def _window_adjust(self, message: paramiko.Message) -> None:
        with self._lock:
            self._window_bytes += message.get_int()
        self.listener.stream_may_send()

    def _handle_request(self, message: paramiko.Message) -> None:
        message.get_text()
        wants_answer = message.get_boolean()
        # OpenSSH asks thus whether we live; a question without an answer does not hurt, it asks
        # again.
        if wants_answer:
            with self._lock:
                if not self.closed:
                    self._transport.send_at_once(self._short(_MSG_CHANNEL_FAILURE))

    def _request_success(self, _message: paramiko.Message) -> None:
        """Hear that the command runs; its bytes say so too."""

    def _request_failed(self, _message: paramiko.Message) -> None:
        self.listener.stream_refused("the guest does not run the command")

    def _handle_eof(self, _message: paramiko.Message) -> None:
        self.deliver()
        self.listener.stream_ended()

    def _handle_close(self, _message: paramiko.Message) -> None:
        self.deliver()
        self._guest_has_closed = True
        if self.closed:
            self._transport.forget(self.chanid)
        else:
            self.listener.stream_closed()

    def _unlink(self) -> None:
        self.lost()


class CommandStream(StreamChannel):
    """A stream to the standard input and output of a command that `begin` starts."""

    def __init__(
        self, transport: Carrier, chanid: int, listener: StreamListener, command: str
    ) -> None:
        super().__init__(transport, chanid, listener)
        self._command = command

    def begin(self) -> None:
        """Let the guest run the command; bytes may follow at once."""
        message = paramiko.Message()
        message.add_byte(bytes([_MSG_CHANNEL_REQUEST]))
        message.add_int(self.remote_chanid)
        message.add_string("exec")
        message.add_boolean(True)  # noqa: FBT003 - an answer is wanted
        message.add_string(self._command)
        self._transport.send_now(message)
