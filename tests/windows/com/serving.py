"""A VirtualBox to be reached through COM, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

from boot2docker_py.drivers.virtualbox.binding.api import API, connect
from boot2docker_py.wait import Check, Deadline, wait_for
from tests.windows.com.type_library import CLASSES

VERSION, LIBRARY = os.environ.get("VIRTUALBOX_VERSION", ""), os.environ.get("VIRTUALBOX_TLB", "")
WHY_NOT = "run by tests/windows/com/run, under Wine"
SERVE = "from tests.windows.com import served; import sys; served.serve(*sys.argv[1:])"


@contextlib.contextmanager
def serving(machines: Path) -> Iterator[subprocess.Popen[str]]:
    """Serve; the process ends with its standard input, and then says what it was misused for."""
    command = [sys.executable, "-c", SERVE, VERSION, LIBRARY, str(machines)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "serving\n"
        for name, (class_id, _interface) in CLASSES.items():
            wait_for([Check(f"the class {name}", _why_not(class_id))], Deadline(60))
        yield server


@contextlib.contextmanager
def connected(machines: Path) -> Iterator[API]:
    """Serve; fail at the end when it was misused, or a session still holds a machine."""
    with serving(machines) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield connect()
        server.stdin.close()
        assert json.loads(server.stdout.read()) == {"misuse": [], "unlocked": True}


def _why_not(class_id: str) -> Callable[[Deadline], str | None]:
    """Return why COM does not find a class yet: Wine makes it known in a thread of its own."""

    def probe(_deadline: Deadline) -> str | None:
        import pythoncom  # type: ignore[import-untyped]
        import pywintypes  # type: ignore[import-untyped]

        server, unknown = pythoncom.CLSCTX_LOCAL_SERVER, pythoncom.IID_IUnknown
        try:
            pythoncom.CoCreateInstance(pywintypes.IID(class_id), None, server, unknown)
        except pythoncom.com_error as error:
            return str(error)
        return None

    return probe
