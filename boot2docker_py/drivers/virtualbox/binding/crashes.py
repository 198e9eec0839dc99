"""Whether VirtualBox's binding can be loaded at all: some end the whole Python that loads them.

That of 7.0 does with Python 3.12 and later. So a binding is loaded first in a process of its own;
one that was loaded well is remembered, and costs a look at its file from then on.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from boot2docker_py import whole_file
from boot2docker_py.drivers.virtualbox.binding.places import Installation
from boot2docker_py.errors import HypervisorError

log = logging.getLogger(__name__)

TRIAL_TIMEOUT_S = 60.0
_TRIAL = "import sys; sys.path[:0] = sys.argv[1:]; import xpcom.vboxxpcom"
# What Windows ends a process with after an access violation, and the like.
_WINDOWS_CRASH = 0xC0000000


def demand_none(found: Installation, remembered: Path) -> None:
    """Raise HypervisorError when this Python would crash by loading the binding."""
    signature = _signature(found)
    if _content(remembered) == signature or not sys.executable:
        return
    status = _try(found)
    if status < 0 or status >= _WINDOWS_CRASH:
        version = ".".join(map(str, sys.version_info[:2]))
        raise HypervisorError(
            f"VirtualBox's Python binding crashes with Python {version}",
            details=f"in {found.program}, ended with status {status}",
            resolution="Run boot2docker with an older Python (3.8 to 3.11), or update VirtualBox.",
        )
    if status == 0:
        _remember(remembered, signature)


def binding_names(program: str) -> list[str]:
    """Return the files of the binding, which are named after the Pythons that they are for."""
    try:
        return sorted(name for name in os.listdir(program) if name.startswith("VBoxPython"))
    except OSError:
        return []


def _signature(found: Installation) -> str:
    files = [os.path.join(found.program, name) for name in binding_names(found.program)]  # noqa: PTH118
    stats = [(file, os.stat(file)) for file in files]  # noqa: PTH116
    lines = [f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats]
    return "\n".join([sys.version, sys.executable, found.sdk, *lines])


def _try(found: Installation) -> int:
    import subprocess  # only here: a remembered binding does not pay for it

    bindings = os.path.join(found.sdk, "bindings", "xpcom", "python")  # noqa: PTH118
    command = [sys.executable, "-c", _TRIAL, found.program, bindings]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TRIAL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.debug("VirtualBox's binding could not be tried: %s", error)
        return 1
    log.debug("A trial of VirtualBox's binding: %s %r", ended.returncode, ended.stdout[-500:])
    return ended.returncode


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _remember(file: Path, signature: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole_file.write(file, signature.encode())
    except OSError as error:  # then the next command tries again
        log.debug("The good binding is not remembered: %s", error)
