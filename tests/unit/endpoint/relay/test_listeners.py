"""Where clients come in, and what happens where somebody else is already."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.address import Address
from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.relay import listeners
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.room import Room
from boot2docker_py.endpoint.status import Settings
from boot2docker_py.errors import NetworkError
from boot2docker_py.guest import engine as engine_client
from boot2docker_py.host import named_pipe
from boot2docker_py.paths import VMPaths, find
from tests.unit.endpoint.client_side import Endpoint, forwarding
from tests.unit.free_ports import free_port
from tests.unit.ssh.real_sshd import eventually


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def short() -> Iterator[Path]:
    """Give a folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def ping(port: int) -> str | None:
    return engine_client.ping(lambda: socket.create_connection(("127.0.0.1", port)))


def test_no_port_is_open_unless_asked_for(endpoint: Endpoint) -> None:
    status = forwarding(endpoint)
    assert [listener.where for listener in status.listeners] == [
        f"unix://{endpoint.paths.docker_socket}"
    ]
    used = Path(f"/proc/{status.pid}/net/tcp").read_text()
    sockets = {
        os.readlink(f"/proc/{status.pid}/fd/{number}")
        for number in os.listdir(f"/proc/{status.pid}/fd")
    }
    listening = [line.split() for line in used.splitlines() if line.split()[3] == "0A"]
    assert not [line for line in listening if f"socket:[{line[9]}]" in sockets]


def test_the_port_is_on_loopback_and_leads_to_the_engine(endpoint: Endpoint, port: int) -> None:
    endpoint.tcp_port = port
    status = forwarding(endpoint)
    assert [(listener.where, listener.problem) for listener in status.listeners][1:] == [
        (f"tcp://127.0.0.1:{port}", "")
    ]
    assert ping(port) is None
    assert endpoint.ping() is None
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port))


def test_forwarder_is_replaced_when_another_tcp_port_is_asked_for(
    endpoint: Endpoint, port: int
) -> None:
    first = forwarding(endpoint)
    endpoint.tcp_port = port
    assert forwarding(endpoint).pid != first.pid


def test_a_port_that_is_taken_is_said_and_tried_again(endpoint: Endpoint, port: int) -> None:
    endpoint.tcp_port = port
    with socket.create_server(("127.0.0.1", port)):
        status = forwarding(endpoint)
        problem = status.listeners[1].problem
        assert problem.startswith("it is taken by ")
        assert problem.endswith(f" (process {os.getpid()})")
        assert endpoint.ping() is None
    eventually(lambda: endpoint.status().listeners[1].problem == "")
    assert ping(port) is None


class Taken(listeners.PipeListener):
    """A pipe whose name another program has."""

    def __init__(self) -> None:
        super().__init__(named_pipe.pipe_of_vm("vm"))

    def open(self, loop: Loop, room: Room, on_client: listeners.OnClient) -> None:
        raise PermissionError(errno.EACCES, "Access is denied")


def test_a_pipe_of_another_user_is_an_error_in_words() -> None:
    """All users of Windows share the names of pipes, and many call their VM the same."""
    loop = Loop()
    places = listeners.Listeners(loop, [Taken()], Room(loop, 1), lambda _client: None)
    with pytest.raises(NetworkError) as caught, places:
        pass
    assert caught.value.brief.endswith("npipe:////./pipe/boot2docker-vm")
    assert "another user's" in caught.value.details
    assert "--vm" in caught.value.resolution
    loop.close()


def test_a_proxy_is_never_asked_for_loopback(
    endpoint: Endpoint, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, url)
        endpoint.tcp_port = port
        forwarding(endpoint)
        assert endpoint.ping() is None
        assert ping(port) is None
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_a_stale_socket_file_is_taken_over(endpoint: Endpoint) -> None:
    endpoint.paths.run.mkdir()
    for path in (endpoint.paths.docker_socket, endpoint.paths.forwarder_control):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    forwarding(endpoint)
    assert endpoint.ping() is None


def test_socket_is_made_for_vm_names_with_spaces_and_any_letters(
    endpoint: Endpoint, short: Path
) -> None:
    folder = short / "Jürgen Þórsson"
    folder.mkdir()
    endpoint.paths = VMPaths("vm", folder=folder, run=folder / "läuft hier", lock=folder / "lock")
    try:
        forwarding(endpoint)
        assert endpoint.ping() is None
    finally:
        process.stop(endpoint.paths)


def test_a_home_too_deep_for_a_socket_gets_one_elsewhere(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path.parent / "r"))
    home = tmp_path / ("deep" * 30)
    endpoint.paths = find({"BOOT2DOCKER_DIR": str(home)}, tmp_path).vm("vm")
    endpoint.paths.folder.mkdir(parents=True)
    try:
        forwarding(endpoint)
        assert not str(endpoint.paths.docker_socket).startswith(str(home))
        assert endpoint.ping() is None
    finally:
        process.stop(endpoint.paths)


@pytest.mark.parametrize(
    ("platform", "tcp_port", "where"),
    [
        ("linux", 0, ["unix:///h/run/a/docker.sock"]),
        ("darwin", 2375, ["unix:///h/run/a/docker.sock", "tcp://127.0.0.1:2375"]),
        ("win32", 0, ["npipe:////./pipe/boot2docker-a", "npipe:////./pipe/docker_engine"]),
    ],
)
def test_docker_host_has_the_form_of_the_platform(
    platform: str, tcp_port: int, where: list[str]
) -> None:
    paths = VMPaths("a", *map(Path, ("/h/vms/a", "/h/run/a", "/h/vms/a.lock")))
    settings = Settings(paths, Address("127.0.0.1", 22), Path("/key"), 60, tcp_port=tcp_port)
    assert [listener.where for listener in listeners.wanted(settings, platform)] == where
