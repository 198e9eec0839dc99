"""Clients at a listening socket: as many as there is room for, and through what accept(2) says."""

from __future__ import annotations

import errno
import os
import socket
import threading
from typing import Any, Iterator

import pytest

from boot2docker_py.endpoint.relay.client import SocketClient
from boot2docker_py.endpoint.relay.door import OF_ONE_CLIENT, Door
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.room import OTHERS, Room, Shares
from tests.unit.ssh.real_sshd import eventually

LONG_S = 60.0


class GoneClient(socket.socket):
    """A client that has hung up: macOS (EINVAL) and Windows say so when its options are set."""

    def setsockopt(self, *_arguments: Any) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class Server(socket.socket):
    """A listening socket whose next calls of accept(2) fail with given errors."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.errors: list[int] = []
        self.tries = 0
        self.gone = 0  # of the next clients, so many hang up before they are taken
        self.bind(("127.0.0.1", 0))
        self.listen(100)

    def accept(self) -> tuple[socket.socket, Any]:
        self.tries += 1
        if self.errors:
            number = self.errors[0]
            if len(self.errors) > 1 or number in OF_ONE_CLIENT:
                self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        client, address = super().accept()
        if self.gone:
            self.gone -= 1
            return GoneClient(fileno=client.detach()), address
        return client, address


class Hall:
    """A door in a loop of its own, and the clients that came in."""

    def __init__(self, most: int) -> None:
        self.server = Server()
        self.came_in: list[SocketClient] = []
        self.loop = Loop()
        self.room = Room(self.loop, most)
        self.door = Door(self.loop, self.server, self.room, self.came_in.append)
        self._thread = threading.Thread(target=self.loop.run, daemon=True)
        self._thread.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.server.getsockname(), LONG_S)

    def send_away(self, number: int) -> None:
        done = threading.Event()
        self.loop.call_soon(self.came_in[number].close)
        self.loop.call_soon(done.set)
        assert done.wait(LONG_S)

    def close(self) -> None:
        self.loop.call_soon(self.door.close)
        self.loop.call_soon(self.loop.stop)
        self._thread.join(LONG_S)
        self.loop.close()
        for client in self.came_in:
            client.close()


@pytest.fixture
def hall() -> Iterator[Hall]:
    hall = Hall(most=3)
    yield hall
    hall.close()


def test_client_that_finds_no_room_comes_in_when_another_has_gone(hall: Hall) -> None:
    clients = [hall.connect() for _number in range(5)]
    eventually(lambda: len(hall.came_in) == 3)
    hall.send_away(0)
    eventually(lambda: len(hall.came_in) == 4)
    hall.send_away(0)  # closed already: its room is not given back twice
    hall.send_away(1)
    eventually(lambda: len(hall.came_in) == 5)
    assert hall.room.taken == 3
    for client in clients:
        client.close()


def test_full_room_costs_no_tries(hall: Hall) -> None:
    clients = [hall.connect() for _number in range(5)]
    eventually(lambda: len(hall.came_in) == 3)
    assert hall.server.tries == 3
    for client in clients:
        client.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_room_that_the_system_lacks_is_waited_for(
    hall: Hall, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a busy loop, and without a word of a defect."""
    hall.server.errors = [number]
    with hall.connect():
        eventually(lambda: hall.server.tries >= 3)
        assert hall.came_in == []
        hall.server.errors = []
        eventually(lambda: len(hall.came_in) == 1)
    assert hall.room.taken == 1
    assert caplog.text.count("no more clients for now") == 1
    assert "defect" not in caplog.text


@pytest.mark.parametrize("number", sorted(OF_ONE_CLIENT))
def test_a_client_that_is_gone_already_holds_nobody_up(hall: Hall, number: int) -> None:
    hall.server.errors = [number] * 3
    with hall.connect():
        eventually(lambda: len(hall.came_in) == 1)
    assert hall.room.taken == 1


def test_clients_that_hang_up_while_they_are_taken_take_no_room(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    hall.server.gone = 2 * hall.room.most
    for _number in range(hall.server.gone):
        hall.connect().close()
    with hall.connect():
        eventually(lambda: len(hall.came_in) == 1)
    assert hall.room.taken == 1
    assert "defect" not in caplog.text


@pytest.mark.parametrize("limit", [256, 1024, 10_240, 65_536])
def test_clients_of_ports_do_not_take_the_descriptors_of_docker(limit: int) -> None:
    shares = Shares.of(limit)
    everything = shares.docker_clients + shares.port_sockets + shares.port_clients
    assert everything + OTHERS <= limit
    assert shares.docker_clients >= min(1000, limit // 8)
