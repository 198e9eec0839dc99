"""What the user sees: words and progress on stderr, data on stdout."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any, Iterable, Mapping, Sequence, TextIO

import click

from boot2docker_py.cli import terminal
from boot2docker_py.cli.next_command import next_command
from boot2docker_py.cli.status_line import StatusLine
from boot2docker_py.errors import Boot2DockerError, UsageError
from boot2docker_py.masking import without_secrets

DETAIL_LINES = 20
plain = terminal.plain
AUTO, ALWAYS = "auto", "always"

_COLOUR = "(\x1b\\[[0-9;]{0,20}m)"


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


def data(text: str) -> None:
    """Print what was asked for."""
    status_line.end()
    click.echo(plain(text))


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of as many cells each, in columns as wide as their widest."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        data("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def words(text: str, *, is_data: bool = False) -> None:
    """Print words for the user, on stderr unless they are what was asked for.

    What they advise to type is about the VM that this command was about. A line that is written
    over goes first.
    """
    status_line.end()
    stream = sys.stdout if is_data else sys.stderr
    click.echo(terminal.wrapped(plain(next_command.pointed(text)), stream), err=not is_data)


def confirmed(question: str) -> bool:
    """Ask on stderr, and return whether the answer is yes; Ctrl-C ends the line of the question."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        raise


def raw(chunk: bytes) -> None:
    """Print bytes of others: as they are into a file or a pipe, plainly on a terminal."""
    status_line.end()
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
    status_line.end()
    sys.stdout.flush()
    sys.stdout.buffer.write(exact)
    sys.stdout.buffer.flush()


def utf8(text: str) -> None:
    """Print what other programs read as a file: UTF-8, but on a terminal, which has its own."""
    status_line.end()
    if sys.stdout.isatty():
        click.echo(plain(text), nl=False)
    else:
        click.echo(text.encode("utf-8", errors="surrogateescape"), nl=False)


def json_object(value: Mapping[str, object]) -> None:
    """Print the one object that `--json` answers with."""
    import json

    status_line.end()
    click.echo(json.dumps(value, indent=2, default=str))


def error(problem: Boot2DockerError) -> None:
    """Print what is wrong, what others said of it, and what to type next."""
    status_line.end()
    show(_labelled("error: ", plain(problem.brief), fg="red"))
    for line in problem.details.strip().splitlines()[-DETAIL_LINES:]:
        click.echo(terminal.wrapped(plain(f"  {line}"), sys.stderr), err=True)
    if problem.resolution:
        words(advice(next_command.of(problem)))


def _labelled(label: str, text: str, **style: Any) -> str:
    """Return a label in its colour, and the text behind it in lines that fit."""
    lines = terminal.wrapped(label + text, sys.stderr)
    return styled(label, **style) + lines[len(label) :]


def advice(resolution: str) -> str:
    """Return what to do next: a sentence as it is, a command as one to try."""
    is_sentence = resolution.endswith(".") or resolution[:1].isupper()
    return resolution if is_sentence else f"try: {resolution}"


status_line = StatusLine()


def width() -> int:
    """Return how many letters a line of data has room for."""
    return min(100, terminal.columns(sys.stdout))


# What is said to other programs, byte for byte, or call for call: it goes to the log alone.
_WIRE = ("ssh", "drivers.qemu.qmp", "drivers.virtualbox.binding", "endpoint.control", "guest.copy")


class Handler(logging.Handler):
    """Shows log records as words: a step as it is, a warning as one, the rest with its place.

    A step that ends with dots lasts, and the clock ticks for it until something else is said.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record on stderr."""
        if record.levelno < logging.INFO and _is_wire(record.name):
            return
        words = plain(without_secrets(next_command.pointed(record.getMessage())))
        with status_line.aside():
            show(_as_level(words, record))
        if record.levelno == logging.INFO and words.endswith("..."):
            status_line.begin(words[:-3])


def _is_wire(logger: str) -> bool:
    place = logger.partition(".")[2]
    return any(place == wire or place.startswith(f"{wire}.") for wire in _WIRE)


def _as_level(words: str, record: logging.LogRecord) -> str:
    if record.levelno >= logging.WARNING:
        return _labelled("warning: ", words, fg="yellow")
    if record.levelno < logging.INFO:
        return styled(f"{record.name.rpartition('.')[2]}: {words}", dim=True)
    return terminal.wrapped(words, sys.stderr)
