"""What the test bed of Windows starts on this system ends with the program that stands for it."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest

from tests.unit.ssh.real_sshd import LONG_S, eventually

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a program of this system")

UNIX = Path(__file__).parents[1] / "windows" / "bed" / "unix.py"
# One that leaves its session, and holds the output open, as sshd's own children do.
STARTS_ANOTHER = "setsid sleep 1000 & echo $! $$; "


class Shim:
    """What stands on Windows for a program of this system: the other end of its streams."""

    def __init__(self, folder: Path, script: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(LONG_S)
            words = [str(listener.getsockname()[1]), "sh", "-c", script]
            self.process = subprocess.Popen(
                [sys.executable, str(UNIX), *words], env={**os.environ, "WINEPREFIX": str(folder)}
            )
            self._peer, _ = listener.accept()
        self._peer.settimeout(LONG_S)
        self._received = self._peer.makefile("rb")

    def frame(self) -> tuple[bytes, bytes]:
        """Return what comes next: its kind, and its bytes or the exit status."""
        kind, length = struct.unpack(">cI", self._received.read(5))
        return (kind, bytes([length])) if kind == b"x" else (kind, self._received.read(length))

    def words(self) -> bytes:
        """Return what the program says next."""
        return next(said for kind, said in iter(self.frame, None) if kind == b"o" and said)

    def send_all_input(self, data: bytes) -> None:
        def send() -> None:
            self._peer.sendall(data)
            self.end_input()

        threading.Thread(target=send, daemon=True).start()

    def end_input(self) -> None:
        self._peer.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """End as a program of Windows does that is killed."""
        self._received.close()
        self._peer.close()


@pytest.fixture
def shim(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shim]:
    made = Shim(tmp_path, request.param)
    yield made
    made.end()
    made.process.kill()
    made.process.wait()


def lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("shim", [STARTS_ANOTHER + "exec sleep 1000"], indirect=True)
def test_a_killed_one_leaves_nothing_behind(shim: Shim) -> None:
    started = [int(word) for word in shim.words().split()]
    shim.end_input()
    for _look in range(3):
        assert shim.frame() == (b"o", b""), "the end of the input is not the end"
    assert all(map(lives, started))
    shim.end()
    eventually(lambda: not any(map(lives, started)))
    assert shim.process.wait(LONG_S) == 0


@pytest.mark.parametrize("shim", [STARTS_ANOTHER + "echo last; exit 3"], indirect=True)
def test_one_that_ends_is_not_waited_for_because_of_what_it_has_started(shim: Shim) -> None:
    said = b""
    for kind, data in iter(shim.frame, None):
        if kind == b"x":
            break
        said += data
    first, last = said.splitlines()
    assert last == b"last"
    assert data == b"\x03"
    eventually(lambda: not any(lives(int(word)) for word in first.split()))


@pytest.mark.parametrize("shim", ["cat; echo end >&2"], indirect=True)
def test_streams_are_carried_to_their_ends(shim: Shim) -> None:
    sent = os.urandom(300_000)
    shim.send_all_input(sent)
    streams = {b"o": b"", b"e": b""}
    for kind, data in iter(shim.frame, None):
        if kind == b"x":
            break
        streams[kind] += data
    assert streams == {b"o": sent, b"e": b"end\n"}
    assert data == b"\0"
