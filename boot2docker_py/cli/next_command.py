"""The commands that we advise, with the `--vm` and `--driver` that were typed with this one."""

from __future__ import annotations

import re
import sys
from typing import Mapping

from boot2docker_py.advice import quoted
from boot2docker_py.cli.help import ALIASES, GROUPS
from boot2docker_py.errors import Boot2DockerError

# They are about this program, or about no VM.
_OF_NO_VM = {"help", "version", "ls", "completion"}
# Their VMs go by the name of something else.
_OF_VMS_BY_OTHER_NAMES = {"swarm"}
_NAMES = sorted({name for names in GROUPS.values() for name in names} - _OF_NO_VM | {*ALIASES})
# One that is about another VM names it already.
_COMMAND = rf"\bboot2docker (?=({'|'.join(map(re.escape, _NAMES))})\b(?![^\n;,'\"]*--vm ))"
_FLAGS = {"vm": "--vm", "driver": "--driver"}


class NextCommand:
    """What has to be typed with each command so that it is about the same VM."""

    def __init__(self) -> None:
        self._flags: dict[str, str] = {}

    def take(self, typed: Mapping[str, object], platform: str = sys.platform) -> None:
        """Take the flags that were typed."""
        self._flags = {
            flag: quoted(str(typed[field]), platform)
            for field, flag in _FLAGS.items()
            if typed.get(field)
        }

    def pointed(self, text: str) -> str:
        """Return the text with these flags in every command that it advises."""
        return _with_flags(text, self._flags)

    def of(self, problem: Boot2DockerError, platform: str = sys.platform) -> str:
        """Return what an error advises, with the flags for the VM that it is about."""
        own = {"--vm": quoted(problem.vm, platform)} if problem.vm else {}
        return _with_flags(problem.resolution, {**self._flags, **own})


def _with_flags(text: str, flags: Mapping[str, str]) -> str:
    def with_flags(found: re.Match[str]) -> str:
        left_out = "--vm" if found[1] in _OF_VMS_BY_OTHER_NAMES else ""
        words = [f"{flag} {word} " for flag, word in flags.items() if flag != left_out]
        return found[0] + "".join(words)

    return re.sub(_COMMAND, with_flags, text)


next_command = NextCommand()
