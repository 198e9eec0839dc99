"""A VM whose guest is this machine, its forwarder, and clients of the ports that it publishes."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

from boot2docker_py.address import Address
from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.of_vm import Endpoint
from boot2docker_py.endpoint.status import UDP_HELPER, Settings
from boot2docker_py.errors import GuestError
from boot2docker_py.paths import VMPaths
from boot2docker_py.wait import Deadline
from tests.unit.endpoint.docker_engine import DockerEngine
from tests.unit.ssh.real_sshd import Sshd

LONG_S = 60.0


class VM:
    """A VM whose guest is this machine, and its forwarder."""

    def __init__(self, folder: Path, sshd: Sshd, docker: DockerEngine, name: str = "vm") -> None:
        self.paths = VMPaths(name, folder=folder, run=folder / "run", lock=folder / "lock")
        self.paths.folder.mkdir()
        self.name = name
        self.sshd = sshd
        self.docker = docker
        self.endpoint = Endpoint(self.paths, sshd.key)

    def forward(
        self,
        address: Address | None = None,
        publish: str = "loopback",
        udp_helper: str = UDP_HELPER,
        swarm_socket: Path | None = None,
    ) -> int:
        settings = Settings(
            self.paths,
            address or self.sshd.address,
            self.sshd.key,
            LONG_S,
            user=self.sshd.user,
            engine_socket=self.docker.there,
            publish=publish,
            udp_helper=udp_helper,
            swarm_socket=swarm_socket,
        )
        return process.start(settings, Deadline(LONG_S)).pid

    def ports(self) -> dict[str, dict[str, Any]]:
        """Return what is published, by containers; nothing while that is not known."""
        try:
            return {str(port["container"]): port for port in self.endpoint.ports()}
        except GuestError:
            return {}

    def why_unknown(self) -> str:
        """Return why it is not known what is published."""
        answer = process.published(self.paths)
        return str(answer["unknown_because"]) if answer else ""

    def is_followed(self) -> bool:
        return bool(self.docker.streams)

    def log(self) -> str:
        return self.paths.forwarder_log.read_text(encoding="utf-8")


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, port), timeout=LONG_S)


def answers(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.suppress(OSError), connect(port, host) as client:
        client.sendall(b"hello")
        return client.recv(5) == b"hello"
    return False


def refuses(port: int, host: str = "127.0.0.1") -> bool:
    try:
        connect(port, host).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # It was closed in the middle of the handshake: the next try hears why.
    return False
