"""What a terminal is given: text without control characters, in lines that fit."""

from __future__ import annotations

import os
import re
from typing import TextIO

USUAL_SIZE = (80, 24)

# C0 and C1, which move cursors, set titles and more; line ends and tabs stay.
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_LINE_END = "\r+\n"
_CUT = " ..."
_CLAUSE_ENDS = "[,;:] "


def plain(text: str) -> str:
    """Return the text of others with its control characters spelled out, as \\x1b.

    Guests, servers, and names of files say what they like; a terminal would obey.
    """
    return re.sub(_CONTROL, lambda found: f"\\x{ord(found[0]):02x}", re.sub(_LINE_END, "\n", text))


def fitted(text: str, columns: int) -> str:
    """Return one line of at most so many columns, cut between words."""
    words = " ".join(plain(text).split())
    if columns_of(words) <= columns:
        return words
    kept = ""
    for word in words.split(" "):
        longer = f"{kept} {word}" if kept else word
        if columns_of(longer) > columns - len(_CUT):
            break
        kept = longer
    return kept.rstrip(",:;") + _CUT if kept else words[: max(0, columns // 2)]


def whole_clauses(text: str, columns: int) -> str:
    """Return the clauses of a sentence that fit into so many columns; nothing when none does.

    Half a reason says something else than the whole one.
    """
    words = " ".join(plain(text).split())
    while columns_of(words) > columns:
        ends = [found.start() for found in re.finditer(_CLAUSE_ENDS, words)]
        words = words[: ends[-1]] if ends else ""
    return words


# What a user copies stays in one piece: a command of ours or docker's, up to the next mark.
_COMMAND = r"\b(?:boot2docker|docker) [^,;:()'\"]+"
_HELD = "\x00"


def wrapped(text: str, stream: TextIO) -> str:
    """Return text in lines that fit the terminal of the stream, broken between words alone."""
    if not stream.isatty():
        return text
    room = columns(stream) - 1
    return "\n".join(part for line in text.split("\n") for part in lines_of(line, room))


def lines_of(line: str, room: int) -> list[str]:
    """Return one line as those that have room, each indented like it; commands stay whole."""
    if columns_of(line) <= room:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    held = re.sub(_COMMAND, lambda found: found[0].replace(" ", _HELD), line.strip())
    lines, length = [indent], len(indent)
    for word in held.split(" "):
        gap = 1 if lines[-1].strip() else 0
        if gap and length + gap + columns_of(word) > room:
            lines.append(indent)
            length, gap = len(indent), 0
        lines[-1] += " " * gap + word
        length += gap + columns_of(word)
    return [one.replace(_HELD, " ") for one in lines]


def columns_of(text: str) -> int:
    """Return how many columns a text takes; Chinese letters take two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def columns(stream: TextIO) -> int:
    """Return how many columns the terminal of a stream has; 80 where it is none."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return USUAL_SIZE[0]
    return size.columns or USUAL_SIZE[0]


def can_write_over(stream: TextIO) -> bool:
    """Tell whether a line of the stream can be written over."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"
