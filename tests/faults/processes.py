"""The processes of one home: QEMU, forwarders, programs that a killed command has begun."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path


def end_all_of(home: Path, but: int) -> None:
    """End each process, but one, that has a home in its command or environment; wait for all."""
    deadline = time.monotonic() + 60
    while found := [one for one in all_of(home) if one != but]:
        assert time.monotonic() < deadline, f"these processes do not end: {found}"
        for one in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        time.sleep(0.01)


def all_of(home: Path) -> list[int]:
    """Return the processes of a home. The folder of another one does not begin with its name."""
    name = os.fsencode(home)
    others = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    return [one for one in others if one != os.getpid() and name in words_of(one)]


def words_of(process: int) -> bytes:
    """Return the command and the environment of a process; nothing of one that has ended."""
    folder = Path("/proc", str(process))
    try:
        return (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
