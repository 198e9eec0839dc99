"""The choice of acceleration: by trying, because a device file says nothing about its use.

A trial takes less than a tenth of a second, so it is made at every start, and nothing remembered
can be wrong after a change of the host.
"""

from __future__ import annotations

import logging
import subprocess

from boot2docker_py.drivers.qemu import command_line

log = logging.getLogger(__name__)

_TIMEOUT_S = 20.0
_CONVERSATION = b'{"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n{"execute":"quit"}\n'


def choose(program: str) -> str:
    """Return the quickest accelerator with which this host runs a VM; at last, emulation."""
    for accelerator in command_line.accelerators():
        if accelerator == command_line.EMULATION:
            break
        reason = why_not(program, accelerator)
        if reason is None:
            return accelerator
        log.debug("%s does not work: %s", accelerator, reason)
    return command_line.emulation(_version(program))


def why_not(program: str, accelerator: str) -> str | None:
    """Start a CPU with the accelerator; return None when it runs, else QEMU's words."""
    try:
        done = subprocess.run(
            command_line.trial(program, accelerator),
            input=_CONVERSATION,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_TIMEOUT_S:g} s"
    except OSError as error:
        return str(error)
    if done.returncode == 0 and b'"running"' in done.stdout:
        return None
    return done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"


def _version(program: str) -> str:
    """Return what QEMU says of its version; empty if it says nothing."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.debug("no version of '%s': %s", program, error)
        return ""
    return done.stdout.decode(errors="replace")
