"""The engine is about to end: our own stream of its events must not keep it waiting.

dockerd waits at its end for streams that are open; so the forwarder ends its own beforehand, and
nothing else.
"""

from __future__ import annotations

import socket
import threading
from typing import Sequence

import pytest

from boot2docker_py.endpoint import control, process
from boot2docker_py.endpoint.ports.engine_events import ContainerWatch, Publishing
from boot2docker_py.endpoint.way.reach import Reach
from boot2docker_py.paths import make_private_folder
from boot2docker_py.wait import Pauses
from tests.unit.endpoint.client_side import connect_as_docker
from tests.unit.endpoint.docker_engine import DockerEngine
from tests.unit.endpoint.ports.publishing import VM, answers, connect, refuses
from tests.unit.ssh.real_sshd import Cable, Sshd, eventually

FOLLOW = b"GET /events?since=0 HTTP/1.0\r\nHost: docker\r\n\r\n"


def test_stop_ends_our_stream_of_events_and_nothing_else(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    eventually(vm.is_followed)
    with connect(port) as of_a_container, connect_as_docker(vm.paths) as of_docker:
        of_docker.sendall(FOLLOW)
        eventually(lambda: len(docker.streams) == 2)
        process.expect_stop(vm.paths)
        eventually(lambda: len(docker.streams) == 1)
        of_a_container.sendall(b"x")
        assert of_a_container.recv(1) == b"x"
        docker.tell("container", "kill", "web")
        received = b""
        while b'"kill"' not in received:
            received += of_docker.recv(1 << 20) or pytest.fail("it was cut off")
    assert answers(port)


def test_no_spare_connection_keeps_the_engine_waiting(vm: VM, docker: DockerEngine) -> None:
    vm.forward()
    eventually(lambda: vm.endpoint.ping() is None and docker.silent_clients == 1)
    process.expect_stop(vm.paths)
    eventually(lambda: docker.silent_clients == 0)
    for _client in range(3):
        assert vm.endpoint.ping() is None
    assert docker.silent_clients == 0


def test_watch_of_containers_begins_again_when_the_vm_is_back(vm: VM, sshd: Sshd) -> None:
    with Cable(sshd.address) as cable:
        vm.forward(cable.address)
        eventually(vm.is_followed)
        process.expect_stop(vm.paths)
        eventually(lambda: not vm.is_followed())
        cable.cut()
        eventually(vm.is_followed)


def test_ports_vanish_with_a_vm_that_has_stopped(
    vm: VM, docker: DockerEngine, sshd: Sshd, port: int
) -> None:
    docker.start("web", port)
    with Cable(sshd.address) as cable:
        vm.forward(cable.address)
        eventually(lambda: answers(port))
        process.expect_stop(vm.paths)
        cable.unplug()
        cable.cut()
        eventually(lambda: refuses(port))


def test_watch_of_containers_begins_again_when_another_program_brings_the_vm_up(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    """As after a `down` whose time was over."""
    vm.forward()
    eventually(vm.is_followed)
    process.expect_stop(vm.paths)
    eventually(lambda: not vm.is_followed())
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))


def test_hold_without_a_forwarder_does_nothing(vm: VM) -> None:
    process.expect_stop(vm.paths)
    assert process.status(vm.paths) is None


def test_a_forwarder_that_does_not_know_the_question_is_left_alone(vm: VM) -> None:
    heard: list[str] = []

    def answer(question: str) -> dict[str, object]:
        heard.append(question)
        return {"version": "0.0.1", "pid": 1, "phase": "forwarding"}

    make_private_folder(vm.paths.run)
    with control.serving(vm.paths.forwarder_control, answer):
        process.expect_stop(vm.paths)
    assert heard == ["expect_stop"]


class Watch:
    """A watch of the stand-in for the engine, without SSH in between."""

    def __init__(self, docker: DockerEngine, reach: Reach, answers: Pauses | None = None) -> None:
        self.attempts = 0
        self.lost: list[str] = []
        self.names: list[str] = []
        self._docker = docker
        ContainerWatch(self._open, reach, self._on_list, self.lost.append, answers).start()

    def _open(self) -> socket.socket:
        self.attempts += 1
        return self._docker.connect()

    def _on_list(self, containers: Sequence[Publishing]) -> None:
        self.names = [container["Names"][0] for container in containers]


def test_watch_begins_again_by_itself_when_the_vm_did_not_stop(docker: DockerEngine) -> None:
    reach = Reach(hold_s=0.5)
    reach.connected()
    watch = Watch(docker, reach)
    eventually(lambda: docker.streams)
    reach.hold()
    docker.start("web")
    eventually(lambda: watch.names == ["/web"])
    eventually(lambda: docker.streams)
    assert watch.lost == []


def test_hold_before_the_vm_has_connected_is_kept(docker: DockerEngine) -> None:
    reach = Reach()
    reach.hold()
    watch = Watch(docker, reach)
    reach.connected()
    threading.Event().wait(0.5)
    assert (watch.attempts, watch.lost) == (0, [])
    reach.resume()
    eventually(lambda: docker.streams)


def test_watch_does_not_try_while_the_vm_is_away(docker: DockerEngine) -> None:
    reach = Reach()
    watch = Watch(docker, reach)
    eventually(lambda: watch.lost == ["not connected to the VM"])
    threading.Event().wait(1.5)  # the longest pause between two tries is a second
    assert (watch.attempts, watch.lost) == (0, ["not connected to the VM"])
    reach.connected()
    eventually(lambda: docker.streams)
    reach.lost()
    docker.crash()
    eventually(lambda: watch.lost[-1] == "not connected to the VM")
    before = watch.attempts
    threading.Event().wait(1.5)
    assert watch.attempts == before
    docker.come_back()


def test_watch_gives_a_slow_engine_ever_more_time(docker: DockerEngine) -> None:
    """It answers what was given up, too: questions that are asked anew would pile up for ever."""
    docker.start("web")
    docker.answers_after_s = 0.7
    reach = Reach(hold_s=0.5)
    reach.connected()
    watch = Watch(docker, reach, Pauses(0.1, 100.0))
    eventually(lambda: watch.names == ["/web"])
    eventually(lambda: docker.streams)
    assert watch.attempts < 20
    assert set(watch.lost) == {"the engine does not answer in time"}
