"""A program called docker for a shell where none is: it runs the client of the VM.

The files are the same for every user and hold no path, because a batch file is read in the
console's code page: what differs comes in variables of the shell that has them in its PATH.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Mapping

from boot2docker_py import whole_file

PYTHON = "BOOT2DOCKER_PYTHON"
PACKAGE = "BOOT2DOCKER_PACKAGE"  # the folder that our package is in
# Python looks for modules in the working folder, unless it has to look elsewhere first.
_MAIN = (
    "import os, sys; sys.path[0] = os.environ['BOOT2DOCKER_PACKAGE']; "
    "from boot2docker_py.__main__ import main; main()"
)
# For cmd and PowerShell. What follows the last %* would have to be read before it: so it is last.
_BATCH = f'@setlocal DisableDelayedExpansion\r\n@"%{PYTHON}%" -c "{_MAIN}" docker %*\r\n'
# For sh, and Git Bash, which takes no batch file for a program.
_SCRIPT = f'#!/bin/sh\nexec "${PYTHON}" -c "{_MAIN}" docker "$@"\n'


def is_needed(environ: Mapping[str, str]) -> bool:
    """Tell whether there is no docker client in the PATH."""
    return shutil.which("docker", path=environ.get("PATH", "")) is None


def offered_in(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Write the program into a folder of ours; return `environ` with it at the end of the PATH.

    Raises:
        OSError: it cannot be written.
    """
    files = {"docker": _SCRIPT}
    if sys.platform == "win32":
        files["docker.cmd"] = _BATCH
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _write(folder / name, text.encode("ascii"))
    path = environ.get("PATH", "")
    return {
        **environ,
        "PATH": f"{path}{os.pathsep}{folder}" if path else str(folder),
        PYTHON: sys.executable,
        PACKAGE: str(Path(__file__).parents[2]),
    }


def _write(file: Path, content: bytes) -> None:
    if file.exists() and file.read_bytes() == content:
        return
    whole_file.write(file, content, mode=0o755)
    file.chmod(0o755)  # also where one was there without the right to run it
