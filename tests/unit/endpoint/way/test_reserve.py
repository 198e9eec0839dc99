"""The spare channels: what they give a client, and that no client gets a dead one."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.relay import Relay
from boot2docker_py.endpoint.relay.relays import Relays
from boot2docker_py.endpoint.way.reserve import GIVEN_UP_AFTER_S, SPARES, Reserve
from boot2docker_py.endpoint.way.route import Route, Way
from boot2docker_py.ssh.connection import Connection
from boot2docker_py.ssh.stream import Channel
from tests.unit.endpoint.client_side import Endpoint, forwarding
from tests.unit.endpoint.engine import Engine
from tests.unit.ssh.real_sshd import Cable, Sshd, eventually

LONG_S = 60.0


class Desk:
    """A loop in a thread, with a reserve from which clients are served over one connection."""

    def __init__(self, connection: Connection, path: str) -> None:
        self.connection = connection
        self.now_s = 0.0
        self._loop = Loop()
        self.route = Route(path)
        self.route.way = Way.SOCKET
        self._reserve = Reserve(self._loop, self.route, lambda: self.now_s)
        self._relays = Relays(self._loop)
        self._thread = threading.Thread(target=self._loop.run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.connection.close()  # which ends all relays
        eventually(lambda: not self.has_open_relays())
        self._loop.call_soon(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def client(self, line: bytes) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.settimeout(LONG_S)
        ours.sendall(line)
        self.do(lambda: self._relays.join(theirs, self._open))
        return ours

    def refill(self) -> None:
        self.do(self._reserve.refill)

    def tidy(self) -> None:
        self.do(self._reserve.tidy)

    def do(self, call: Callable[[], None]) -> None:
        """Make the call in the loop's thread, and wait for it."""
        done = threading.Event()
        self._loop.call_soon(call)
        self._loop.call_soon(done.set)
        assert done.wait(LONG_S)

    def open_channels(self) -> int:
        return self.connection.open_channels()

    def usable_spares(self) -> int:
        return self._reserve.usable()

    def has_open_relays(self) -> bool:
        return bool(self._relays.count().open_connections)

    def _open(self, relay: Relay) -> Channel:
        return self._reserve.open(self.connection, relay)


@pytest.fixture
def desk(sshd: Sshd, cable: Cable, engine: Engine) -> Iterator[Desk]:
    with sshd.connect(cable.address) as connection:
        desk = Desk(connection, engine.there)
        try:
            yield desk
        finally:
            desk.close()


def is_answered(desk: Desk) -> bool:
    with desk.client(b"echo\nx") as client:
        answer = client.recv(1)
    eventually(lambda: not desk.has_open_relays())
    return answer == b"x"


def with_spares(desk: Desk, engine: Engine) -> int:
    """Return how many clients the engine has had, the last of them by spare channels."""
    assert is_answered(desk)
    before = engine.accepted
    desk.refill()
    eventually(lambda: engine.accepted == before + SPARES)
    eventually(lambda: desk.open_channels() == SPARES)
    return engine.accepted


def test_no_spare_channel_is_opened_before_the_first_client(desk: Desk, engine: Engine) -> None:
    desk.refill()
    assert is_answered(desk)
    assert engine.accepted == 1


def test_the_next_clients_get_the_spare_channels(desk: Desk, engine: Engine) -> None:
    accepted = with_spares(desk, engine)
    for _client in range(SPARES):
        assert is_answered(desk)
    assert engine.accepted == accepted
    assert is_answered(desk)
    assert engine.accepted == accepted + 1


def test_spare_channel_that_is_not_open_yet_is_given_too(desk: Desk, engine: Engine) -> None:
    assert is_answered(desk)
    desk.refill()
    for _client in range(SPARES):
        assert is_answered(desk)
    assert engine.accepted == 1 + SPARES


def test_spare_channels_have_a_number_that_is_never_passed(desk: Desk, engine: Engine) -> None:
    accepted = with_spares(desk, engine)
    for _time in range(10):
        desk.refill()
    assert desk.open_channels() == SPARES
    for _client in range(SPARES + 1):
        assert is_answered(desk)
    assert engine.accepted == accepted + 1


def test_missing_spare_channel_is_opened_again(desk: Desk, engine: Engine) -> None:
    accepted = with_spares(desk, engine)
    assert is_answered(desk)
    desk.refill()
    eventually(lambda: engine.accepted == accepted + 1)
    eventually(lambda: desk.open_channels() == SPARES)


def test_end_of_each_direction_passes_over_a_spare_channel(desk: Desk, engine: Engine) -> None:
    with_spares(desk, engine)
    with desk.client(b"end-then-hash\n") as client:
        assert client.recv(100) == b"first"
        assert client.recv(100) == b""
        client.sendall(b"some")
        client.shutdown(socket.SHUT_WR)
        eventually(lambda: engine.last_hash)


def test_client_opens_a_channel_of_its_own_when_the_engine_has_ended_the_spare_one(
    desk: Desk, engine: Engine
) -> None:
    accepted = with_spares(desk, engine)
    engine.hang_up()
    eventually(lambda: desk.usable_spares() == 0)
    assert is_answered(desk)
    assert engine.accepted == accepted + 1


def test_dead_spare_channel_is_closed(desk: Desk, engine: Engine) -> None:
    with_spares(desk, engine)
    engine.hang_up()
    eventually(lambda: desk.usable_spares() == 0)
    desk.tidy()
    eventually(lambda: desk.open_channels() == 0)


def test_spare_channel_that_no_client_comes_for_is_given_up(desk: Desk, engine: Engine) -> None:
    with_spares(desk, engine)
    desk.tidy()
    assert desk.open_channels() == SPARES
    desk.now_s += GIVEN_UP_AFTER_S
    desk.tidy()
    eventually(lambda: desk.open_channels() == 0)
    assert is_answered(desk)


def test_spare_channel_is_given_up_before_it_is_open(desk: Desk) -> None:
    assert is_answered(desk)
    desk.refill()
    desk.now_s += GIVEN_UP_AFTER_S
    desk.tidy()
    eventually(lambda: desk.open_channels() == 0)


def test_spare_channel_that_an_absent_engine_refuses_leaves_nothing(
    desk: Desk, engine: Engine, tmp_path: Path
) -> None:
    assert is_answered(desk)
    engine.hide()
    desk.refill()
    eventually(lambda: desk.usable_spares() == 0)
    eventually(lambda: desk.open_channels() == 0)
    engine.show()
    assert is_answered(desk)


def test_spare_channel_of_a_lost_connection_is_not_given_over_the_next(
    desk: Desk, engine: Engine, sshd: Sshd, cable: Cable
) -> None:
    accepted = with_spares(desk, engine)
    cable.cut()
    eventually(lambda: not desk.connection.is_alive())
    with sshd.connect() as connection:
        desk.connection = connection
        assert is_answered(desk)
    assert engine.accepted == accepted + 1


@pytest.mark.parametrize("way", [Way.DIAL, Way.PORT, None])
def test_spare_channels_are_for_the_engines_socket_alone(
    desk: Desk, engine: Engine, way: Way | None
) -> None:
    assert is_answered(desk)
    eventually(lambda: desk.open_channels() == 0)
    desk.route.way = way
    desk.refill()
    assert desk.open_channels() == 0


def test_short_connections_leave_no_channel_behind(desk: Desk, engine: Engine) -> None:
    for _number in range(300):
        with desk.client(b"echo\nx") as client:
            assert client.recv(1) == b"x"
        desk.refill()
    desk.now_s += GIVEN_UP_AFTER_S
    desk.tidy()
    eventually(lambda: not desk.has_open_relays())
    eventually(lambda: desk.open_channels() == 0)
    assert desk.connection.open_channels() == 0


def test_the_forwarder_answers_on_when_its_engine_starts_anew(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    path = tmp_path / "engine.sock"
    with Engine(path) as first:
        endpoint.engine = first
        forwarding(endpoint)
        eventually(lambda: endpoint.status().transport)
        for _time in range(3):
            assert endpoint.ping() is None
    assert endpoint.ping() is not None
    with Engine(path):
        assert endpoint.ping() is None
