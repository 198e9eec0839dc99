"""A process that outlives us, our terminal and its Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Callable, Sequence

# winbase.h
CREATE_BREAKAWAY_FROM_JOB = 0x01000000
CREATE_NEW_PROCESS_GROUP = 0x00000200
CREATE_NO_WINDOW = 0x08000000

ERROR_ACCESS_DENIED = 5  # winerror.h

Starter = Callable[..., "subprocess.Popen[bytes]"]


def start(
    command: Sequence[str],
    platform: str = sys.platform,
    starter: Starter = subprocess.Popen,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start it, with more options of Popen.

    What runs us on Windows, a CI runner or a terminal, may end all that is in its job. Microsoft,
    "Process Creation Flags": a job may forbid to leave it; then it is started in the job.

    Raises:
        OSError: it cannot be started.
    """
    options.update(detached(platform))
    if platform == "win32":
        flags = options["creationflags"] | CREATE_BREAKAWAY_FROM_JOB
        try:
            return starter(command, **{**options, "creationflags": flags})
        except OSError as error:
            if getattr(error, "winerror", None) != ERROR_ACCESS_DENIED:
                raise
    return starter(command, **options)


def detached(platform: str = sys.platform) -> dict[str, Any]:
    """Return the options of Popen for it.

    On Windows it has a console without a window, not none (DETACHED_PROCESS): the python.exe of a
    virtual environment starts the real one, which would make itself a console with a window.
    """
    if platform == "win32":
        return {"creationflags": CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW}
    return {"start_new_session": True}
