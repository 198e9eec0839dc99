"""What paramiko lacks and we need, in one place, for paramiko 3.5 to 5.x.

- `direct-streamlocal@openssh.com`, a channel to a Unix socket of the guest: OpenSSH's PROTOCOL
  file, section 2.4. After the path come a string and a number, reserved (OpenSSH,
  serverloop.c, server_request_direct_streamlocal).
- channels of our own classes, see `channels.py` and `stream_channel.py`;
- packets without so many copies, see `packets.py`;
- a liveness probe with an answer: a global request that every server must refuse, as OpenSSH's
  own ServerAliveInterval does it.
"""

from __future__ import annotations

import logging
import struct
import threading
from typing import Any, Callable, ClassVar, Sequence

import paramiko

from boot2docker_py.ssh.over_paramiko.channels import (
    WINDOW_BYTES,
    MessageOfChannel,
    SessionChannel,
    SharedChannel,
)
from boot2docker_py.ssh.over_paramiko.packets import GuestPacketizer
from boot2docker_py.ssh.over_paramiko.stream_channel import CommandStream, RawMessage, StreamChannel
from boot2docker_py.ssh.stream import StreamListener

log = logging.getLogger(__name__)


class _ToOurLog(logging.Handler):
    """Pass on what paramiko logs, tracebacks included, as details of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log.debug("paramiko: %s", record.getMessage())


_paramiko_log = logging.getLogger("paramiko")
_paramiko_log.addHandler(_ToOurLog())
_paramiko_log.propagate = False

PACKET_BYTES = 32 * 1024

_STREAMLOCAL = "direct-streamlocal@openssh.com"
_DIRECT_TCPIP = "direct-tcpip"  # RFC 4254, section 7.2

# RFC 4250, section 4.1.2
_MSG_GLOBAL_REQUEST = 80
_MSG_CHANNEL_OPEN = 90

_NUMBER = struct.Struct(">I")
_OPENING = struct.Struct(">III")


def _by_name(method: Callable[..., None]) -> Callable[[paramiko.Channel, paramiko.Message], None]:
    """Call the channel's own method; paramiko's table would call that of its own class."""
    name = method.__name__

    def call(channel: paramiko.Channel, message: paramiko.Message) -> None:
        getattr(channel, name)(message)

    return call


class _Together:
    """Messages that paramiko takes for one."""

    def __init__(self, messages: Sequence[Any]) -> None:
        self.messages = messages


class GuestTransport(paramiko.Transport):
    """An SSH connection to the guest."""

    _channels: Any
    active: bool
    packetizer: GuestPacketizer
    _next_channel: Callable[[], int]
    _send_user_message: Callable[[Any], None]
    _channel_handler_table: ClassVar[dict[int, Callable[..., None]]] = {
        number: _by_name(method)
        # Private as it is: paramiko looks there for what to do with each kind of message.
        for number, method in paramiko.Transport._channel_handler_table.items()  # type: ignore[attr-defined] # noqa: SLF001 - so
    }

    def __init__(self, sock: Any) -> None:
        super().__init__(sock, WINDOW_BYTES, PACKET_BYTES, packetizer_class=GuestPacketizer)
        self.packetizer.before_reading = self._deliver
        self._undelivered: list[StreamChannel] = []
        self.ended = threading.Event()
        self.attention = threading.Event()  # for what watches the connection: look at once
        self._answered = threading.Event()
        # paramiko holds its channels weakly; ours live until both ends have closed.
        self._held: dict[int, StreamChannel] = {}
        self._refusals: dict[int, str] = {}
        self._given_up: dict[int, paramiko.Channel] = {}  # they may open yet

    def run(self) -> None:
        """Read the connection until it ends."""
        try:
            super().run()
        finally:
            self.ended.set()
            self.attention.set()
            for channel in list(self._held.values()):
                channel.lost()

    def close(self) -> None:
        """Close the connection, also one that never came to a handshake."""
        super().close()
        self.sock.close()

    @property
    def received_bytes(self) -> int:
        """Return how many bytes have come over the connection."""
        return int(self.sock.received_bytes)  # type: ignore[union-attr]

    def open_channels(self) -> int:
        """Return how many channels there are that not both ends have closed."""
        return len(self._channels)

    def open_stream(self, path: str, listener: StreamListener) -> StreamChannel:
        """Ask for a channel to the guest's socket `path` and return at once.

        The listener hears what becomes of it.
        """
        channel = StreamChannel(self, self._take_number(), listener)
        return self._open_stream(channel, _STREAMLOCAL, _streamlocal_fields(path))

    def open_port_stream(self, host: str, port: int, listener: StreamListener) -> StreamChannel:
        """Ask for a channel to a TCP port as the guest sees it, in the same way."""
        channel = StreamChannel(self, self._take_number(), listener)
        return self._open_stream(channel, _DIRECT_TCPIP, _tcpip_fields(host, port))

    def open_command_stream(self, command: str, listener: StreamListener) -> StreamChannel:
        """Ask for a channel to a command in the guest, in the same way."""
        channel = CommandStream(self, self._take_number(), listener, command)
        return self._open_stream(channel, "session", b"")

    def open_port(self, host: str, port: int, timeout_s: float) -> paramiko.Channel:
        """Return a channel to a TCP port as the guest sees it, to be used like a socket.

        Raises:
            paramiko.SSHException: refused, not opened in time, or the connection is lost.
        """
        channel = SharedChannel(self._take_number())
        self._open(channel, _DIRECT_TCPIP, _tcpip_fields(host, port), timeout_s)
        return channel

    def open_unix_socket(self, path: str, timeout_s: float) -> paramiko.Channel:
        """Return a channel to the guest's socket `path`, to be used like a socket.

        Raises:
            paramiko.SSHException: refused, not opened in time, or the connection is lost.
        """
        channel = SharedChannel(self._take_number())
        self._open(channel, _STREAMLOCAL, _streamlocal_fields(path), timeout_s)
        return channel

    def open_command(self, timeout_s: float) -> SessionChannel:
        """Return a channel for one command or shell.

        Raises:
            paramiko.SSHException: refused, not opened in time, or the connection is lost.
        """
        channel = SessionChannel(self._take_number())
        self._open(channel, "session", b"", timeout_s)
        return channel

    def answers_within(self, timeout_s: float) -> bool:
        """Tell whether the guest's SSH server answers a question that means nothing."""
        self._answered.clear()
        message = paramiko.Message()
        message.add_byte(bytes([_MSG_GLOBAL_REQUEST]))
        message.add_string("keepalive@openssh.com")
        message.add_byte(b"\x01")  # an answer is wanted
        try:
            self.send_now(message)
        except (paramiko.SSHException, OSError, EOFError) as error:
            log.debug("could not ask the guest: %s", error)
            return False
        return self._answered.wait(timeout_s) and self.is_active()

    def send_now(self, message: Any) -> None:
        """Send one message; not for the thread that reads."""
        if not self._send_if_nobody_sends(message):
            self._send_user_message(message)  # which waits for as long as keys are renewed

    def send_at_once(self, message: Any) -> bool:
        """Send one message from any thread; False if that would have to wait."""
        return self.sock.has_room() and self._send_if_nobody_sends(message)  # type: ignore[union-attr]

    def send_together(self, messages: Sequence[Any]) -> None:
        """Send some messages by one call of the system, in order; not for the thread that reads."""
        self.send_now(_Together(messages))

    def _send_if_nobody_sends(self, message: Any) -> bool:
        if not self.clear_to_send_lock.acquire(blocking=False):
            return False
        try:
            if not (self.clear_to_send.is_set() and self.active):
                return False
            self._send_message(message)
        finally:
            self.clear_to_send_lock.release()
        return True

    def _send_message(self, message: Any) -> None:
        if isinstance(message, _Together):
            with self.sock.gathering():  # type: ignore[union-attr]
                for one in message.messages:
                    self.packetizer.send_message(one)
        # paramiko holds a lock meanwhile, for whatever a channel sends.
        elif not isinstance(message, MessageOfChannel) or message.is_in_time():
            self.packetizer.send_message(message)

    def deliver_before_reading(self, channel: StreamChannel) -> None:
        """Let the channel deliver what has come for it, when all that was read is sorted."""
        self._undelivered.append(channel)

    def _deliver(self) -> None:
        if self._undelivered:
            for channel in self._undelivered:
                channel.deliver()
            self._undelivered.clear()

    def forget(self, number: int) -> None:
        """Let go of a channel that both ends have closed."""
        self._channels.delete(number)
        self.channels_seen.pop(number, None)
        self._held.pop(number, None)

    def _take_number(self) -> int:
        with self.lock:
            return self._next_channel()

    def _open_stream(self, channel: StreamChannel, kind: str, fields: bytes) -> StreamChannel:
        self._held[channel.chanid] = channel
        self._ask_to_open(channel.chanid, channel, kind, fields)
        return channel

    def _open(self, channel: paramiko.Channel, kind: str, fields: bytes, timeout_s: float) -> None:
        opened = self.channel_events[channel.chanid] = threading.Event()
        # As Transport.open_channel does, which waits in a way of its own.
        channel._set_transport(self)  # type: ignore[attr-defined] # noqa: SLF001 - so
        channel._set_window(WINDOW_BYTES, PACKET_BYTES)  # type: ignore[attr-defined] # noqa: SLF001 - so
        self._ask_to_open(channel.chanid, channel, kind, fields)
        if not opened.wait(timeout_s):
            with self.lock:
                is_late = not opened.is_set()
                if is_late:
                    self._given_up[channel.chanid] = channel
            if is_late:
                raise paramiko.SSHException(f"no channel within {timeout_s:g} s")
        if not channel.active:
            raise paramiko.SSHException(self._refusals.pop(channel.chanid, "connection lost"))

    def _ask_to_open(self, number: int, channel: object, kind: str, fields: bytes) -> None:
        with self.lock:
            self._channels.put(number, channel)
            self.channels_seen[number] = True
        if self.ended.is_set():
            raise paramiko.SSHException("the connection has ended")
        opening = _OPENING.pack(number, WINDOW_BYTES, PACKET_BYTES)
        self.send_now(RawMessage(bytes([_MSG_CHANNEL_OPEN]) + _string(kind) + opening + fields))

    def _parse_channel_open_success(self, message: paramiko.Message) -> None:
        super()._parse_channel_open_success(message)  # type: ignore[misc]
        message.rewind()
        with self.lock:
            late = self._given_up.pop(message.get_int(), None)
        if late is not None:  # the guest's server allows few at a time
            # Not in this thread: while keys are renewed it would wait for itself.
            threading.Thread(target=late.close, daemon=True, name="late").start()

    def _parse_channel_open_failure(self, message: paramiko.Message) -> None:
        # In place of paramiko's: it keeps one reason for all channels, and not the server's words.
        number, _code, reason = message.get_int(), message.get_int(), message.get_text()
        channel = self._channels.get(number)
        self.forget(number)
        opened = self.channel_events.pop(number, None)
        if isinstance(channel, StreamChannel):
            channel.refused(reason)
        elif opened is not None:
            with self.lock:
                if self._given_up.pop(number, None) is None:
                    self._refusals[number] = reason
                opened.set()

    def _parse_request_success(self, message: paramiko.Message) -> None:
        super()._parse_request_success(message)  # type: ignore[misc]
        self._answered.set()

    def _parse_request_failure(self, message: paramiko.Message) -> None:
        super()._parse_request_failure(message)  # type: ignore[misc]
        self._answered.set()


def _string(text: str) -> bytes:
    data = text.encode()
    return _NUMBER.pack(len(data)) + data


def _streamlocal_fields(path: str) -> bytes:
    return _string(path) + _string("") + _NUMBER.pack(0)


def _tcpip_fields(host: str, port: int) -> bytes:
    origin = _string("127.0.0.1") + _NUMBER.pack(0)
    return _string(host) + _NUMBER.pack(port) + origin
