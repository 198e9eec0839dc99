"""Programs that end when this process does, in whatever way that ends.

Another one stands between: it ends the program when the pipe that we hold is closed, which the
operating system does for us in the end. Neither Windows, macOS nor Linux needs a way of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Sequence

_BETWEEN = """
import os, signal, subprocess, sys, threading
scrap, *command = sys.argv[1:]
try:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
except OSError as error:
    # Windows does not say which program it could not start.
    sys.exit(str(error) if error.filename else f"{command[0]}: {error}")
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program and for who waits for it
is_closed = threading.Event()
def end_with_the_pipe():
    os.read(0, 1)
    is_closed.set()
    program.kill()
threading.Thread(target=end_with_the_pipe, daemon=True).start()
status = program.wait()
if scrap and is_closed.is_set():
    import shutil
    os.close(2)  # which may be in there; Windows removes no open file
    shutil.rmtree(scrap, ignore_errors=True)
if status < 0:
    status = 128 - status
os._exit(status if status < 2**31 else status - 2**32)  # a crash on Windows is 0xC0000005
"""


def started(
    command: Sequence[str],
    errors: IO[bytes] | int = subprocess.PIPE,
    scrap: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that says nothing but on `stderr`, into `errors`; closing `stdin` ends it.

    The folder `scrap` goes with a program that is ended so. The exit status is the program's own;
    128 and more when a signal has ended it.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BETWEEN, os.fspath(scrap or ""), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
    )
