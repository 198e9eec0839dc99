"""An SSH connection to the guest: by key, to a pinned host, never asking anybody anything.

The user's own SSH settings play no part: no agent, no `~/.ssh/config`, no other keys, no proxy,
no password.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Sequence, Union

import paramiko

from boot2docker_py.address import Address
from boot2docker_py.errors import DeadlineError, GuestError
from boot2docker_py.ssh import host_keys, keys
from boot2docker_py.ssh.command import (
    Pumps,
    Session,
    begin,
    command_line,
    exit_status,
    has_ended,
    in_a_line,
)
from boot2docker_py.ssh.dialer import Attempt, Dialer, OnWait
from boot2docker_py.ssh.errors import LOST, HostKeyChangedError, KeyRefusedError, NotReadyError
from boot2docker_py.ssh.over_paramiko.buffered_socket import BufferedSocket
from boot2docker_py.ssh.over_paramiko.plain import PlainTransport
from boot2docker_py.ssh.over_paramiko.transport import GuestTransport
from boot2docker_py.ssh.stream import Channel, StreamListener
from boot2docker_py.wait import Deadline

OPEN_CHANNEL_S = 30.0

# The fastest first; the machine is the same, or next door. Old servers have the later ones.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr")
KEY_EXCHANGES = ("curve25519-sha256@libssh.org",)

# A server that misses so many questions in a row is lost. Counted, not measured by the clock, so
# that a host that slept does not take the time of its sleep for silence.
PROBE_EVERY_S = 2.0
PROBE_PATIENCE = 15
PROBE_PATIENCE_IN_DOUBT = 4
# A guest that took long to shake hands (an interpreted one takes half a minute) takes long to
# answer when it has work, too: so many questions more for each second of that.
PROBE_PATIENCE_PER_S = 5

Command = Union[str, Sequence[str]]
Transport = Union[GuestTransport, PlainTransport]

OUTPUT_BYTES = 16 << 20  # of a command that answers a question of ours


@dataclass(frozen=True)
class Result:
    """How a command in the guest ended; status is 128 + n when signal n killed it."""

    status: int
    stdout: bytes
    stderr: bytes


def connect(
    address: Address,
    *,
    user: str,
    key: Path,
    known_hosts: Path,
    host_name: str,
    deadline: Deadline,
    on_wait: OnWait = lambda _reason: None,
    is_plain: bool = False,
) -> Connection:
    """Connect as soon as the guest's SSH server answers; `on_wait` hears why it does not yet.

    The server's key is pinned in `known_hosts` under `host_name` when none is. What `is_plain`
    goes by paramiko's own packets and channels, which is slower.

    Raises:
        NotReadyError: the deadline passed; its details have the last reason.
        HostKeyChangedError, KeyRefusedError: at once, because waiting does not help.
        UsageError: our own key cannot be used.
    """
    login = _Login(address, user, _paramiko_key(key), key, known_hosts, host_name, is_plain)
    with Dialer(address, deadline, on_wait) as dialer:
        while True:
            attempt = dialer.dial()
            began_s = deadline.clock.monotonic()
            try:
                transport = login.over(attempt, deadline)
                return Connection(transport, address, deadline.clock.monotonic() - began_s)
            except NotReadyError as error:
                dialer.pause(error.details)


class TooMuchError(OSError):
    """The output of a command has no end."""


class _Bounded(io.BytesIO):
    """Memory for the output of a command."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > OUTPUT_BYTES:
            raise TooMuchError
        return super().write(data)


class Connection:
    """An open SSH connection; use it as a context manager, or `close` it."""

    def __init__(self, transport: Transport, address: Address, handshake_s: float = 0.0) -> None:
        self.transport = transport
        self._is_doubted = False
        self._more_patience = int(PROBE_PATIENCE_PER_S * handshake_s)
        self.address = address

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def run(self, command: Command, *, stdin: bytes = b"", timeout_s: float) -> Result:
        """Run a command to its end, with `stdin` as its input.

        Raises:
            DeadlineError: it did not end in time; it may still run.
            GuestError: the connection was lost.
        """
        stdout, stderr = _Bounded(), _Bounded()
        deadline = Deadline(timeout_s)
        with self.open_session() as channel:
            begin(channel, command_line(command))
            pumps = Pumps(channel, io.BytesIO(stdin), stdout, stderr)
            is_quiet = pumps.wait(timeout_s)
            if isinstance(pumps.failure, TooMuchError):
                raise GuestError("a command in the VM says too much", details=in_a_line(command))
            if not (is_quiet and has_ended(channel, deadline.remaining_s())):
                raise DeadlineError(
                    f"a command in the VM did not end within {timeout_s:.3g} s",
                    details=in_a_line(command),
                    resolution="Give it more time with --timeout.",
                )
            status = exit_status(channel)
        return Result(status, stdout.getvalue(), stderr.getvalue())

    def open_session(self) -> Session:
        """Return a channel for one command or shell.

        Raises:
            GuestError: the guest refuses, or the connection is lost.
        """
        try:
            return self.transport.open_command(OPEN_CHANNEL_S)
        except LOST as error:
            raise GuestError(
                "the VM does not open an SSH session", details=str(error) or "connection lost"
            ) from error

    def open_unix_socket(self, path: str) -> paramiko.Channel:
        """Return a channel to the guest's Unix socket, to be used like a socket.

        Raises:
            GuestError: no program listens there, or the connection is lost.
        """
        try:
            return self.transport.open_unix_socket(path, OPEN_CHANNEL_S)
        except LOST as error:
            raise GuestError(
                f"cannot connect to '{path}' in the VM", details=str(error) or "connection lost"
            ) from error

    def open_stream(self, path: str, listener: StreamListener) -> Channel:
        """Begin to open a channel to the guest's Unix socket; `listener` hears how that goes."""
        return self.transport.open_stream(path, listener)

    def open_command_stream(self, command: str, listener: StreamListener) -> Channel:
        """Begin to open a channel to a command in the guest; `listener` hears how that goes."""
        return self.transport.open_command_stream(command, listener)

    def open_port_stream(self, host: str, port: int, listener: StreamListener) -> Channel:
        """Begin to open a channel to a TCP port, as the guest sees it."""
        return self.transport.open_port_stream(host, port, listener)

    def open_command(self, command: Command) -> Session:
        """Return a channel to a command's input and output, to be used like a socket.

        Raises:
            GuestError: the guest refuses, or the connection is lost.
        """
        channel = self.open_session()
        begin(channel, command_line(command))
        return channel

    def open_port(self, host: str, port: int) -> paramiko.Channel:
        """Return a channel to a TCP port as the guest sees it, to be used like a socket.

        Raises:
            GuestError: no program listens there, the guest refuses, or the connection is lost.
        """
        try:
            return self.transport.open_port(host, port, OPEN_CHANNEL_S)
        except LOST as error:
            raise GuestError(
                f"cannot connect to port {port} in the VM", details=str(error) or "connection lost"
            ) from error

    def wait_until_lost(self) -> str:
        """Ask the server now and then whether it lives; return why the connection ended."""
        transport, attention = self.transport, self.transport.attention
        silent_for = 0
        while silent_for < self._patience():
            heard_bytes = transport.received_bytes
            if not transport.is_active():
                return str(transport.get_exception() or "") or "the connection was closed"
            if transport.answers_within(1.0):
                silent_for, self._is_doubted = 0, False
                attention.wait(PROBE_EVERY_S)
                attention.clear()
            elif transport.received_bytes > heard_bytes:
                silent_for = 0  # it has our question behind much that was sent before
            else:
                silent_for += 1
        self.close()
        return f"no answer from the SSH server for {silent_for} s"

    def _patience(self) -> int:
        least = PROBE_PATIENCE_IN_DOUBT if self._is_doubted else PROBE_PATIENCE
        return least + self._more_patience

    def doubt(self) -> None:
        """Ask the server at once, and have less patience with it; from any thread."""
        self._is_doubted = True
        self.transport.attention.set()

    def is_alive(self) -> bool:
        """Tell whether the connection is open, as far as is known."""
        return self.transport.is_active()

    def open_channels(self) -> int:
        """Return how many channels there are that not both ends have closed."""
        return self.transport.open_channels()

    def close(self) -> None:
        """Close the connection and all that runs over it."""
        self.transport.close()


@dataclass(frozen=True)
class _Login:
    """Turn a greeting into an authenticated connection."""

    address: Address
    user: str
    key: paramiko.PKey
    key_file: Path
    known_hosts: Path
    host_name: str
    is_plain: bool

    def over(self, attempt: Attempt, deadline: Deadline) -> Transport:
        transport = self._transport(attempt)
        try:
            self._shake_hands(transport, deadline)
            self._check_host_key(transport)
            self._authenticate(transport, deadline)
        except BaseException:
            transport.close()
            raise
        return transport

    def _transport(self, attempt: Attempt) -> Transport:
        if self.is_plain:
            return PlainTransport(attempt.sock, attempt.received)
        return GuestTransport(BufferedSocket(attempt.sock, attempt.received))

    def _shake_hands(self, transport: Transport, deadline: Deadline) -> None:
        pinned = host_keys.pinned(self.known_hosts, self.host_name)
        _prefer(transport, pinned)
        transport.handshake_timeout = transport.banner_timeout = deadline.remaining_s(600)
        try:
            transport.start_client(timeout=deadline.remaining_s(600))
        except LOST as error:
            raise NotReadyError(self.address, f"in the SSH handshake: {error}") from error
        if not transport.initial_kex_done:
            raise NotReadyError(self.address, "the SSH handshake did not end in time")

    def _check_host_key(self, transport: Transport) -> None:
        key = transport.get_remote_server_key()
        offered = f"{key.get_name()} {key.get_base64()}"
        pinned = host_keys.all_pinned(self.known_hosts, self.host_name)
        if not pinned or (offered in pinned and len(pinned) > 1):
            host_keys.pin(self.known_hosts, self.host_name, offered)
        elif offered not in pinned:
            raise HostKeyChangedError(
                f"another SSH host key than before answers for the VM '{self.host_name}'",
                details=f"At {self.address}, pinned: {', '.join(pinned)}; offered: {offered}",
                resolution="If another program took the port, end it and run 'boot2docker up'. If "
                f"you changed the key in the VM yourself, delete '{self.known_hosts}'.",
            )

    def _authenticate(self, transport: Transport, deadline: Deadline) -> None:
        transport.auth_timeout = deadline.remaining_s(600)
        try:
            self._offer_key(transport)
        except paramiko.AuthenticationException as error:
            if not transport.is_active() or "timeout" in str(error).lower():
                raise NotReadyError(self.address, f"while logging in: {error}") from error
            raise KeyRefusedError(
                f"the VM does not accept the SSH key '{self.key_file}'",
                details=f"user {self.user} at {self.address}: {error}",
                resolution="Name the key that the VM was made with, with --sshkey; "
                "or make the VM anew with 'boot2docker delete' and 'boot2docker up' (loses data)."
                + self._remark_on_old_servers(transport),
            ) from error
        except LOST as error:
            raise NotReadyError(self.address, f"while logging in: {error}") from error

    def _offer_key(self, transport: Transport) -> None:
        try:
            transport.auth_publickey(self.user, self.key)
        except paramiko.AuthenticationException:
            # OpenSSH before 7.2 knows RSA keys by the name "ssh-rsa" only, and does not say so.
            if not self._has_old_name() or "ssh-rsa" not in transport.preferred_pubkeys:
                raise
            transport.disabled_algorithms = {"pubkeys": ["rsa-sha2-512", "rsa-sha2-256"]}
            transport.auth_publickey(self.user, self.key)

    def _has_old_name(self) -> bool:
        return self.key.get_name() == "ssh-rsa"

    def _remark_on_old_servers(self, transport: Transport) -> str:
        if not self._has_old_name() or "ssh-rsa" in transport.preferred_pubkeys:
            return ""
        return " An image from before 2016 needs paramiko 3 for an RSA key."


def _prefer(transport: Transport, pinned: str | None) -> None:
    options = transport.get_security_options()
    options.ciphers = _first(CIPHERS, options.ciphers)
    options.kex = _first(KEY_EXCHANGES, options.kex)
    if pinned is not None:
        kind = pinned.split()[0]
        names = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa") if kind == "ssh-rsa" else (kind,)
        options.key_types = _first(names, options.key_types)


def _first(wanted: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    first = tuple(name for name in wanted if name in known)
    return first + tuple(name for name in known if name not in first)


def _paramiko_key(path: Path) -> paramiko.PKey:
    key = keys.load(path)
    text = io.StringIO(keys.to_openssh(key).decode("ascii"))
    kind = keys.public_line(key).split()[0]
    if kind == "ssh-ed25519":
        return paramiko.Ed25519Key.from_private_key(text)
    if kind == "ssh-rsa":
        return paramiko.RSAKey.from_private_key(text)
    return paramiko.ECDSAKey.from_private_key(text)
