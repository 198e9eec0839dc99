"""What the user sees: words and progress on stderr, data on stdout."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, TextIO

import click

from boot2docker_py.cli.next_command import next_command
from boot2docker_py.errors import Boot2DockerError, UsageError
from boot2docker_py.masking import without_secrets
from boot2docker_py.wait import Progress

if TYPE_CHECKING:
    from boot2docker_py.image import DownloadProgress

REPEAT_S = 15.0  # without a terminal, a long wait says so again this often
DETAIL_LINES = 20
BAR_WIDTH = 24
COPY_SHOWN_EVERY_S = 0.1
AUTO, ALWAYS = "auto", "always"


# C0 and C1, which move cursors, set titles and more; line ends and tabs stay.
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_COLOUR = "(\x1b\\[[0-9;]{0,20}m)"
_LINE_END = "\r+\n"


def plain(text: str) -> str:
    """Return the text of others with its control characters spelled out, as \\x1b.

    Guests, servers, and names of files say what they like; a terminal would obey.
    """
    return re.sub(_CONTROL, lambda found: f"\\x{ord(found[0]):02x}", re.sub(_LINE_END, "\n", text))


class Colours:
    """Whether there are any: as the user says, else on a terminal unless the environment objects.

    See https://no-color.org and https://bixense.com/clicolors.
    """

    def __init__(self) -> None:
        self.wish = AUTO

    def are_for(self, stream: TextIO, environ: Mapping[str, str]) -> bool:
        """Tell whether what goes to the stream has colours."""
        if self.wish != AUTO:
            return self.wish == ALWAYS
        if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
            return False
        if environ.get("CLICOLOR_FORCE", "0") != "0":
            return True
        return environ.get("CLICOLOR") != "0" and stream.isatty()


colours = Colours()


def styled(text: str, *, err: bool = True, **style: Any) -> str:
    """Return the text in colours, where what goes to that stream has any."""
    stream = sys.stderr if err else sys.stdout
    return click.style(text, **style) if colours.are_for(stream, os.environ) else text


def show(text: str, *, err: bool = True) -> None:
    """Print a line that may have colours of ours."""
    stream = sys.stderr if err else sys.stdout
    click.echo(text, err=err, color=colours.are_for(stream, os.environ))


def _can_write_over(stream: TextIO) -> bool:
    """Tell whether a line of the stream can be written over."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def data(text: str) -> None:
    """Print what was asked for."""
    click.echo(plain(text))


def words(text: str, *, is_data: bool = False) -> None:
    """Print words for the user, on stderr unless they are what was asked for.

    What they advise to type is about the VM that this command was about. A line that is written
    over goes first.
    """
    status_line.clear()
    click.echo(plain(next_command.pointed(text)), err=not is_data)


def raw(chunk: bytes) -> None:
    """Print bytes of others: as they are into a file or a pipe, plainly on a terminal."""
    if sys.stdout.isatty():
        pieces = re.split(_COLOUR, chunk.decode("utf-8", errors="replace"))
        # Every second one is a colour, which logs may have.
        shown = [piece if index % 2 else plain(piece) for index, piece in enumerate(pieces)]
        click.echo("".join(shown), nl=False)
    else:
        click.echo(chunk, nl=False)


def code(lines: Iterable[str]) -> None:
    """Print what a shell evaluates, byte for byte; nothing at all when that is not possible.

    Raises:
        UsageError: the encoding of the output lacks a letter (Windows).
    """
    text = "".join(f"{line}\n" for line in lines)
    try:
        # Names of files are bytes on POSIX, whatever the encoding of the terminal.
        exact = os.fsencode(text) if os.name == "posix" else text.encode(sys.stdout.encoding)
    except UnicodeEncodeError as error:
        raise UsageError(
            f"the output's encoding, {error.encoding}, cannot write {text[error.start]!r}",
            details=text,
            resolution="Type first: chcp 65001",
        ) from error
    sys.stdout.flush()
    sys.stdout.buffer.write(exact)
    sys.stdout.buffer.flush()


def utf8(text: str) -> None:
    """Print what other programs read as a file: UTF-8, but on a terminal, which has its own."""
    if sys.stdout.isatty():
        click.echo(plain(text), nl=False)
    else:
        click.echo(text.encode("utf-8", errors="surrogateescape"), nl=False)


def json_object(value: Mapping[str, object]) -> None:
    """Print the one object that `--json` answers with."""
    import json

    click.echo(json.dumps(value, indent=2, default=str))


def error(problem: Boot2DockerError) -> None:
    """Print what is wrong, what others said of it, and what to type next."""
    status_line.clear()
    show(styled("error: ", fg="red") + plain(problem.brief))
    for line in problem.details.strip().splitlines()[-DETAIL_LINES:]:
        click.echo(plain(f"  {line}"), err=True)
    if problem.resolution:
        is_sentence = problem.resolution.endswith(".")
        words(problem.resolution if is_sentence else f"try: {problem.resolution}")


class StatusLine:
    """One line that is written over on a terminal, and plain lines elsewhere."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = monotonic_s
        self._width = 0
        self._what = ""
        self._said_at_s = 0.0
        self._copy_shown_at_s = 0.0

    def show(self, progress: Progress) -> None:
        """Show what is being waited for, for how long, and why."""
        if _can_write_over(sys.stderr):
            self._show_on_terminal(progress)
        else:
            self._show_as_lines(progress)

    def _show_on_terminal(self, progress: Progress) -> None:
        if progress.is_done:
            self.clear()
            if progress.waited_s >= 1:
                words(f"Waited {progress.waited_s:.1f} s for {progress.what}.")
            return
        self.write(f"Waiting for {progress.what}: {progress.waited_s:.0f} s, {progress.reason}")

    def _show_as_lines(self, progress: Progress) -> None:
        if progress.is_done:
            if progress.what == self._what:
                words(f"Waited {progress.waited_s:.1f} s for {progress.what}.")
            self._what = ""
        elif progress.what != self._what:
            self._what, self._said_at_s = progress.what, progress.waited_s
            words(f"Waiting for {progress.what}...")
        elif progress.waited_s - self._said_at_s >= REPEAT_S:
            self._said_at_s = progress.waited_s
            how_long = f"after {progress.waited_s:.0f} s"
            words(f"Still waiting for {progress.what} {how_long}: {progress.reason}")

    def show_download(self, progress: DownloadProgress) -> None:
        """Show how much of an image has come."""
        received_mb = progress.received_bytes / 1e6
        what = f"{received_mb:.1f} MB"
        if progress.total_bytes:
            total_mb = progress.total_bytes / 1e6
            share = progress.received_bytes / progress.total_bytes
            bar = "#" * int(share * BAR_WIDTH)
            what = f"[{bar:<{BAR_WIDTH}}] {share:4.0%} {received_mb:.1f} of {total_mb:.1f} MB"
        if _can_write_over(sys.stderr):
            self.write(f"Fetching the image: {what}")

    def show_copy(self, copied_bytes: int, total_bytes: int) -> None:
        """Show how much has been copied; a total of 0 means it is unknown."""
        is_terminal = _can_write_over(sys.stderr)
        now_s = self._now_s()
        if now_s - self._copy_shown_at_s < (COPY_SHOWN_EVERY_S if is_terminal else REPEAT_S):
            return
        is_first = not self._copy_shown_at_s
        self._copy_shown_at_s = now_s
        of_all = f" of {total_bytes / 1e6:.1f}" if total_bytes else ""
        text = f"Copying: {copied_bytes / 1e6:.1f}{of_all} MB"
        if is_terminal:
            self.write(text)
        elif not is_first:
            click.echo(text, err=True)

    def write(self, text: str) -> None:
        """Write `text` over the line."""
        columns, _lines = _terminal_size(sys.stderr)
        text = " ".join(plain(text).split())[: columns - 1]
        click.echo("\r" + text.ljust(self._width), err=True, nl=False)
        self._width = len(text)

    def clear(self) -> None:
        """Remove the line, so that others can write."""
        if self._width:
            click.echo("\r" + " " * self._width + "\r", err=True, nl=False)
            self._width = 0


status_line = StatusLine()


def width() -> int:
    """Return how many letters a line of data has room for."""
    return min(100, _terminal_size(sys.stdout)[0])


def _terminal_size(stream: TextIO) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24


class Handler(logging.Handler):
    """Shows log records as words: a step as it is, a warning as one, the rest with its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record on stderr."""
        status_line.clear()
        text = plain(without_secrets(next_command.pointed(record.getMessage())))
        if record.levelno >= logging.WARNING:
            text = styled("warning: ", fg="yellow") + text
        elif record.levelno < logging.INFO:
            text = styled(f"{record.name.rpartition('.')[2]}: {text}", dim=True)
        show(text)
