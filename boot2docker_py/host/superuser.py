"""Whether this runs as root in the home of another user, by sudo for example."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from boot2docker_py.host.file_problem import existing, foreign_owner


def whose_home_as_root(home: Path) -> str:
    """Return whose home it is, when we are root and it is another's; else nothing."""
    if sys.platform == "win32":
        return ""
    else:
        return foreign_owner(existing(home)) if os.geteuid() == 0 else ""
