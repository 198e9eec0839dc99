"""Who is let in at a TCP port: docker's clients, and no browser."""

from __future__ import annotations

import json
import logging
import socket
import sys
from typing import Iterator

import pytest

from boot2docker_py.endpoint.relay.client import SocketClient
from boot2docker_py.endpoint.relay.first_request import LIMIT_BYTES
from boot2docker_py.endpoint.relay.gatekeeper import Gatekeeper, why_not
from boot2docker_py.endpoint.relay.loop import Loop
from tests.unit.endpoint.client_side import Endpoint, forwarding
from tests.unit.free_ports import free_port


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST /volumes/prune HTTP/1.1", *lines]).encode("latin-1")


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: 127.0.0.1:2375", "User-Agent: Docker-Client/29.0.1 (linux)"],
        ["Host: localhost:2375"],
        ["host:LOCALHOST"],
        ["Host: [::1]:2375"],
        ["Host: 127.1.2.3"],
        ["Host: docker"],
        ["Host: api.moby.localhost", "Content-Type: application/json"],
    ],
)
def test_docker_clients_come_in(lines: list[str]) -> None:
    assert why_not(head(*lines)) == ""


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: 127.0.0.1:2375", "Origin: http://evil.example"],
        ["Host: 127.0.0.1:2375", "ORIGIN : null"],
        ["Host: 127.0.0.1:2375", "Referer: http://evil.example/"],
        ["Host: 127.0.0.1:2375", "Sec-Fetch-Site: cross-site"],
        ["Host: evil.example:2375"],
        ["Host: 127.0.0.1.evil.example"],
        ["Host: localhost.evil.example"],
        ["Host: 10.0.2.2:2375"],
        ["Host: 127.0.0.1", "Host: evil.example"],
        ["Host:"],
        [],
    ],
)
def test_browsers_do_not_come_in(lines: list[str]) -> None:
    assert why_not(head(*lines))


class TestTime:
    @pytest.fixture
    def loop(self) -> Iterator[Loop]:
        loop = Loop()
        try:
            yield loop
        finally:
            loop.close()

    def test_a_silent_client_is_hung_up_on_and_the_log_says_so(
        self, loop: Loop, caplog: pytest.LogCaptureFixture
    ) -> None:
        ours, theirs = socket.socketpair()
        client = SocketClient(ours, loop.stop)
        with ours, theirs, caplog.at_level(logging.INFO):
            Gatekeeper(loop, client, lambda _client: pytest.fail("let in"), within_s=0.0)
            loop.run()
            assert theirs.recv(1) == b""
        assert "hung up on a client at the TCP port: it asked nothing within 0 s" in caplog.text

    def test_what_was_asked_in_time_is_read_however_late(self, loop: Loop) -> None:
        came_in = []

        def let_in(client: SocketClient) -> None:
            came_in.append(client)
            loop.stop()

        ours, theirs = socket.socketpair()
        client = SocketClient(ours, lambda: pytest.fail("hung up on"))
        with ours, theirs:
            theirs.sendall(head("Host: docker", "", ""))
            Gatekeeper(loop, client, let_in, within_s=0.0)
            loop.run()
        assert came_in == [client]


if sys.platform != "win32":  # the forwarder of these tests is one of POSIX

    @pytest.fixture
    def port(endpoint: Endpoint) -> int:
        endpoint.tcp_port = free_port()
        forwarding(endpoint)
        return endpoint.tcp_port

    def said(port: int, *pieces: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            return b"".join(iter(lambda: client.recv(65536), b""))

    PING = b"GET /_ping HTTP/1.0\r\n"

    def test_a_web_page_hears_why_and_the_engine_hears_nothing(port: int) -> None:
        evil = said(port, PING + b"Host: 127.0.0.1\r\nOrigin: http://evil.example\r\n\r\n")
        assert evil.startswith(b"HTTP/1.1 403 ")
        message = json.loads(evil.partition(b"\r\n\r\n")[2])["message"]
        assert message == "the engine is not for web pages"
        assert b"OK" not in evil

    def test_a_request_in_pieces_comes_in_whole(port: int) -> None:
        pieces = [PING, b"Host: 127", b".0.0.1\r\nX: " + b"x" * 40_000, b"\r\n", b"\r\n"]
        assert b"200 OK" in said(port, *pieces)

    def test_client_that_says_too_much_is_hung_up_on(port: int) -> None:
        try:
            heard = said(port, PING, *[b"X: y\r\n" * 2000] * (LIMIT_BYTES // 6000))
        except OSError:
            heard = b""
        assert heard == b""
