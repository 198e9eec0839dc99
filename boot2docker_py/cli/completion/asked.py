"""The question of a shell's script, and the answer: one line for each word that may come.

The script gives the words up to the cursor (or the line, where the shell has no better), and gets
`KIND<tab>WORD<tab>MEANING` back. KIND is `word`; `part`, behind which the user goes on; `file` or
`dir`, for which the shell looks itself.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Iterator, Mapping, NamedTuple

import click
from click.shell_completion import CompletionItem, ShellComplete

from boot2docker_py.cli.terminal import plain
from boot2docker_py.errors import Boot2DockerError

if TYPE_CHECKING:
    from boot2docker_py.cli.session import Session

ASKED = "_BOOT2DOCKER_COMPLETE"
LINE, WORDS = "_BOOT2DOCKER_LINE", "_BOOT2DOCKER_WORDS"
MOST = 500
# Where bash begins a new word, unlike what we do.
_BREAKS_OF_BASH = ":="


class Asked(NamedTuple):
    """What was typed before the cursor."""

    before: list[str]  # without the program
    begun: str  # the word at the cursor


def is_asked(environ: Mapping[str, str]) -> bool:
    """Tell whether a shell's script has started this process."""
    return ASKED in environ


def answer(environ: Mapping[str, str], session: Session) -> None:
    """Print what may come at the cursor. Nothing that goes wrong is said: a user types."""
    from boot2docker_py.cli.app import app

    shell = environ[ASKED]
    asked = read(environ)
    program = ShellComplete(app, {"obj": session}, "boot2docker", ASKED)
    with contextlib.suppress(Boot2DockerError, click.ClickException, OSError):
        items = program.get_completions(asked.before, asked.begun)
        for line in _lines(items, asked.begun if shell == "bash" else ""):
            click.echo(line)


def read(environ: Mapping[str, str]) -> Asked:
    """Return what was typed."""
    if WORDS in environ:
        words = [unquoted(word) for word in environ[WORDS].split("\n")]
    else:
        words = split(environ.get(LINE, ""))
    return Asked(words[1:-1], words[-1] if len(words) > 1 else "")


def split(line: str, blanks: str = " \t\n") -> list[str]:
    """Return the words of a line; the last one may be begun alone, in a quote that is open."""
    words, word, quote, is_escaped, is_within = [], "", "", False, False
    for letter in line:
        if is_escaped:
            word, is_escaped = word + letter, False
        elif letter == "\\" and quote != "'" and os.name == "posix":
            is_escaped = is_within = True
        elif quote:
            word, quote = (word, "") if letter == quote else (word + letter, quote)
        elif letter in "'\"":
            quote, is_within = letter, True
        elif letter not in blanks:
            word, is_within = word + letter, True
        elif is_within:
            words.append(word)
            word, is_within = "", False
    return [*words, word]


def unquoted(word: str) -> str:
    """Return what a word means to its shell, as it was typed."""
    return split(word, blanks="")[0]


def _lines(items: list[CompletionItem], begun_in_bash: str) -> Iterator[str]:
    cut = max(begun_in_bash.rfind(letter) for letter in _BREAKS_OF_BASH) + 1
    for item in items[:MOST]:
        value = str(item.value)
        if value != plain(value) or "\t" in value or "\n" in value:
            continue
        kind = {"plain": "word"}.get(item.type, item.type)
        meaning = plain(item.help or "").replace("\t", " ").partition("\n")[0]
        yield f"{kind}\t{value[cut:]}\t{meaning}"
