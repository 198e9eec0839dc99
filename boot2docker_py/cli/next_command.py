"""The commands that we advise, with the `--vm` and `--driver` that were typed with this one."""

from __future__ import annotations

import re
import sys
from typing import Mapping

from boot2docker_py.advice import quoted
from boot2docker_py.cli.help import ALIASES, GROUPS

# They are about this program, or about no VM.
_OF_NO_VM = {"help", "version", "ls", "completion"}
_NAMES = sorted({name for names in GROUPS.values() for name in names} - _OF_NO_VM | {*ALIASES})
# One that is about another VM names it already.
_COMMAND = rf"\bboot2docker (?=(?:{'|'.join(map(re.escape, _NAMES))})\b(?![^\n;,'\"]*--vm ))"
_FLAGS = {"vm": "--vm", "driver": "--driver"}


class NextCommand:
    """What has to be typed with each command so that it is about the same VM."""

    def __init__(self) -> None:
        self._flags = ""

    def take(self, typed: Mapping[str, object], platform: str = sys.platform) -> None:
        """Take the flags that were typed."""
        words = [
            word
            for field, flag in _FLAGS.items()
            if typed.get(field)
            for word in (flag, quoted(str(typed[field]), platform))
        ]
        self._flags = "".join(f"{word} " for word in words)

    def pointed(self, text: str) -> str:
        """Return the text with these flags in every command that it advises."""
        if not self._flags:
            return text
        return re.sub(_COMMAND, lambda _found: f"boot2docker {self._flags}", text)


next_command = NextCommand()
