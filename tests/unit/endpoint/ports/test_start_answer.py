"""`docker run -d -p` returns when its port answers here; nothing else waits for anything."""

from __future__ import annotations

import socket
import threading

import pytest

from boot2docker_py.endpoint.relay.start_answer import asks_for_start, says_started
from tests.unit.endpoint.client_side import connect_as_docker
from tests.unit.endpoint.docker_engine import DockerEngine
from tests.unit.endpoint.ports.publishing import VM, answers
from tests.unit.free_ports import free_port
from tests.unit.ssh.real_sshd import eventually

STARTED = b"HTTP/1.1 204 No Content\r\n\r\n"


def client(vm: VM) -> socket.socket:
    return connect_as_docker(vm.paths)


def ask(client: socket.socket, name: str, verb: str = "start") -> None:
    client.sendall(f"POST /v1.45/containers/{name}/{verb} HTTP/1.1\r\nHost: d\r\n\r\n".encode())


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_port_answers_when_the_start_is_answered(vm: VM, docker: DockerEngine, verb: str) -> None:
    vm.forward()
    eventually(vm.is_followed)
    with client(vm) as docker_client:
        for number in range(10):
            port = docker.to_start[f"web{number}"] = free_port()
            ask(docker_client, f"web{number}", verb)
            assert docker_client.recv(1000) == STARTED
            assert answers(port)


def test_other_requests_do_not_wait_for_a_port(vm: VM, docker: DockerEngine, port: int) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.may_list.clear()
    docker.to_start["web"] = port
    with client(vm) as waiting, client(vm) as another:
        ask(waiting, "web")
        eventually(lambda: "web" in docker.containers)
        assert vm.endpoint.ping() is None
        ask(another, "unknown")
        assert another.recv(1000).startswith(b"HTTP/1.1 404 ")
        docker.may_list.set()
        assert waiting.recv(1000) == STARTED
        assert answers(port)


def test_engine_that_does_not_list_holds_no_start_for_ever(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.may_list.clear()
    docker.to_start["web"] = port
    with client(vm) as waiting:
        ask(waiting, "web")
        assert waiting.recv(1000) == STARTED


def test_client_that_hangs_up_during_its_start_leaves_nothing_behind(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.may_list.clear()
    docker.to_start["web"] = port
    with client(vm) as waiting:
        ask(waiting, "web")
        eventually(lambda: "web" in docker.containers)
    docker.may_list.set()
    eventually(lambda: answers(port))

    def open_connections() -> int:
        status = vm.endpoint.status()
        assert status is not None
        return status.open_connections

    eventually(lambda: open_connections() == 0)
    assert "defect" not in vm.log()


def test_many_starts_at_once_are_answered(vm: VM, docker: DockerEngine) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.to_start.update({f"web{number}": free_port() for number in range(20)})
    failed: list[str] = []

    def start(name: str) -> None:
        with client(vm) as docker_client:
            ask(docker_client, name)
            if docker_client.recv(1000) != STARTED or not answers(docker.to_start[name]):
                failed.append(name)

    threads = [
        threading.Thread(target=start, args=(name,), daemon=True) for name in docker.to_start
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize(
    ("request_line", "is_start"),
    [
        (b"POST /v1.45/containers/web/start HTTP/1.1", True),
        (b"POST /containers/0123456789ab/restart?t=5 HTTP/1.1", True),
        (b"POST /v1.45/containers/web/start?detachKeys=x HTTP/1.1", True),
        (b"POST /v1.45/exec/0123/start HTTP/1.1", False),
        (b"POST /v1.45/containers/create?name=/start HTTP/1.1", False),
        (b"POST /v1.45/containers/start/wait HTTP/1.1", False),
        (b"GET /v1.45/containers/web/start HTTP/1.1", False),
        (b"P", False),
        (b"\x00" * 32768, False),
    ],
)
def test_requests_that_are_starts_are_known(request_line: bytes, *, is_start: bool) -> None:
    assert asks_for_start(memoryview(request_line)) is is_start


def test_start_that_failed_does_not_wait() -> None:
    assert says_started(memoryview(STARTED))
    assert not says_started(memoryview(b"HTTP/1.1 304 Not Modified\r\n\r\n"))
    assert not says_started(memoryview(b"HTTP/1.1 500 Internal Server Error\r\n\r\n"))
