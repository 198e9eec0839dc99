"""The relay, against the real sshd: exact bytes, each direction's own end, nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import re
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.endpoint.relay.client import Client, SocketClient
from boot2docker_py.endpoint.relay.ending import End, Ending
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.pipe_client import PipeClient
from boot2docker_py.endpoint.relay.relay import Relay
from boot2docker_py.endpoint.relay.relays import Counts, NotJoinedError, Relays
from boot2docker_py.errors import GuestError
from boot2docker_py.guest import engine as engine_client
from boot2docker_py.ssh import connection
from boot2docker_py.ssh.stream import Channel, Stream
from tests.unit.endpoint.engine import Engine
from tests.unit.guest_side import path_there
from tests.unit.host.pipe_stand_in import PipeStandIn
from tests.unit.ssh.real_sshd import Cable, Sshd, eventually

LONG_S = 60.0
MEGABYTE = 1024 * 1024
# More than any window or buffer; under Wine each byte has a longer way.
MANY_MB, SOME_MB = (10, 5) if sys.platform == "win32" else (100, 30)
CHUNK = os.urandom(MEGABYTE)


class Tunnel:
    """A loop in a thread, and clients that it relays over one connection."""

    def __init__(
        self, connection: connection.Connection, path: str, kind: Callable[[socket.socket], Client]
    ) -> None:
        self.connection = connection
        self._kind = kind
        self.endings: list[Ending] = []
        self._path = path
        self._loop = Loop()
        self._relays = Relays(self._loop)
        self._loop.every_tick(self._relays.end_those_whose_client_is_gone)
        self._thread = threading.Thread(target=self._loop.run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.connection.close()  # which ends all relays
        eventually(lambda: self.open_relays() == 0)
        self._loop.call_soon(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def client(self, line: bytes = b"") -> socket.socket:
        """Return a client's end, which has sent the line."""
        ours, theirs = socket.socketpair()
        ours.settimeout(LONG_S)
        self._loop.call_soon(lambda: self._join(theirs))
        ours.sendall(line)
        return ours

    def open_relays(self) -> int:
        return self._relays.count().open_connections

    def _join(self, client: socket.socket) -> None:
        self._relays.join(self._kind(client), self._open, self._ended)

    def _open(self, relay: Relay) -> Channel:
        return self.connection.open_stream(self._path, relay)

    def _ended(self, _relay: Relay, ending: Ending) -> None:
        self.endings.append(ending)


KINDS: dict[str, Callable[[socket.socket], Client]] = {
    "socket": SocketClient,
    "pipe": lambda sock: PipeClient(PipeStandIn(sock)),
}


PLAIN = "plain"  # a socket, over paramiko's own packets and channels


@pytest.fixture(params=[*KINDS, PLAIN])
def tunnel(
    sshd: Sshd, cable: Cable, engine: Engine, request: pytest.FixtureRequest
) -> Iterator[Tunnel]:
    kind = KINDS.get(request.param, SocketClient)
    with sshd.connect(cable.address, is_plain=request.param == PLAIN) as connection:
        tunnel = Tunnel(connection, engine.there, kind)
        try:
            yield tunnel
        finally:
            tunnel.close()


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(MEGABYTE), b""))


def send_megabytes(client: socket.socket, count: int) -> bytes:
    """Send, and return the hash as the engine would tell it."""
    digest = hashlib.sha256()
    for _megabyte in range(count):
        client.sendall(CHUNK)
        digest.update(CHUNK)
    client.shutdown(socket.SHUT_WR)
    return digest.hexdigest().encode()


def fill(client: socket.socket) -> None:
    """Send until nothing more goes in."""
    client.settimeout(0.5)
    with contextlib.suppress(socket.timeout):
        while True:
            client.send(CHUNK)


def receives_what_was_sent(client: socket.socket, size: int) -> bool:
    """Read random bytes, then their hash."""
    data = read_all(client)
    return len(data) == size + 64 and hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]


def test_many_megabytes_reach_the_guest_whole(tunnel: Tunnel) -> None:
    with tunnel.client(b"hash\n") as client:
        expected = send_megabytes(client, MANY_MB)
        assert read_all(client) == expected


def test_many_megabytes_from_the_guest_arrive_whole(tunnel: Tunnel) -> None:
    with tunnel.client(b"send %d\n" % (MANY_MB * MEGABYTE)) as client:
        assert receives_what_was_sent(client, MANY_MB * MEGABYTE)


def test_bytes_go_in_both_directions_at_once(tunnel: Tunnel) -> None:
    with tunnel.client(b"echo\n") as client, ThreadPoolExecutor() as pool:
        sent = pool.submit(send_megabytes, client, SOME_MB)
        assert hashlib.sha256(read_all(client)).hexdigest().encode() == sent.result()


def test_ssh_keys_are_renewed_under_load(tunnel: Tunnel) -> None:
    """A second exchange of keys stops all sending for a moment, and must not stop it for good."""
    tunnel.connection.transport.packetizer.REKEY_BYTES = 3 * MEGABYTE
    with tunnel.client(b"echo\n") as client, ThreadPoolExecutor() as pool:
        sent = pool.submit(send_megabytes, client, SOME_MB)
        assert hashlib.sha256(read_all(client)).hexdigest().encode() == sent.result()


def test_the_clients_end_is_passed_on_and_the_answer_still_comes(tunnel: Tunnel) -> None:
    """`docker run -i` and `docker build -` depend on it."""
    with tunnel.client(b"hash\n") as client:
        client.sendall(b"some")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == hashlib.sha256(b"some").hexdigest().encode()


def test_the_guests_end_is_passed_on_and_more_may_still_be_sent(
    tunnel: Tunnel, engine: Engine
) -> None:
    with tunnel.client(b"end-then-hash\n") as client:
        assert read_all(client) == b"first"
        expected = send_megabytes(client, 5)
        eventually(lambda: engine.last_hash == expected)


def test_hundred_clients_are_served_at_once(tunnel: Tunnel) -> None:
    def talk(number: int) -> bool:
        text = b"%d\n" % number * 5000
        with tunnel.client(b"echo\n") as client:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            return read_all(client) == text

    with ThreadPoolExecutor(100) as pool:
        assert all(pool.map(talk, range(100)))


def test_client_that_never_reads_does_not_hold_up_another(tunnel: Tunnel) -> None:
    with tunnel.client(b"send %d\n" % (50 * MEGABYTE)) as lazy:
        assert lazy.recv(1)
        with tunnel.client(b"send 1000000\n") as other:
            assert receives_what_was_sent(other, 1000000)
        assert len(read_all(lazy)) == 50 * MEGABYTE + 64 - 1


def test_an_engine_that_never_reads_does_not_hold_up_another(tunnel: Tunnel) -> None:
    with tunnel.client(b"deaf\n") as stuck:
        fill(stuck)
        with tunnel.client(b"send 1000000\n") as other:
            assert receives_what_was_sent(other, 1000000)


def test_a_client_that_hangs_up_is_gone_for_the_engine(tunnel: Tunnel, engine: Engine) -> None:
    tunnel.client(b"silent\n").close()
    eventually(lambda: engine.ended == 1)
    eventually(lambda: tunnel.open_relays() == 0)


def test_a_client_that_hangs_up_amid_a_stream_ends_it(tunnel: Tunnel, engine: Engine) -> None:
    """`docker logs -f | head` must not leave the engine writing for ever."""
    with tunnel.client(b"send %d\n" % (1000 * MEGABYTE)) as client:
        assert client.recv(1)
    eventually(lambda: engine.ended == 1)
    eventually(lambda: tunnel.open_relays() == 0)
    assert [ending.end for ending in tunnel.endings] == [End.CLIENT]


@pytest.mark.parametrize(("is_plain", "words"), [(False, "open failed"), (True, "Connect failed")])
def test_no_engine_ends_the_client_with_a_reason(
    sshd: Sshd, tmp_path: Path, *, is_plain: bool, words: str
) -> None:
    with sshd.connect(is_plain=is_plain) as connection:
        tunnel = Tunnel(connection, path_there(tmp_path / "nobody.sock"), SocketClient)
        with tunnel.client() as client:
            assert client.recv(1) == b""
        tunnel.close()
    assert tunnel.endings == [Ending(End.REFUSED, words)]
    assert str(tunnel.endings[0]) == f"the guest refused: {words}"


def test_client_that_cannot_be_joined_sees_a_hang_up_and_is_counted() -> None:
    loop = Loop()
    relays = Relays(loop)
    ours, theirs = socket.socketpair()

    def no_channel(_relay: Relay) -> Channel:
        raise GuestError("not connected to the VM")

    with ours, theirs, pytest.raises(NotJoinedError, match="not connected to the VM"):
        relays.join(theirs, no_channel)
    ours, theirs = socket.socketpair()
    with ours:
        relays.join_or_close(theirs, no_channel)
        assert ours.recv(1) == b""
    assert relays.count() == Counts(0, 0, 2, 0, 0)
    loop.close()


def test_both_sides_that_have_ended_are_done(tunnel: Tunnel) -> None:
    with tunnel.client(b"echo\n") as client:
        client.sendall(b"x")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"x"
    eventually(lambda: tunnel.open_relays() == 0)
    assert tunnel.endings == [Ending(End.DONE)]


def test_a_lost_connection_ends_all_clients_at_once(tunnel: Tunnel, cable: Cable) -> None:
    clients = [tunnel.client(b"silent\n") for _number in range(10)]
    busy = tunnel.client(b"send %d\n" % (1000 * MEGABYTE))
    assert busy.recv(1)
    cable.cut()
    for client in clients:
        with client:
            assert client.recv(1) == b""
    with busy:
        read_all(busy)
    eventually(lambda: tunnel.open_relays() == 0)
    assert {ending.end for ending in tunnel.endings} == {End.LOST}


def test_a_server_that_falls_silent_is_lost(
    tunnel: Tunnel, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the host has slept: the connection stands, and no answer comes."""
    monkeypatch.setattr(connection, "PROBE_PATIENCE", 2)
    monkeypatch.setattr(connection, "PROBE_PATIENCE_PER_S", 0)
    with tunnel.client(b"silent\n") as client:
        with tunnel.client(b"echo\n") as other:
            other.sendall(b"x")
            assert other.recv(1) == b"x"
        cable.go_dead()
        reason = tunnel.connection.wait_until_lost()  # later after a slow handshake
        assert re.fullmatch(r"no answer from the SSH server for \d+ s", reason)
        assert client.recv(1) == b""


def test_short_connections_leave_no_descriptor_and_no_thread(
    tunnel: Tunnel, engine: Engine
) -> None:
    def talk() -> None:
        with tunnel.client(b"echo\n") as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"

    def settled() -> bool:
        return tunnel.open_relays() == 0 and not tunnel.connection.open_channels()

    talk()
    eventually(settled)
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _number in range(200):
        talk()
    eventually(settled)
    gc.collect()
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
    eventually(lambda: threading.active_count() <= threads)


def test_the_engine_can_be_asked_over_a_channel(tunnel: Tunnel, engine: Engine) -> None:
    def open_stream() -> Stream:
        return tunnel.connection.open_unix_socket(engine.there)

    assert engine_client.ping(open_stream) is None


def test_an_engine_that_is_not_there_is_a_reason(tunnel: Tunnel, tmp_path: Path) -> None:
    place = path_there(tmp_path / "nobody.sock")

    def open_stream() -> Stream:
        return tunnel.connection.open_unix_socket(place)

    reason = engine_client.ping(open_stream)
    assert reason is not None
    assert reason.startswith(f"cannot connect to '{place}' in the VM")
