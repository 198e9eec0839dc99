"""The slow way, by what paramiko publishes: its own packets, its own channels, threads that wait.

For when the fast way (`transport.py`, `packets.py`, `stream_channel.py`) does not work with some
paramiko or some server. Few private names of paramiko are used: for the one kind of channel that
paramiko does not know, and for channels that open too late.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections import deque
from typing import Any, Callable, ClassVar

import paramiko

from boot2docker_py.ssh.stream import StreamListener

log = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 1024
# What may be under way from the guest to one client, and from one client to the guest.
WINDOW_BYTES = 1024 * 1024
OPEN_S = 30.0
LOOK_EVERY_S = 0.2
LINGER_S = 10.0

# RFC 4250, section 4.1.2
_MSG_CHANNEL_OPEN = 90
_MSG_CHANNEL_CLOSE = 97
_STREAMLOCAL = "direct-streamlocal@openssh.com"

_LOST = (paramiko.SSHException, OSError, EOFError)


class ReadAheadSocket:
    """A socket of which some bytes were read already; it is not closed under a call."""

    def __init__(self, sock: socket.socket, already_read: bytes) -> None:
        # The number of a closed descriptor is the next one's: no thread may be in a call with it.
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._closing = threading.Lock()
        self._sock = sock
        self._already_read = already_read
        self.received_bytes = len(already_read)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, limit: int) -> bytes:
        """Return up to `limit` bytes, none at the end."""
        if self._already_read:
            data, self._already_read = self._already_read[:limit], self._already_read[limit:]
            return data
        with self._reading:
            data = self._sock.recv(limit)
        self.received_bytes += len(data)
        return data

    def send(self, data: bytes) -> int:
        """Write some of `data` and return how many bytes."""
        with self._writing:
            return self._sock.send(data)

    def close(self) -> None:
        """Close the socket, once no thread is in it: they wake up. Any may, several times."""
        with self._closing:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
            with self._reading, self._writing:
                self._sock.close()


class PlainTransport(paramiko.Transport):
    """An SSH connection to the guest; `transport.GuestTransport` is the fast one."""

    def __init__(self, sock: socket.socket, already_read: bytes) -> None:
        super().__init__(ReadAheadSocket(sock, already_read))
        self.ended = threading.Event()
        self.attention = threading.Event()  # for what watches the connection: look at once
        self._question: threading.Thread | None = None
        self._opening = threading.local()

    def run(self) -> None:
        """Read the connection until it ends."""
        try:
            super().run()
        finally:
            self.ended.set()
            self.attention.set()

    def close(self) -> None:
        """Close the connection, also one that never came to a handshake."""
        super().close()
        self.sock.close()

    @property
    def received_bytes(self) -> int:
        """Return how many bytes have come over the connection."""
        return int(self.sock.received_bytes)  # type: ignore[union-attr]

    def answers_within(self, timeout_s: float) -> bool:
        """Tell whether the guest's SSH server answers a question that means nothing."""
        if self._question is None or not self._question.is_alive():
            self._question = threading.Thread(target=self._ask, daemon=True, name="question")
            self._question.start()
        self._question.join(timeout_s)
        return not self._question.is_alive() and self.is_active()

    def _ask(self) -> None:
        try:
            self.global_request("keepalive@openssh.com")
        except _LOST as error:
            log.debug("could not ask the guest: %s", error)
            self.ended.wait()

    def open_channels(self) -> int:
        """Return how many channels there are that not both ends have closed."""
        return len(self._channels)  # type: ignore[attr-defined]

    def open_stream(self, path: str, listener: StreamListener) -> PlainChannel:
        """Begin to open a channel to the guest's socket `path`; the listener hears of it."""
        return PlainChannel(self, listener, lambda: self.open_unix_socket(path, OPEN_S))

    def open_port_stream(self, host: str, port: int, listener: StreamListener) -> PlainChannel:
        """Begin to open a channel to a TCP port as the guest sees it."""
        return PlainChannel(self, listener, lambda: self.open_port(host, port, OPEN_S))

    def open_command_stream(self, command: str, listener: StreamListener) -> PlainChannel:
        """Begin to open a channel to a command in the guest."""

        def open_channel() -> paramiko.Channel:
            channel = self.open_command(OPEN_S)
            channel.exec_command(command)
            return channel

        return PlainChannel(self, listener, open_channel)

    def open_port(self, host: str, port: int, timeout_s: float) -> paramiko.Channel:
        """Return a channel to a TCP port as the guest sees it, to be used like a socket.

        Raises:
            paramiko.SSHException: refused, not opened in time, or the connection is lost.
        """
        return self.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_s)

    def open_unix_socket(self, path: str, timeout_s: float) -> paramiko.Channel:
        """Return a channel to the guest's socket `path`, to be used like a socket.

        Raises:
            paramiko.SSHException: refused, not opened in time, or the connection is lost.
        """
        self._opening.path = path
        try:
            return self.open_channel(_STREAMLOCAL, timeout=timeout_s)
        finally:
            self._opening.path = None

    def open_command(self, timeout_s: float) -> paramiko.Channel:
        """Return a channel for one command or shell.

        Raises:
            paramiko.SSHException: refused, not opened in time, or the connection is lost.
        """
        return self.open_session(timeout=timeout_s)

    def _send_user_message(self, message: paramiko.Message) -> None:
        path = getattr(self._opening, "path", None)
        if path is not None and message.asbytes()[0] == _MSG_CHANNEL_OPEN:
            message.add_string(path)
            message.add_string("")
            message.add_int(0)
        super()._send_user_message(message)  # type: ignore[misc]

    def _parse_channel_open_success(self, message: paramiko.Message) -> None:
        super()._parse_channel_open_success(message)  # type: ignore[misc]
        message.rewind()
        number, there = message.get_int(), message.get_int()
        # paramiko forgets a channel that was given up, but not its event. The guest's server has it
        # open, and allows few at a time.
        if self.channel_events.pop(number, None) is not None:
            # Not in this thread: while keys are renewed it would wait for itself.
            late = threading.Thread(target=self._close_there, args=(there,), daemon=True)
            late.start()

    def _close_there(self, number: int) -> None:
        message = paramiko.Message()
        message.add_byte(bytes([_MSG_CHANNEL_CLOSE]))
        message.add_int(number)
        with contextlib.suppress(*_LOST):
            self._send_user_message(message)


class PlainChannel:
    """A channel that tells a listener; see `stream.Channel`. A thread reads, another one sends."""

    header_bytes: ClassVar[int] = 0

    def __init__(
        self,
        transport: PlainTransport,
        listener: StreamListener,
        open_channel: Callable[[], paramiko.Channel],
    ) -> None:
        self.listener = listener
        self._transport = transport
        self._open_channel = open_channel
        self._channel: paramiko.Channel | None = None
        self._changed = threading.Condition()  # guards the next six
        self._to_send: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._ungranted_bytes = 0
        self._has_ended = False
        self._guest_is_gone = False
        self._is_closed = False
        threading.Thread(target=self._read, daemon=True, name="stream").start()

    def begin(self) -> None:
        """Do what must come between the opening and the first byte: nothing, here."""

    def sendable_bytes(self) -> int:
        """Return how many bytes one `send_message` may carry now."""
        return max(0, WINDOW_BYTES - self._unsent_bytes)

    def send_message(self, memory: memoryview) -> None:
        """Send the bytes; they are copied."""
        if self._transport.ended.is_set():
            raise paramiko.SSHException("the connection has ended")
        with self._changed:
            self._to_send.append(bytes(memory))
            self._unsent_bytes += len(memory)
            self._changed.notify_all()

    def grant(self, count: int) -> None:
        """Let the guest send `count` bytes more."""
        with self._changed:
            self._ungranted_bytes -= count
            self._changed.notify_all()

    def grant_at_once(self, count: int) -> bool:
        """Do so; it never has to wait."""
        self.grant(count)
        return True

    def shutdown_write(self) -> None:
        """Say that no more bytes will come, when those that are on their way are sent."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Close both directions, when what is on its way is sent, or the guest does not take it."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            is_waiting = bool(self._unsent_bytes)
        if self._channel is not None and is_waiting:
            patience = threading.Timer(LINGER_S, self._channel.close)
            patience.daemon = True
            patience.start()
        elif self._channel is not None:
            self._channel.close()

    # In the thread that reads.

    def _read(self) -> None:
        try:
            channel = self._channel = self._open_channel()
        except _LOST as error:
            if self._transport.ended.is_set():
                self.listener.stream_lost()
            else:
                self.listener.stream_refused(_words(error))
            return
        threading.Thread(target=self._send, args=(channel,), daemon=True, name="sender").start()
        self.listener.stream_opened()
        with contextlib.suppress(*_LOST):
            for data in iter(lambda: channel.recv(CHUNK_BYTES), b""):
                with self._changed:
                    self._ungranted_bytes += len(data)
                if not self._is_closed:
                    self.listener.stream_received([memoryview(data)])
                self._wait_until_granted()
        self._end(channel)

    def _wait_until_granted(self) -> None:
        with self._changed:
            while self._ungranted_bytes >= WINDOW_BYTES and not self._is_over():
                self._changed.wait(LOOK_EVERY_S)

    def _end(self, channel: paramiko.Channel) -> None:
        if channel.eof_received and not self._is_closed:
            self.listener.stream_ended()
        while not (channel.closed or self._is_over()):
            channel.status_event.wait(LOOK_EVERY_S)  # which a command sets before it is closed
            if channel.status_event.is_set():
                self._transport.ended.wait(LOOK_EVERY_S)
        with self._changed:
            self._guest_is_gone = channel.closed or self._transport.ended.is_set()
            self._changed.notify_all()
        if self._is_closed:
            return
        if channel.eof_received or not self._transport.ended.wait(LOOK_EVERY_S):
            self.listener.stream_closed()
        else:
            self.listener.stream_lost()

    def _is_over(self) -> bool:
        return self._is_closed or self._transport.ended.is_set()

    # In the thread that sends.

    def _send(self, channel: paramiko.Channel) -> None:
        try:
            for data in iter(self._next, b""):
                channel.sendall(data)
                with self._changed:
                    self._unsent_bytes -= len(data)
                self.listener.stream_may_send()
            channel.shutdown_write()
            if self._is_closed:
                channel.close()
        except _LOST as error:
            log.debug("the guest takes no more: %s", error)

    def _next(self) -> bytes:
        """Wait for bytes to send; none at the end."""
        with self._changed:
            while not (self._to_send or self._has_ended or self._guest_is_gone or self._is_over()):
                self._changed.wait()
            return self._to_send.popleft() if self._to_send and not self._guest_is_gone else b""


def _words(error: BaseException) -> str:
    if isinstance(error, paramiko.ChannelException):
        return error.text
    return str(error) or "connection lost"
