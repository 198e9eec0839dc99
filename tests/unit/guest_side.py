"""The side of the guest in tests: this machine, or, for a Python of Windows, the Linux below Wine.

There, sshd is a program of C:\\unix (see tests/windows/bed), and Unix sockets, which Python lacks
there, are served by a program of Linux that carries each client to a TCP port of ours.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path, PurePath

BACKLOG = 1024
BRIDGE = Path(__file__).with_name("unix_bridge.py")


def path_there(path: PurePath) -> str:
    """Return a path as the guest's side names it."""
    if sys.platform == "win32":
        drive, rest = str(path)[:1].lower(), str(path)[2:].replace("\\", "/")
        return rest if drive == "z" else f"{os.environ['WINEPREFIX']}/drive_{drive}{rest}"
    else:
        return str(path)


def make_executable(path: Path) -> None:
    """Let the guest's side run a file."""
    if sys.platform == "win32":  # where `chmod` knows no such bit
        script = "import os, sys; os.chmod(sys.argv[1], 0o755)"
        subprocess.run(["python3.exe", "-c", script, path_there(path)], check=True)
    else:
        path.chmod(0o755)


class UnixServer:
    """Listen at a Unix socket of the guest's side; `listener` gives its clients."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._away = path.with_name(path.name + ".away")
        self._bridge: subprocess.Popen[bytes] | None = None
        if sys.platform == "win32":
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
            port = self.listener.getsockname()[1]
            words = ["python3.exe", path_there(BRIDGE), path_there(path), str(port)]
            self._bridge = subprocess.Popen(words, stdin=-1, stdout=-1)
            assert self._bridge.stdout is not None
            assert self._bridge.stdout.readline() == b"listens\n"
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen(BACKLOG)

    def connect(self) -> socket.socket:
        """Return a connection to it."""
        client = socket.socket(self.listener.family)
        try:
            client.connect(self.listener.getsockname())
        except BaseException:
            client.close()
            raise
        return client

    def hide(self) -> None:
        """Remove the socket's name: a client that connects finds no server."""
        if self._bridge:
            self._tell("hide")
        else:
            self.path.rename(self._away)

    def show(self) -> None:
        """Give it back."""
        if self._bridge:
            self._tell("show")
        else:
            self._away.rename(self.path)

    def remove(self) -> None:
        """Leave nothing at the path; the thread that accepts closes the listener."""
        if self._bridge:
            assert self._bridge.stdin is not None
            assert self._bridge.stdout is not None
            self._bridge.stdin.close()
            self._bridge.wait()
            self._bridge.stdout.close()
        else:
            self.path.unlink(missing_ok=True)

    def _tell(self, word: str) -> None:
        assert self._bridge is not None
        assert self._bridge.stdin is not None
        assert self._bridge.stdout is not None
        self._bridge.stdin.write(word.encode() + b"\n")
        self._bridge.stdin.flush()
        assert self._bridge.stdout.readline() == b"done\n"
