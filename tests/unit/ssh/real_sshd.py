"""The real OpenSSH server on loopback, as the user who runs the tests; a cable that can be cut."""

from __future__ import annotations

import contextlib
import getpass
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Iterator, Mapping

import pytest

from boot2docker_py.address import Address
from boot2docker_py.ssh import keys
from boot2docker_py.ssh.connection import Connection, connect
from boot2docker_py.wait import Deadline
from tests.unit.free_ports import free_port
from tests.unit.guest_side import path_there
from tests.unit.listening import end_listening

_PLACES = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
SSHD = shutil.which("sshd", path=os.pathsep.join(_PLACES))
LONG_S = 60.0
RUN = "Z:/run/sshd" if sys.platform == "win32" else "/run/sshd"

# At level 0 bash reads ~/.bashrc, whose programs may wait for each other: that of pyenv takes a
# lock, and waits a minute for it where one that was killed has left it.
QUIET = {"SHLVL": "1"}
NO_VARIABLES: Mapping[str, str] = {}

needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs OpenSSH's sshd (openssh-server)")


class Sshd:
    """A server that lets one key in."""

    user = getpass.getuser()

    def __init__(
        self, folder: Path, more_settings: str = "", environ: Mapping[str, str] = NO_VARIABLES
    ) -> None:
        folder.mkdir()
        variables = " ".join(f'"{name}={value}"' for name, value in {**QUIET, **environ}.items())
        self.key = folder / "id"
        self.known_hosts = folder / "known_hosts"
        (folder / "authorized_keys").write_text(keys.ensure_key_pair(self.key) + "\n")
        host_key = keys.make_host_key()
        (folder / "host_key").write_bytes(host_key.private)
        (folder / "host_key").chmod(0o600)
        self.address = Address("127.0.0.1", free_port())
        there = path_there(folder)
        self._config = folder / "sshd_config"
        self._log = folder / "log"
        self._config.write_text(
            f"Port {self.address.port}\nListenAddress 127.0.0.1\nHostKey {there}/host_key\n"
            f"AuthorizedKeysFile {there}/authorized_keys\nStrictModes no\nUsePAM no\n"
            "PidFile none\nPermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 100\n"
            f"SetEnv {variables}\n{more_settings}"
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Sshd]:
        """Serve for a `with` block, and end all sessions with it."""
        if sys.platform == "win32" or os.geteuid() == 0:
            Path(RUN).mkdir(exist_ok=True)
        files = ["-f", path_there(self._config), "-E", path_there(self._log)]
        command = [str(SSHD), "-D", *files]
        server = subprocess.Popen(command)
        try:
            self.connect().close()
            yield self
        finally:
            self._end(server)

    def connect(self, address: Address | None = None, *, is_plain: bool = False) -> Connection:
        """Connect to it."""
        return connect(
            address or self.address,
            user=self.user,
            key=self.key,
            known_hosts=self.known_hosts,
            host_name="vm",
            deadline=Deadline(LONG_S),
            is_plain=is_plain,
        )

    def _end(self, server: subprocess.Popen[bytes]) -> None:
        server.terminate()
        server.wait()


class Cable:
    """A TCP connection in between: it can be cut, and it can go dead."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._ends: list[socket.socket] = []
        self.pieces_there = 0
        self._lets_through = threading.Event()
        self._lets_through.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address(*self._listener.getsockname())
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.unplug()
        self.revive()
        self.cut()
        for thread in self._threads:
            thread.join()

    def unplug(self) -> None:
        """Take no new connections."""
        end_listening(self._listener, self._threads[0])

    def cut(self) -> None:
        """End the connections."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def go_dead(self) -> None:
        """Lose every byte from now on, without a word."""
        self._lets_through.clear()

    def revive(self) -> None:
        """Let bytes through again."""
        self._lets_through.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                far = socket.create_connection((self._target.host, self._target.port))
                self._ends += [near, far]
                thread = threading.Thread(target=self._carry, args=(near, far), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, contextlib.suppress(OSError):
            while True:
                for source in select.select([near, far], [], [])[0]:
                    data = source.recv(1 << 18)
                    if not data:
                        return
                    self._lets_through.wait()
                    self.pieces_there += source is near
                    (far if source is near else near).sendall(data)


def eventually(is_true: object, within_s: float = LONG_S) -> None:
    """Wait until the call returns something true; fail when it does not in time."""
    assert callable(is_true)
    end = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.01)
