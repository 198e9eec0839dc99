"""What a VM says on its console when its kernel gives up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

TAIL_BYTES = 256 * 1024
WORDS_LENGTH = 300

# kernel/panic.c: the first when it begins, the second when the guest stays dead; a guest that
# boots again by itself says "Rebooting in" instead.
_PANIC = r"(?<!end )Kernel panic - not syncing: ([^\r\n]*)"
_END = "end Kernel panic"


class Panic(NamedTuple):
    """A guest's kernel that has given up."""

    words: str  # the kernel's own
    is_for_good: bool  # it does not boot again by itself
    told: int  # how many were told


def last_panic(console_log: Path | None) -> Panic | None:
    """Return the last panic that a console tells of, None when there is none, or no console."""
    text = _end_of(console_log) if console_log else ""
    panics = list(re.finditer(_PANIC, text))
    if not panics:
        return None
    last = panics[-1]
    return Panic(last[1].strip()[:WORDS_LENGTH], _END in text[last.end() :], len(panics))


def _end_of(file: Path) -> str:
    try:
        with file.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - TAIL_BYTES))
            return log.read(TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
