"""Where clients of a swarm come in: the forwarder of one manager has the place."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Callable, Iterator, cast

import pytest

from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.of_vm import docker_host_of_swarm, ping_swarm
from boot2docker_py.endpoint.relay.client import Client
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.room import Room
from boot2docker_py.endpoint.swarm_door import SwarmDoor
from boot2docker_py.errors import GuestError
from boot2docker_py.guest.swarm import Engine, Membership
from boot2docker_py.host import named_pipe
from boot2docker_py.wait import Deadline
from tests.unit.endpoint.client_side import kill
from tests.unit.endpoint.docker_engine import DockerEngine
from tests.unit.endpoint.ports.publishing import VM
from tests.unit.ssh.real_sshd import Sshd, eventually

LONG_S = 60.0
MANAGER = Membership("active", "node", is_manager=True, error="", managers=())
WORKER = MANAGER._replace(is_manager=False)
LONER = WORKER._replace(state="inactive")


class SwarmEngine:
    """An engine that is what it is set to be; None: it does not answer."""

    def __init__(self, membership: Membership | None) -> None:
        self.is_now = membership
        self.asked = 0

    def membership(self, _deadline: Deadline) -> Membership:
        self.asked += 1
        if self.is_now is None:
            raise GuestError("no answer")
        return self.is_now


class Side:
    """The forwarder of one VM, as far as its swarm goes; it answers clients with its name."""

    def __init__(self, name: bytes, socket: Path, membership: Membership | None) -> None:
        self.name = name
        self.engine = SwarmEngine(membership)
        self.is_reached = True
        self.loop = Loop()
        self.door = SwarmDoor(
            socket,
            self.loop,
            Room(self.loop, 10),
            self._answer,
            cast(Engine, self.engine),
            lambda: self.is_reached,
        )
        self._thread = threading.Thread(target=self.loop.run, daemon=True)
        self._thread.start()

    def in_loop(self, call: Callable[[], object]) -> None:
        """Make a call in the thread of the loop, and return when it was made."""
        done = threading.Event()

        def make() -> None:
            call()
            done.set()

        self.loop.call_soon(make)
        assert done.wait(LONG_S)

    def serves(self) -> bool:
        """Look once more, and tell whether it has the place by now."""
        self.in_loop(self.door.look_now)
        return self.door.status().problem == ""

    def end(self) -> None:
        self.in_loop(self.door.close)
        self.loop.call_soon(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _answer(self, client: Client) -> None:
        client.send(memoryview(self.name))
        client.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a place whose name is short enough for a socket."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "swarm", "docker.sock")


@pytest.fixture
def sides(place: Path) -> Iterator[Callable[..., Side]]:
    made: list[Side] = []

    def make(name: bytes, membership: Membership | None = MANAGER) -> Side:
        made.append(Side(name, place, membership))
        return made[-1]

    yield make
    for side in made:
        side.end()


def who_answers(place: Path) -> bytes:
    """Return what a client hears, nothing where none serves."""
    try:
        if sys.platform == "win32":
            pipe = named_pipe.connect(named_pipe.pipe_at(place), 1.0)
            try:
                return pipe.recv(100)
            finally:
                pipe.close()
        else:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(LONG_S)
                client.connect(str(place))
                return client.recv(100)
    except OSError:
        return b""


def test_one_of_two_managers_has_the_place(place: Path, sides: Callable[..., Side]) -> None:
    first, second = sides(b"first"), sides(b"second")
    eventually(first.serves)
    assert not second.serves()
    assert "another VM" in second.door.status().problem
    eventually(lambda: who_answers(place) == b"first")


def test_another_manager_takes_it_over_when_the_vm_is_lost(
    place: Path, sides: Callable[..., Side]
) -> None:
    first, second = sides(b"first"), sides(b"second")
    eventually(first.serves)
    first.is_reached = False
    assert not first.serves()
    eventually(second.serves)
    eventually(lambda: who_answers(place) == b"second")
    first.is_reached = True
    assert not first.serves()
    eventually(lambda: who_answers(place) == b"second")


def test_a_manager_that_docker_has_made_a_worker_lets_it_go(
    place: Path, sides: Callable[..., Side]
) -> None:
    first, second = sides(b"first"), sides(b"second")
    eventually(first.serves)
    first.engine.is_now = WORKER
    eventually(lambda: not first.serves())
    eventually(second.serves)
    eventually(lambda: who_answers(place) == b"second")


@pytest.mark.parametrize("membership", [WORKER, LONER, None])
def test_what_is_no_manager_does_not_keep_it_from_one_that_is(
    place: Path, sides: Callable[..., Side], membership: Membership | None
) -> None:
    other, manager = sides(b"other", membership), sides(b"manager")
    eventually(lambda: not other.serves() and other.engine.asked)
    eventually(manager.serves)
    assert not other.serves()
    eventually(lambda: who_answers(place) == b"manager")


def test_an_engine_that_answers_late_is_asked_again(
    place: Path, sides: Callable[..., Side]
) -> None:
    late = sides(b"late", None)
    eventually(lambda: not late.serves() and late.engine.asked)
    assert who_answers(place) == b""
    late.engine.is_now = MANAGER
    eventually(late.serves)
    eventually(lambda: who_answers(place) == b"late")


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe cannot be removed")
def test_a_place_that_was_removed_is_made_again(place: Path, sides: Callable[..., Side]) -> None:
    side = sides(b"side")
    eventually(side.serves)
    shutil.rmtree(place.parent)
    eventually(lambda: side.serves() and who_answers(place) == b"side")


def test_a_place_that_cannot_be_made_is_said_and_tried_again(
    place: Path, sides: Callable[..., Side], caplog: pytest.LogCaptureFixture
) -> None:
    place.parent.write_text("in the way")
    side = sides(b"side")
    eventually(lambda: not side.serves() and str(place.parent) in side.door.status().problem)
    assert "defect" not in caplog.text
    place.parent.unlink()
    eventually(side.serves)


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe has one server")
def test_without_another_manager_clients_still_hear_why(
    place: Path, sides: Callable[..., Side]
) -> None:
    side = sides(b"side")
    eventually(side.serves)
    side.is_reached = False
    assert not side.serves()
    eventually(lambda: who_answers(place) == b"side")


def test_the_place_is_gone_with_the_last_forwarder(place: Path, sides: Callable[..., Side]) -> None:
    side = sides(b"side")
    eventually(side.serves)
    side.in_loop(side.door.close)
    assert who_answers(place) == b""
    assert not place.exists()


def test_a_killed_forwarder_is_followed_by_that_of_another_manager(
    tmp_path: Path, place: Path, sshd: Sshd
) -> None:
    with DockerEngine(tmp_path / "1.sock") as one, DockerEngine(tmp_path / "2.sock") as two:
        first, second = VM(tmp_path / "1", sshd, one), VM(tmp_path / "2", sshd, two)
        one.is_manager = two.is_manager = True
        try:
            pid = first.forward(swarm_socket=place)
            eventually(lambda: ping_swarm(place) is None)
            second.forward(swarm_socket=place)
            kill(pid)
            host = docker_host_of_swarm(place)
            eventually(lambda: _serves(second, host))
            assert ping_swarm(place) is None
        finally:
            process.stop(first.paths)
            process.stop(second.paths)


def _serves(vm: VM, docker_host: str) -> bool:
    status = process.status(vm.paths)
    return status is not None and status.serves(docker_host)
