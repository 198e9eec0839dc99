"""One more try of a command whose hypervisor's server has ended under it, in a new process.

A process does not reach VirtualBox again once its connection was cut (XPCOM, tried for 75 s); a
new process does at once. Commands can be run again by contract, so the same one is, and once.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import MutableMapping, Sequence

log = logging.getLogger(__name__)

MARK = "BOOT2DOCKER_SECOND_TRY"
# The folder that this package was found in is the new process's first place to look, too; the
# working folder, where `-c` would look first, is not.
_MAIN = (
    "import sys; sys.path[0] = sys.argv.pop(1); from boot2docker_py.__main__ import main; main()"
)


def is_this(environ: MutableMapping[str, str]) -> bool:
    """Tell whether this process is a second try; what it starts itself is none."""
    return environ.pop(MARK, "") != ""


def command(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs the same again."""
    return [sys.executable, "-c", _MAIN, str(Path(__file__).parents[2]), *arguments]


def begin(arguments: Sequence[str]) -> int:
    """Run the same again in the place of this process, or, on Windows, as its child."""
    log.info("The hypervisor's server has ended; trying once more.")
    words, environ = command(arguments), {**os.environ, MARK: "1"}
    for stream in filter(None, (sys.stdout, sys.stderr)):  # a closed one is None
        stream.flush()
    if sys.platform == "win32":  # where exec returns at once to what has started us
        import subprocess

        return subprocess.call(words, env=environ)
    os.execve(words[0], words, environ)  # noqa: RET503 - it does not return
