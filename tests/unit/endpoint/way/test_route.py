"""Ways to the engine on images whose SSH server forbids Unix sockets; with the real sshd."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

from boot2docker_py.endpoint.way.route import Route, Way
from boot2docker_py.errors import DeadlineError, GuestError
from boot2docker_py.ssh.connection import Connection, Result
from tests.unit.endpoint.client_side import MEGABYTE, Endpoint, forwarding
from tests.unit.endpoint.engine import Engine
from tests.unit.guest_side import make_executable, path_there
from tests.unit.listening import end_listening
from tests.unit.ssh.real_sshd import Sshd, eventually, needs_sshd

FORBID = "AllowStreamLocalForwarding no\n"

pytestmark = needs_sshd


@contextlib.contextmanager
def guest(folder: Path, engine: Engine, *, has_docker: bool, settings: str) -> Iterator[Sshd]:
    """Run a guest, in whose PATH there may be a docker client."""
    programs = folder / "bin"
    programs.mkdir()
    if has_docker:
        shutil.copy(Path(__file__).with_name("docker_stand_in"), programs / "docker")
        make_executable(programs / "docker")
    path = f"{path_there(programs)}:/usr/bin:/bin"
    environ = {"PATH": path, "ENGINE_SOCKET": str(engine.there)}
    with Sshd(folder / "sshd", settings, environ).running() as sshd:
        yield sshd


@pytest.fixture
def forbidding(tmp_path: Path, engine: Engine) -> Iterator[Endpoint]:
    from boot2docker_py.endpoint import process

    with guest(tmp_path, engine, has_docker=True, settings=FORBID) as sshd:
        endpoint = Endpoint(tmp_path / "vm", sshd, engine)
        endpoint.paths.folder.mkdir()
        yield endpoint
        process.stop(endpoint.paths)


def on_its_way(endpoint: Endpoint) -> str:
    forwarding(endpoint)
    eventually(lambda: endpoint.status().transport)
    return endpoint.status().transport


def test_an_ordinary_guest_is_reached_by_its_socket(endpoint: Endpoint) -> None:
    assert on_its_way(endpoint) == "streamlocal"


def test_a_forbidding_guest_is_reached_by_its_docker(forbidding: Endpoint) -> None:
    assert on_its_way(forbidding) == "dial-stdio"
    assert forbidding.ping() is None


def test_bytes_and_each_directions_end_pass_by_docker(forbidding: Endpoint) -> None:
    on_its_way(forbidding)
    text = b"some bytes " * MEGABYTE
    with forbidding.client(b"hash\n" + text) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == hashlib.sha256(text).hexdigest().encode()
    with forbidding.client(b"send 5000000\n") as client:
        data = b"".join(iter(lambda: client.recv(MEGABYTE), b""))
    assert hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]


def test_a_client_that_hangs_up_ends_the_command(forbidding: Endpoint, engine: Engine) -> None:
    on_its_way(forbidding)
    before = engine.ended
    with forbidding.client(b"send %d\n" % (1000 * MEGABYTE)) as client:
        assert client.recv(1)
    eventually(lambda: engine.ended > before)
    eventually(lambda: forbidding.status().open_connections == 0)


def test_an_engine_that_comes_later_is_found(forbidding: Endpoint, tmp_path: Path) -> None:
    forbidding.engine.hide()
    forwarding(forbidding)
    assert forbidding.ping() is not None
    assert forbidding.status().transport == ""
    forbidding.engine.show()
    eventually(lambda: forbidding.ping() is None)


def find(sshd: Sshd, route: Route) -> Way | None:
    with sshd.connect() as connection:
        return route.look(connection)


class Busy:
    """A connection to a guest that has no time for the first command."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.commands = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def run(self, command: Sequence[str], *, timeout_s: float) -> Result:
        self.commands += 1
        if self.commands == 1:
            raise DeadlineError("a command in the VM did not end within 30 s")
        return self._connection.run(command, timeout_s=timeout_s)


def test_guest_that_is_busy_at_first_is_asked_again(tmp_path: Path, engine: Engine) -> None:
    with guest(
        tmp_path, engine, has_docker=True, settings=FORBID
    ) as sshd, sshd.connect() as connection:
        route = Route(engine.there)
        route.find_out(Busy(connection))  # type: ignore[arg-type]
        eventually(lambda: route.way is Way.DIAL)


def test_guests_own_loopback_is_taken_without_docker(
    tmp_path: Path, engine: Engine, tcp_engine: int
) -> None:
    with guest(tmp_path, engine, has_docker=False, settings=FORBID) as sshd:
        assert find(sshd, Route(engine.there, tcp_engine)) is Way.PORT


def test_no_way_to_the_engine_is_found_where_nothing_is_allowed(
    tmp_path: Path, engine: Engine, tcp_engine: int
) -> None:
    settings = FORBID + "AllowTcpForwarding no\n"
    with guest(tmp_path, engine, has_docker=False, settings=settings) as sshd:
        assert find(sshd, Route(engine.there, tcp_engine)) is None


@pytest.fixture
def tcp_engine() -> Iterator[int]:
    """Answer pings on a TCP port of the guest."""
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _address = listener.accept()
                with peer:
                    peer.recv(1000)
                    peer.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    yield listener.getsockname()[1]
    end_listening(listener, accepting)


def test_a_stream_by_tcp_reaches_the_engine(sshd: Sshd, tcp_engine: int) -> None:
    with sshd.connect() as connection:
        with connection.open_port("127.0.0.1", tcp_engine) as channel:
            channel.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            assert channel.recv(100).startswith(b"HTTP/1.0 200 OK")
        with pytest.raises(GuestError, match="cannot connect to port 1 in the VM"):
            connection.open_port("127.0.0.1", 1)
