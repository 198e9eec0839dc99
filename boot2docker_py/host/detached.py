"""A process that outlives us, our terminal and its Ctrl-C."""

from __future__ import annotations

import sys
from typing import Any

# winbase.h
CREATE_NEW_PROCESS_GROUP = 0x00000200
CREATE_NO_WINDOW = 0x08000000


def detached(platform: str = sys.platform) -> dict[str, Any]:
    """Return the options of Popen for it.

    On Windows it has a console without a window, not none (DETACHED_PROCESS): the python.exe of a
    virtual environment starts the real one, which would make itself a console with a window.
    """
    if platform == "win32":
        return {"creationflags": CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW}
    return {"start_new_session": True}
