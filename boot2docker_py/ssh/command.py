"""A command in the guest: its three streams and its end."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import threading
import time
from typing import Callable, Protocol, Sequence

import paramiko

from boot2docker_py.errors import GuestError, UsageError
from boot2docker_py.ssh.errors import LOST

log = logging.getLogger(__name__)

Session = paramiko.Channel  # of a command or a shell

CHUNK_BYTES = 128 * 1024
SLICE_S = 1.0
SHOWN_LETTERS = 70  # of a command that an error names
UNKNOWN = 255  # the status of a command whose end was not explained


class Source(Protocol):
    """Where bytes come from; `read` returns what there is, none at the end."""

    def read(self, limit: int, /) -> bytes:
        """Return up to `limit` bytes."""


class Sink(Protocol):
    """Where bytes go to."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


def command_line(command: str | Sequence[str]) -> str:
    """Return what the guest's shell shall read; a list is quoted, so that its words stay words."""
    return command if isinstance(command, str) else shlex.join(command)


def begin(
    channel: Session,
    command: str,
    *,
    terminal_size: os.terminal_size | None = None,
    terminal_name: str = "vt100",
) -> None:
    """Let the guest run the command, or a shell if it is empty; in a terminal of the size given.

    Raises:
        UsageError: it is not what a command can be.
        GuestError: it does not.
    """
    sent = _as_sent(command)
    try:
        if terminal_size is not None:
            channel.get_pty(terminal_name, *terminal_size)
        if sent:
            channel.exec_command(sent)
        else:
            channel.invoke_shell()
    except LOST as error:
        raise GuestError(
            "the VM does not run the command",
            details=str(error) or "connection lost",
            resolution="See with 'boot2docker status' whether the VM still runs.",
        ) from error


def _as_sent(command: str) -> bytes:
    # A guest's sshd hangs up on NUL, as if the connection were to blame.
    try:
        sent = command.encode("utf-8", "surrogateescape")  # what was typed may be no UTF-8
    except UnicodeEncodeError as error:
        raise UsageError("the command is no text", details=str(error)) from error
    if b"\0" in sent:
        raise UsageError("a command cannot have a NUL in it", details=repr(in_a_line(command)))
    return sent


def in_a_line(command: str | Sequence[str]) -> str:
    """Return a command as an error can name it: a script of ours is long, and no news to a user."""
    words = " ".join(command_line(command).split())
    return words if len(words) <= SHOWN_LETTERS else f"{words[:SHOWN_LETTERS]} ..."


def has_ended(channel: Session, timeout_s: float = float("inf")) -> bool:
    """Wait for the end of the command, which may come after that of its output; tell if it came."""
    end = time.monotonic() + timeout_s
    # In slices, because Windows delivers no Ctrl-C to a thread that waits without end.
    while not channel.status_event.wait(max(0.0, min(SLICE_S, end - time.monotonic()))):
        if time.monotonic() >= end:
            return False
    return True


def exit_status(channel: Session) -> int:
    """Wait for the end of the command and return its status, 128 + n if signal n killed it.

    On the plain way the signal is not known: 255, as with OpenSSH's client.

    Raises:
        GuestError: the connection was lost before.
    """
    has_ended(channel)
    killed_by = getattr(channel, "exit_signal", None)
    if killed_by is not None:
        return 128 + signal_number(killed_by)
    if channel.exit_status < 0 and _is_connected(channel):
        return UNKNOWN
    if channel.exit_status < 0:
        raise GuestError(
            "the SSH connection to the VM was lost while a command ran",
            resolution="See with 'boot2docker status' whether the VM still runs.",
        )
    return channel.exit_status


def signal_number(name: str) -> int:
    """Return the number of a signal that RFC 4254 names without SIG."""
    known = {member.name: int(member) for member in signal.Signals}
    # Windows knows few signals; these are Linux' numbers, as the guest means them.
    linux = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGKILL": 9, "SIGPIPE": 13, "SIGTERM": 15}
    return linux.get(f"SIG{name}") or known.get(f"SIG{name}", 0)


class Pumps:
    """Move the three streams at once, so that none can block another.

    The input is read by a thread that is not waited for: it may sit in a read that never ends.
    """

    def __init__(self, channel: Session, stdin: Source, stdout: Sink, stderr: Sink) -> None:
        self._channel = channel
        self.failure: OSError | None = None
        self._outputs = (
            _start(self._pump_out, channel.recv, stdout),
            _start(self._pump_out, channel.recv_stderr, stderr),
        )
        _start(self._pump_in, stdin)

    def wait(self, timeout_s: float = float("inf")) -> bool:
        """Wait until the output has ended and was passed on; tell whether it has in time."""
        end = time.monotonic() + timeout_s
        for thread in self._outputs:
            # In slices, because Windows delivers no Ctrl-C to a thread that waits without end.
            while thread.is_alive() and time.monotonic() < end:
                thread.join(max(0.0, min(SLICE_S, end - time.monotonic())))
        return not any(thread.is_alive() for thread in self._outputs)

    def _pump_out(self, receive: Callable[[int], bytes], sink: Sink) -> None:
        try:
            for data in iter(lambda: receive(CHUNK_BYTES), b""):
                sink.write(data)
        except OSError as error:
            # The output is not taken any more; the command learns it as it would from a pipe.
            self.failure = error
            self._channel.close()

    def _pump_in(self, source: Source) -> None:
        try:
            for data in iter(lambda: source.read(CHUNK_BYTES), b""):
                self._channel.sendall(data)
            self._channel.shutdown_write()
        except LOST as error:
            log.debug("the command takes no more input: %s", error)


def _start(target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def _is_connected(channel: Session) -> bool:
    transport = channel.get_transport()
    return transport is not None and transport.is_active()
