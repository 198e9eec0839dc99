"""What to type: names within an advised command; and known failures, with what to do about them.

The tables of known failures are data. Each room has one of what its own neighbours say; the page
`docs/troubleshooting.md` is made from all of them.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple, Sequence

from boot2docker_py.errors import Boot2DockerError

_PLAIN = r"(?a)[\w.+-]+"


def quoted(word: str, platform: str = sys.platform) -> str:
    """Return a word as the user's shell takes it for one."""
    if re.fullmatch(_PLAIN, word):
        return word
    import shlex

    return f'"{word}"' if platform == "win32" else shlex.quote(word)


class KnownFailure(NamedTuple):
    """One row: a text by which a failure is known, its meaning, and the advice.

    `kind` decides the exit status. A guess is worded as one; `seen` names where the text was met.
    """

    id: str
    pattern: str
    meaning: str
    advice: str
    kind: type[Boot2DockerError]
    platforms: tuple[str, ...] = ()  # of sys.platform; empty for all
    is_guess: bool = False
    example: str = ""  # the words as they were met
    seen: str = ""

    def matches(self, text: str, platform: str) -> bool:
        """Tell whether the text is of this failure, on a host of that platform."""
        if self.platforms and platform not in self.platforms:
            return False
        return re.search(self.pattern, text) is not None

    @property
    def diagnosis(self) -> str:
        """Return the meaning, with the doubt that it deserves."""
        return f"probably, {self.meaning}" if self.is_guess else self.meaning


def diagnose(
    table: Sequence[KnownFailure], texts: Sequence[str], platform: str
) -> list[KnownFailure]:
    """Return the rows that the texts match, the likeliest first.

    An earlier text says more than a later one, and a row above more than one below it.
    """
    found = [row for text in texts for row in table if row.matches(text, platform)]
    return list(dict.fromkeys(found))
