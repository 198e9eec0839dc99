"""The choice of acceleration: by trying, because a device file says nothing about its use.

A trial takes less than a tenth of a second, so it is made at every start, and nothing remembered
can be wrong after a change of the host.
"""

from __future__ import annotations

import logging
import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from boot2docker_py.drivers.qemu import command_line, trial_rom
from boot2docker_py.host import bound_program
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

MOST_LETTERS = 200
_TIMEOUT_S = 20.0
_PAUSE_S = 0.01
_INTERNAL_ERROR = "internal error"  # QEMU pauses the CPU then, and stays


class Choice(NamedTuple):
    """An accelerator, and why no quicker one runs a VM here."""

    accelerator: str
    why_no_other: str = ""

    @property
    def words(self) -> str:
        """Return the choice for a person."""
        if not self.accelerator.startswith(command_line.EMULATION):
            return f"acceleration by {self.accelerator.upper()}"
        return f"software emulation, which is slow; {self.why_no_other}"


def choose(program: str) -> Choice:
    """Return the quickest accelerator with which this host runs a VM; at last, emulation."""
    complaints = []
    for accelerator in command_line.accelerators():
        if accelerator == command_line.EMULATION:
            break
        reason = why_not(program, accelerator)
        if reason is None:
            return Choice(accelerator)
        log.debug("%s does not work: %s", accelerator, reason)
        complaints.append(f"{accelerator.upper()} does not work here: {_in_a_line(reason)}")
    why = "; ".join(complaints) or "QEMU knows no acceleration on this system"
    return Choice(command_line.emulation(version(program)), why)


def _in_a_line(words: str) -> str:
    """Return what QEMU has said first, without its own name before it."""
    first = words.splitlines()[0]
    return re.sub(r"^\S*qemu\S*: (-accel \S+ )?", "", first)[:MOST_LETTERS]


def why_not(program: str, accelerator: str) -> str | None:
    """Run a few instructions with the accelerator; return None when it can, else QEMU's words."""
    try:
        with tempfile.TemporaryDirectory(prefix="boot2docker-") as folder:
            return _tried(program, accelerator, Path(folder))
    except OSError as error:
        return str(error)


def _tried(program: str, accelerator: str, folder: Path) -> str | None:
    rom, words = folder / "rom", folder / "words"
    rom.write_bytes(trial_rom.content())
    with words.open("wb") as output:
        command = command_line.trial(program, accelerator, rom)
        child = bound_program.started(command, output, scrap=folder)
    with child:  # whose end ends QEMU: it would stay for ever where the accelerator fails
        status = _status(child, words)
        said = words.read_text(encoding="utf-8", errors="replace").strip()
    if status == trial_rom.PASSED:
        return None
    return said or ("no answer" if status is None else f"exit status {status}")


def _status(child: subprocess.Popen[bytes], words: Path) -> int | None:
    """Return the exit status, None when the trial cannot end by itself any more."""
    deadline = Deadline(_TIMEOUT_S)
    while child.poll() is None:
        if deadline.has_passed() or _INTERNAL_ERROR in words.read_text(errors="replace"):
            return None
        deadline.clock.sleep(_PAUSE_S)
    return child.returncode


def version(program: str) -> str:
    """Return what QEMU says of its version; empty if it says nothing."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.debug("no version of '%s': %s", program, error)
        return ""
    return done.stdout.decode(errors="replace")
