"""What `boot2docker ssh [CMD...]` does: a shell or a command of the guest on our own streams.

As with ssh(1): a shell gets a terminal when we have one; a command gets none unless asked for, and
its words are joined by single spaces and read by the guest's shell, so that
`boot2docker ssh "cat x | wc"` works.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Iterator, Protocol, Sequence

from boot2docker_py.errors import GuestError, StorageError
from boot2docker_py.ssh.command import Pumps, Session, Sink, Source, begin, exit_status

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
from boot2docker_py.ssh.errors import LOST

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR = 0, 1, 2
CONNECTIONLOST = 255
BROKEN_PIPE = 128 + 13  # as a shell reports a command that SIGPIPE has ended
LOOK_AT_SIZE_EVERY_S = 0.2
DEFAULT_SIZE = os.terminal_size((80, 24))


def run(connection: Connection, words: Sequence[str], *, tty: bool | None = None) -> int:
    """Run the command, or a shell if there is none, until it ends; return its exit status.

    `tty` says whether it gets a terminal; None decides as ssh(1) does. The status is 128 + n when
    signal n killed it, 255 when the connection was lost.

    Raises:
        GuestError: the guest does not run it.
        StorageError: the output cannot be written.
    """
    if tty is None:
        tty = not words and os.isatty(STDIN) and os.isatty(STDOUT)
    with connection.open_session() as channel:
        begin(
            channel,
            " ".join(words),
            terminal_size=_size() if tty else None,
            terminal_name=os.environ.get("TERM") or _terminal_name(),
        )
        with raw_terminal() if tty and os.isatty(STDIN) else contextlib.nullcontext():
            return _serve(channel, tty=tty)


def _serve(channel: Session, *, tty: bool) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    if tty:
        threading.Thread(target=_follow_size, args=(channel,), daemon=True).start()
    pumps = Pumps(channel, *map(standard_stream, (STDIN, STDOUT, STDERR)))
    pumps.wait()
    if pumps.failure is not None:
        return _status_of_failure(pumps.failure)
    try:
        return exit_status(channel)
    except GuestError as error:
        log.error("%s", error.brief)  # noqa: TRY400 - a message for the user, no defect
        return CONNECTIONLOST


def _status_of_failure(failure: OSError) -> int:
    if failure.errno in (errno.EPIPE, errno.EINVAL):  # EINVAL: what Windows calls it
        return BROKEN_PIPE
    raise StorageError("cannot write the output of the command", details=str(failure))


def _terminal_name() -> str:
    if sys.platform == "win32":
        from boot2docker_py.guest import windows_console

        return windows_console.terminal_name()
    else:
        return "vt100"


def standard_stream(number: int) -> _Stream:
    """Return one of our standard streams."""
    if sys.platform == "win32":
        from boot2docker_py.guest import windows_console

        return windows_console.at(number) or _Descriptor(number)
    else:
        return _Descriptor(number)


class _Stream(Source, Sink, Protocol):
    """What is read or written."""


class _Descriptor:
    """One of our standard streams, read and written without a buffer between."""

    def __init__(self, number: int) -> None:
        self._number = number

    def read(self, limit: int) -> bytes:
        """Return what there is, none at the end; a stream that we were not given is at its end."""
        while True:
            try:
                return os.read(self._number, limit)
            except BlockingIOError:
                select.select([self._number], [], [])
            except OSError as error:
                log.debug("no input: %s", error)
                return b""

    def write(self, data: bytes) -> None:
        """Write all of `data`."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._number, rest) :]
            except BlockingIOError:
                select.select([], [self._number], [])


def _size() -> os.terminal_size:
    for number in (STDOUT, STDIN, STDERR):
        with contextlib.suppress(OSError):
            return os.get_terminal_size(number)
    return DEFAULT_SIZE


def _follow_size(channel: Session) -> None:
    """Tell the guest when our terminal changes its size.

    By looking, in a thread: Windows has no signal for it, and a handler may not take locks.
    """
    known = _size()
    while not channel.status_event.wait(LOOK_AT_SIZE_EVERY_S):
        now = _size()
        if now == known:
            continue
        known = now
        try:
            channel.resize_pty(now.columns, now.lines)
        except LOST as error:
            log.debug("the size of the terminal could not be passed on: %s", error)
            return


@contextlib.contextmanager
def raw_terminal() -> Iterator[None]:
    """Pass every key on, Ctrl-C too; the terminal is as before whatever happens."""
    if sys.platform == "win32":
        from boot2docker_py.guest import windows_console

        with windows_console.raw():
            yield
    else:
        import termios
        import tty

        before = termios.tcgetattr(STDIN)
        with _ended_by_exception(signal.SIGTERM, signal.SIGHUP):
            try:
                tty.setraw(STDIN, termios.TCSADRAIN)
                yield
            finally:
                termios.tcsetattr(STDIN, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _ended_by_exception(*numbers: int) -> Iterator[None]:
    """Let these signals unwind the program, where they would cut it off."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
