"""More published ports, and more clients of them, than there is room for: docker is not touched."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from tests.unit.endpoint.docker_engine import GUEST, DockerEngine, Echo
from tests.unit.endpoint.ports.publishing import VM, answers, connect
from tests.unit.free_ports import free_port
from tests.unit.ssh.real_sshd import eventually

LIMIT = 256
SOCKETS, CLIENTS = 96, 48  # what is left of it, see room.py


@pytest.fixture
def few_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the forwarder have few descriptors."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nulimit -n {LIMIT}\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def publish(docker: DockerEngine, ports: list[int], protocol: str = "tcp") -> None:
    for port in ports:
        entry = {"IP": GUEST, "PrivatePort": 80, "PublicPort": port, "Type": protocol}
        docker.containers[f"c{port}"] = {
            "Id": f"{port}",
            "Names": [f"/c{port}"],
            "Ports": [entry],
        }


def free_ports(count: int) -> list[int]:
    return sorted(free_port() for _number in range(count))


@pytest.mark.usefixtures("few_descriptors")
def test_ports_without_room_are_refused_by_name(vm: VM, docker: DockerEngine) -> None:
    publish(docker, free_ports(100))
    vm.forward()

    def sockets() -> int:
        return sum(len(port["listens_at"]) for port in vm.ports().values())

    eventually(lambda: sockets() == SOCKETS)
    refused = [port for port in vm.ports().values() if not port["listens_at"]]
    assert len(refused) >= 100 - SOCKETS
    words = f"is one too many: published ports are served by at most {SOCKETS} sockets"
    assert all(port["problem"].endswith(words) for port in refused)
    assert vm.endpoint.ping() is None

    docker.containers.clear()
    last = free_port()
    docker.start("last", last)
    eventually(lambda: answers(last))


@pytest.mark.usefixtures("few_descriptors")
def test_clients_of_a_port_leave_docker_its_descriptors(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _number in range(CLIENTS + 20)]
        for client in clients:
            client.sendall(b"x")
        for client in clients[:CLIENTS]:
            assert client.recv(1) == b"x"
        for _round in range(5):
            assert vm.endpoint.ping() is None
        assert "web" in vm.ports()
        for client in clients[:20]:
            client.close()
        for client in clients[CLIENTS:]:
            assert client.recv(1) == b"x"
    assert "defect" not in vm.log()


def test_udp_ports_without_room_are_refused_by_name(vm: VM, docker: DockerEngine) -> None:
    publish(docker, free_ports(70), protocol="udp")
    vm.forward(udp_helper="/no/such/helper")

    def refused() -> int:
        return sum("at most 64 UDP ports" in port["problem"] for port in vm.ports().values())

    eventually(lambda: refused() == 6)
    assert vm.endpoint.ping() is None


def test_thousands_of_ports_are_served(vm: VM, docker: DockerEngine) -> None:
    """Served, while docker is answered, and gone with their containers."""
    ports = free_ports(2000)
    server = Echo(GUEST, ports[-1])
    publish(docker, ports)
    vm.forward()
    eventually(lambda: len(vm.ports()) == 2000)
    assert vm.endpoint.ping() is None
    eventually(lambda: answers(ports[-1]))
    docker.containers.clear()
    docker.tell("container", "die", "all")
    eventually(lambda: not vm.ports())
    server.close()
