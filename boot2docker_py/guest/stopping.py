"""What our guest says on its console while it shuts down: whom it waits for, whom it cut off.

The words are those of `iso/root/usr/lib/boot2docker/engine-end`. Other images say nothing, and a
container may write to the console what it likes: it is worth a few names in a message, no more.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, Sequence

END_BYTES = 64 * 1024
SHOWN = 8

# Docker's own rule for names (moby, daemon/names), with an end.
_LINE = (
    r"boot2docker: container ([a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}) "
    r"(still runs|has ended|was cut off)"
)
_BEGINS = "boot2docker: shutting down"


class Stopping(NamedTuple):
    """The containers that the guest waits for, and those that it did not wait for any longer."""

    waits_for: tuple[str, ...] = ()
    cut_off: tuple[str, ...] = ()


def read(console: Path | None) -> Stopping:
    """Return what the console says of the shutdown that is going on, maybe nothing."""
    if console is None:
        return Stopping()
    try:
        with console.open("rb") as stream:
            stream.seek(max(0, console.stat().st_size - END_BYTES))
            text = stream.read(END_BYTES).decode("ascii", errors="replace")
    except OSError:  # it is there to make a message better
        return Stopping()
    last: dict[str, str] = dict(re.findall(_LINE, text.rpartition(_BEGINS)[2]))
    return Stopping(
        tuple(name for name, word in last.items() if word == "still runs"),
        tuple(name for name, word in last.items() if word == "was cut off"),
    )


def listed(names: Sequence[str]) -> str:
    """Return the names as a text of bounded length."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
