"""How the joint life of a client and a channel ended."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class End(Enum):
    """Which side ended it."""

    DONE = "each side has ended its bytes"
    CLIENT = "the client hung up"
    REFUSED = "the guest refused"
    LOST = "the SSH connection was lost"


class Ending(NamedTuple):
    """Which side ended it, and what was said about that."""

    end: End
    details: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.end.value}: {self.details}" if self.details else self.end.value
