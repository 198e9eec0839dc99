"""The client side of a forwarder's process, for one VM."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import cast

from boot2docker_py.address import Address
from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.status import ForwarderStatus, Phase, Settings
from boot2docker_py.guest import engine as engine_client
from boot2docker_py.host import named_pipe
from boot2docker_py.paths import VMPaths
from boot2docker_py.wait import Deadline
from tests.unit.endpoint.engine import Engine
from tests.unit.ssh.real_sshd import Sshd, eventually

LONG_S = 60.0
MEGABYTE = 1024 * 1024
ROOT = Path(__file__).parents[3]


class Endpoint:
    """Starts and asks it, and connects to its socket."""

    def __init__(self, folder: Path, sshd: Sshd, engine: Engine) -> None:
        self.paths = VMPaths("vm", folder=folder, run=folder / "run", lock=folder / "lock")
        self.sshd = sshd
        self.engine = engine
        self.key = sshd.key
        self.patience_s = LONG_S
        self.tcp_port = 0
        self.is_plain = False

    def start(self, address: Address | None = None) -> ForwarderStatus:
        return process.start(self.settings(address), Deadline(LONG_S))

    def settings(self, address: Address | None = None) -> Settings:
        return Settings(
            self.paths,
            address or self.sshd.address,
            self.key,
            self.patience_s,
            user=self.sshd.user,
            engine_socket=self.engine.there,
            tcp_port=self.tcp_port,
            is_plain=self.is_plain,
        )

    def status(self) -> ForwarderStatus:
        status = process.status(self.paths)
        assert status is not None
        return status

    def is_in(self, phase: Phase) -> bool:
        return self.status().phase is phase

    def is_running(self) -> bool:
        return process.status(self.paths) is not None

    def client(self, line: bytes = b"") -> socket.socket:
        client = connect_as_docker(self.paths)
        if line:
            client.sendall(line)
        return client

    def ping(self) -> str | None:
        return engine_client.ping(self.client)


def forwarding(endpoint: Endpoint, address: Address | None = None) -> ForwarderStatus:
    endpoint.start(address)
    eventually(lambda: endpoint.status().phase in (Phase.FORWARDING, Phase.FAILED))
    status = endpoint.status()
    assert status.phase is Phase.FORWARDING, status
    return status


def is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        synchronize, timeout = 0x00100000, 0x102
        kernel32 = ctypes.WinDLL("kernel32")
        kernel32.OpenProcess.restype = ctypes.c_void_p
        process = ctypes.c_void_p(kernel32.OpenProcess(synchronize, False, pid))
        try:
            return bool(process) and kernel32.WaitForSingleObject(process, 0) == timeout
        finally:
            kernel32.CloseHandle(process)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid: int) -> None:
    """End a process without a word to it."""
    os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def connect_as_docker(paths: VMPaths) -> socket.socket:
    """Connect where docker does: to the Unix socket of the VM, or to its pipe."""
    if sys.platform == "win32":
        pipe = named_pipe.connect(named_pipe.pipe_of_vm(paths.name), LONG_S)
        return cast(socket.socket, PipeSocket(pipe.handle, LONG_S))
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(LONG_S)
    client.connect(str(paths.docker_socket))
    return client


if sys.platform == "win32":

    class PipeSocket(named_pipe.Stream):
        """A pipe with what these tests need of a socket."""

        def shutdown(self, _how: int) -> None:
            self.handle.end_writing()
