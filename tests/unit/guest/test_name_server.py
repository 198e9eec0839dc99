"""The image's name server, built for this machine, between clients and servers on loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import pytest

SOURCE = Path(__file__).parents[3] / "iso" / "helpers" / "name-server.c"
ADDRESS = "127.0.0.53"
A, AAAA = 1, 28
OK, SERVFAIL, REFUSED = 0, 2, 5

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is a program of the guest's")


def name_in_message(name: str) -> bytes:
    parts = [part.encode() for part in name.split(".")]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def question(name: str, kind: int = A, number: int = 77) -> bytes:
    head = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0)
    return head + name_in_message(name) + struct.pack(">HH", kind, 1)


def sockets_of_one_port(address: str) -> tuple[socket.socket, socket.socket]:
    while True:
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind((address, 0))
        try:
            return datagrams, socket.create_server(datagrams.getsockname())
        except OSError:  # another program has the TCP port of that number
            datagrams.close()


class Server:
    """A name server that answers each question with itself, a code, and what makes it known."""

    def __init__(self, code: int = OK, mark: bytes = b"", *, is_silent: bool = False) -> None:
        self._code, self._mark, self._is_silent = code, mark, is_silent
        self.asked: list[bytes] = []
        self._datagrams, self._streams = sockets_of_one_port("127.0.0.1")
        self.port = int(self._datagrams.getsockname()[1])
        self._threads = [
            threading.Thread(target=serve, daemon=True)
            for serve in (self._serve_datagrams, self._serve_streams)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exception: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", self._datagrams.getsockname())
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for thread in self._threads:
            thread.join()
        self._datagrams.close()
        self._streams.close()

    def _answer(self, asked: bytes) -> bytes:
        self.asked.append(asked)
        return asked[:2] + bytes([asked[2] | 0x80, self._code]) + asked[4:] + self._mark

    def _serve_datagrams(self) -> None:
        while True:
            asked, client = self._datagrams.recvfrom(65535)
            if asked == b"end":
                return
            answer = self._answer(asked)
            if not self._is_silent:
                self._datagrams.sendto(answer, client)

    def _serve_streams(self) -> None:
        while True:
            client, _ = self._streams.accept()
            with client:
                head = client.recv(2)
                if not head:
                    return
                answer = self._answer(received(client, struct.unpack(">H", head)[0]))
                client.sendall(struct.pack(">H", len(answer)) + answer)


def received(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = stream.recv(size - len(data))
        assert piece, "it hung up"
        data += piece
    return data


class NameServer(NamedTuple):
    """The program under test, and the files that it reads."""

    port: int
    host_file: Path
    own_servers: Path  # of the user
    servers: Path  # of the leases

    def names(self, file: Path, *servers: Server) -> None:
        lines = [f"nameserver 127.0.0.1 port {server.port}\n" for server in servers]
        file.write_text("".join(lines))

    def ask(self, message: bytes) -> bytes:
        """Ask as clients do: again when nothing has come, for a datagram may be lost."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(4)
            client.connect((ADDRESS, self.port))
            for _ in range(10):
                client.send(message)
                with contextlib.suppress(socket.timeout):
                    return client.recv(65535)
        raise AssertionError("it does not answer")

    def ask_in_a_stream(self, *messages: bytes) -> list[bytes]:
        answers = []
        with socket.create_connection((ADDRESS, self.port), timeout=20) as client:
            for message in messages:
                client.sendall(struct.pack(">H", len(message)) + message)
                size = struct.unpack(">H", received(client, 2))[0]
                answers.append(received(client, size))
        return answers


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    made = tmp_path_factory.mktemp("helper") / "name-server"
    checked = ["-fsanitize=undefined", "-fno-sanitize-recover"]
    command = [compiler, "-Wall", "-Wextra", "-Werror", *checked, "-o", str(made), str(SOURCE)]
    subprocess.run(command, check=True)
    return made


@pytest.fixture
def name_server(program: Path, tmp_path: Path) -> Iterator[NameServer]:
    datagrams, streams = sockets_of_one_port(ADDRESS)
    with datagrams, streams:
        port = int(datagrams.getsockname()[1])
    made = NameServer(port, tmp_path / "host", tmp_path / "own", tmp_path / "servers")
    made.host_file.write_text("10.0.2.2\n")
    words = ["--port", str(port), str(made.host_file), ADDRESS, "--"]
    words += [str(made.own_servers), str(made.servers)]
    process = subprocess.Popen([str(program), *words], stderr=subprocess.PIPE)
    try:
        wait_until_it_answers(made)
        yield made
        assert process.poll() is None, "it has ended"
    finally:
        process.kill()
        _, words_at_end = process.communicate()
        assert words_at_end == b""


def wait_until_it_answers(made: NameServer) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((ADDRESS, made.port)):
            return
        threading.Event().wait(0.05)
    raise AssertionError("the name server does not listen")


def address_in(answer: bytes) -> str:
    return socket.inet_ntoa(answer[-4:])


@pytest.mark.parametrize("name", ["host.docker.internal", "Host.DOCKER.internal"])
def test_our_name_is_the_machine_of_the_user(name_server: NameServer, name: str) -> None:
    asked = question(name, number=4711)
    for answer in (name_server.ask(asked), *name_server.ask_in_a_stream(asked, asked)):
        number, flags, questions, answers, *_more = struct.unpack(">HHHHHH", answer[:12])
        assert (number, questions, answers) == (4711, 1, 1)
        assert flags & 0x800F == 0x8000
        assert answer[12:].startswith(asked[12:])
        assert address_in(answer) == "10.0.2.2"


def test_our_name_has_no_other_kind_of_address(name_server: NameServer) -> None:
    """An error would let some clients doubt the IPv4 address, too."""
    answer = name_server.ask(question("host.docker.internal", AAAA))
    flags, _questions, answers = struct.unpack(">HHH", answer[2:8])
    assert (flags & 0x800F, answers) == (0x8000, 0)


def test_other_names_are_asked_of_the_server_byte_for_byte(name_server: NameServer) -> None:
    with Server(mark=b"from the server") as server:
        name_server.names(name_server.servers, server)
        for name in ("example.com", "host.docker.internal.example", "ahost.docker.internal"):
            asked = question(name) + b"whatever else"
            answers = [name_server.ask(asked), *name_server.ask_in_a_stream(asked)]
            assert [answer[12:] for answer in answers] == [asked[12:] + b"from the server"] * 2
            assert server.asked[-2:] == [asked, asked]


def test_long_answers_come_whole_in_a_stream(name_server: NameServer) -> None:
    with Server(mark=b"x" * 60_000) as server:
        name_server.names(name_server.servers, server)
        answer = name_server.ask_in_a_stream(question("example.com"))[0]
        assert len(answer) > 60_000


def test_the_users_servers_come_before_those_of_the_lease(name_server: NameServer) -> None:
    with Server(mark=b"of the lease") as of_lease, Server(mark=b"of the user") as of_user:
        name_server.names(name_server.servers, of_lease)
        assert name_server.ask(question("a")).endswith(b"of the lease")
        name_server.names(name_server.own_servers, of_user)
        assert name_server.ask(question("a")).endswith(b"of the user")
        name_server.own_servers.unlink()
        assert name_server.ask(question("a")).endswith(b"of the lease")


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Server(SERVFAIL),
        lambda: Server(REFUSED),
        lambda: Server(is_silent=True),
    ],
    ids=["that-fails", "that-refuses", "that-is-silent"],
)
def test_a_server_is_followed_by_the_next(
    name_server: NameServer, bad: Callable[[], Server]
) -> None:
    with bad() as first, Server(mark=b"of the second") as second:
        name_server.names(name_server.servers, first, second)
        assert name_server.ask(question("a")).endswith(b"of the second")


def test_a_server_that_is_not_there_is_followed_by_the_next(name_server: NameServer) -> None:
    with Server() as gone:
        pass
    with Server(mark=b"of the second") as second:
        name_server.names(name_server.servers, gone, second)
        answers = [name_server.ask(question("a")), *name_server.ask_in_a_stream(question("a"))]
        assert all(answer.endswith(b"of the second") for answer in answers)


def test_the_last_servers_refusal_is_passed_on(name_server: NameServer) -> None:
    with Server(REFUSED) as only:
        name_server.names(name_server.servers, only)
        assert name_server.ask(question("a"))[3] & 0x0F == REFUSED


def test_without_an_address_our_name_is_a_name_as_others(name_server: NameServer) -> None:
    name_server.host_file.unlink()
    with Server(mark=b"of the server") as server:
        name_server.names(name_server.servers, server)
        assert name_server.ask(question("host.docker.internal")).endswith(b"of the server")


def test_nonsense_and_many_questions_do_not_end_it(name_server: NameServer) -> None:
    pieces = [b"", b"x", b"\0" * 12, b"\xff" * 40, question("host.docker.internal")[:-3]]
    with Server(is_silent=True) as silent:
        name_server.names(name_server.servers, silent)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for piece in pieces:
                client.sendto(piece, (ADDRESS, name_server.port))
            for number in range(2000):
                client.sendto(question("a", number=number), (ADDRESS, name_server.port))
        for piece in pieces:
            with socket.create_connection((ADDRESS, name_server.port)) as stream:
                stream.sendall(struct.pack(">H", len(piece)) + piece)
        assert address_in(name_server.ask(question("host.docker.internal"))) == "10.0.2.2"
