"""The half of unix.c that is a program of this system: start the one that it stands for.

Over a TCP connection: there, the input as it is; here, `o` or `e` (stdout, stderr), four bytes of
length and the bytes, and at last `x` and four bytes of the exit status. Now and then there are no
bytes: the end of the input and the end of the program of Windows look the same, until something is
sent. When either program has ended, the other is, with all that ours has started.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Iterator

CHUNK_BYTES = 65536
LOOK_EVERY_S = 0.5
# A path of Windows in an argument; QEMU's end with a comma or a quotation mark.
PATH = re.compile(r'\b([CcZz]):((?:\\|/)[^,"]*)')
PREFIX = os.environ["WINEPREFIX"]

PR_SET_CHILD_SUBREAPER = 36  # prctl(2): what the children of ours leave behind becomes ours


def in_our_names(value: Any) -> Any:
    """Return the value with the paths in it as this system has them."""
    if isinstance(value, str):
        return PATH.sub(lambda found: _path(found[1], found[2]), value)
    if isinstance(value, dict):
        return {key: in_our_names(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_our_names(item) for item in value]
    return value


def _path(drive: str, rest: str) -> str:
    return ("" if drive in "Zz" else f"{PREFIX}/drive_c") + rest.replace("\\", "/")


def argument(word: str) -> str:
    """Return an argument of QEMU, which may be JSON, or of another program."""
    for mark in ("json:", ""):
        if word.startswith(mark + "{"):
            return mark + json.dumps(in_our_names(json.loads(word[len(mark) :])))
    return str(in_our_names(word))


def program(name: str) -> str:
    """Return the program of this system."""
    if name == "qemu-system-x86_64" and "WINDOWS_TEST_QEMU" in os.environ:
        return os.environ["WINDOWS_TEST_QEMU"]
    return shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/usr/local/sbin") or name


class Carrier:
    """The streams of a program, over one connection."""

    def __init__(self, child: subprocess.Popen[bytes], peer: socket.socket) -> None:
        self._child = child
        self._peer = peer
        self._lock = threading.Lock()
        self._is_over = threading.Event()  # it has ended, or the peer has

    def carry(self) -> None:
        """Carry until it has ended, and tell its status; or until the other end has gone."""
        outputs = [
            threading.Thread(target=self._output, args=(kind, stream), daemon=True)
            for kind, stream in ((b"o", self._child.stdout), (b"e", self._child.stderr))
        ]
        for target in (self._input, self._wait):
            threading.Thread(target=target, daemon=True).start()
        for thread in outputs:
            thread.start()
        while not self._is_over.wait(LOOK_EVERY_S):
            self._send(b"o")
        kill_all()  # else its streams might never end
        for thread in outputs:
            thread.join()
        self._peer.sendall(b"x" + struct.pack(">I", self._child.wait() & 0xFF))

    def _wait(self) -> None:
        self._child.wait()
        self._is_over.set()

    def _send(self, kind: bytes, data: bytes = b"") -> None:
        with self._lock:
            try:
                self._peer.sendall(kind + struct.pack(">I", len(data)) + data)
            except OSError:
                self._is_over.set()
                raise

    def _output(self, kind: bytes, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError):
            for data in iter(lambda: os.read(stream.fileno(), CHUNK_BYTES), b""):
                self._send(kind, data)

    def _input(self) -> None:
        stdin = self._child.stdin
        assert stdin
        try:
            for data in iter(lambda: self._peer.recv(CHUNK_BYTES), b""):
                stdin.write(data)
                stdin.flush()
            stdin.close()
        except ConnectionError:
            self._is_over.set()
        except OSError:  # it reads no more
            pass


def descendants(process: int) -> Iterator[int]:
    """Yield what a process has started, and what these have."""
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{process}/task"):
            for child in Path(f"/proc/{process}/task/{task}/children").read_text().split():
                yield from descendants(int(child))
                yield int(child)


def kill_all() -> None:
    """Kill all that we have started, also what has left our session, until nothing is left."""
    while True:
        left = list(descendants(os.getpid()))
        if not left:
            return
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.wait()  # a dead one is a child until then


def main(port: str, name: str, *words: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # what Wine handed on belongs to others
        os.dup2(nothing, descriptor)
    peer = socket.create_connection(("127.0.0.1", int(port)))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WINE")}
    environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    child = subprocess.Popen(
        [program(name), *map(argument, words)],
        stdin=-1,
        stdout=-1,
        stderr=-1,
        env=environ,
        start_new_session=True,
    )
    with contextlib.suppress(OSError):  # the program of Windows has ended
        Carrier(child, peer).carry()
    kill_all()
    os._exit(0)


main(*sys.argv[1:])
