"""Published UDP ports: the frames, the clients, and datagrams through the helper of the image."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.endpoint.ports.udp import HEADER, frames
from boot2docker_py.endpoint.ports.udp_clients import IDLE_S, MAX_CLIENTS, Client, Clients
from tests.fakes import FakeClock
from tests.unit.endpoint.docker_engine import GUEST, DockerEngine
from tests.unit.endpoint.ports.publishing import VM
from tests.unit.ssh.real_sshd import eventually

SOURCE = Path(__file__).parents[4] / "iso" / "helpers" / "udp-relay.c"


def frame(number: int, data: bytes) -> bytes:
    return HEADER.pack(number, len(data)) + data


class TestFrames:
    WHOLE = frame(1, b"one") + frame(2, b"") + frame(2**32 - 1, b"x" * 65535)

    @pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 9, 1000, 10**6])
    def test_pieces_may_be_cut_anywhere(self, size: int) -> None:
        pieces = iter(self.WHOLE[i : i + size] for i in range(0, len(self.WHOLE), size))
        found = list(frames(lambda: next(pieces, b"")))
        assert found == [(1, b"one"), (2, b""), (2**32 - 1, b"x" * 65535)]

    def test_a_frame_that_is_not_whole_is_none(self) -> None:
        pieces = iter([self.WHOLE[:-1]])
        assert len(list(frames(lambda: next(pieces, b"")))) == 2


class TestClients:
    @pytest.fixture
    def sock(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            yield sock

    def test_client_keeps_its_number(self, sock: socket.socket) -> None:
        clients = Clients(FakeClock().monotonic)
        first, second = Client(sock, ("a", 1)), Client(sock, ("a", 2))
        numbers = [clients.number(client) for client in (first, second, first)]
        assert numbers == [0, 1, 0]
        assert clients.find(1) == second

    def test_idle_clients_are_forgotten(self, sock: socket.socket) -> None:
        clock = FakeClock()
        clients = Clients(clock.monotonic)
        busy, idle = Client(sock, ("a", 1)), Client(sock, ("a", 2))
        clients.number(busy)
        clients.number(idle)
        clock.now_s += IDLE_S - 1
        assert clients.number(busy) == 0
        clock.now_s += 2
        assert clients.number(busy) == 0
        assert clients.find(1) is None
        assert clients.number(idle) == 2

    def test_number_of_clients_has_an_end(self, sock: socket.socket) -> None:
        clients = Clients(FakeClock().monotonic)
        for number in range(3 * MAX_CLIENTS):
            clients.number(Client(sock, ("a", number)))
        known = [n for n in range(3 * MAX_CLIENTS) if clients.find(n) is not None]
        assert len(known) <= MAX_CLIENTS + 1
        assert known[-1] == 3 * MAX_CLIENTS - 1


@pytest.fixture(scope="module")
def helper(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the helper of the image, built for this machine."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    program = tmp_path_factory.mktemp("helper") / "udp-relay"
    subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE], check=True)
    return str(program)


class UDPEcho:
    """A container's server: it sends back what it gets, and after the word "burst" many."""

    def __init__(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        self._sock.bind((address, port))
        self.senders: set[object] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> UDPEcho:
        return self

    def __exit__(self, *_exception: object) -> None:
        end = socket.socket(self._sock.family, socket.SOCK_DGRAM)
        with end:
            end.sendto(b"end", self._sock.getsockname())
            self._thread.join()
        self._sock.close()

    def _serve(self) -> None:
        for data, sender in iter(lambda: self._sock.recvfrom(65535), None):
            if data == b"end":
                return
            self.senders.add(sender)
            self._sock.sendto(data, sender)


@contextlib.contextmanager
def client(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.connect((host, port))
        yield sock


def echoes(sock: socket.socket, data: bytes) -> bool:
    """Send and read one datagram; it may be lost, or the port not be there yet."""
    with contextlib.suppress(OSError):
        sock.send(data)
        return sock.recv(65535) == data
    return False


class TestThroughTheGuest:
    def test_datagrams_go_and_come_back(
        self, vm: VM, docker: DockerEngine, port: int, helper: str
    ) -> None:
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=helper)
        with UDPEcho(GUEST, port), client(port) as sock:
            eventually(lambda: echoes(sock, b"hello"))
            for data in (b"", b"x", os.urandom(1472), os.urandom(9000), os.urandom(60000)):
                eventually(lambda data=data: echoes(sock, data))
        assert f"127.0.0.1:{port}" in vm.ports()["dns"]["listens_at"]
        assert vm.ports()["dns"]["problem"] == ""

    def test_each_client_gets_its_own_answers(
        self, vm: VM, docker: DockerEngine, port: int, helper: str
    ) -> None:
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=helper)
        with UDPEcho(GUEST, port) as echo, contextlib.ExitStack() as stack:
            socks = [stack.enter_context(client(port)) for _number in range(30)]
            eventually(lambda: echoes(socks[0], b"ready"))
            for sock in socks:
                sock.send(b"from %d" % sock.getsockname()[1])
            for sock in socks:
                assert sock.recv(100) == b"from %d" % sock.getsockname()[1]
            assert len(echo.senders) == 30

    def test_udp_port_goes_with_its_container(
        self, vm: VM, docker: DockerEngine, port: int, helper: str
    ) -> None:
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=helper)
        with UDPEcho(GUEST, port), client(port) as sock:
            eventually(lambda: echoes(sock, b"hello"))
            docker.stop("dns")
            eventually(lambda: not is_taken(port))
            assert not echoes(sock, b"hello")

    def test_server_that_was_away_for_a_while_is_reached_again(
        self, vm: VM, docker: DockerEngine, port: int, helper: str
    ) -> None:
        """A datagram without a receiver is lost; the next one is not."""
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=helper)
        eventually(lambda: is_taken(port))
        with client(port) as sock:
            for _datagram in range(10):
                assert not echoes(sock, b"lost")
            with UDPEcho(GUEST, port):
                eventually(lambda: echoes(sock, b"hello"))

    def test_taken_udp_port_is_reported(
        self, vm: VM, docker: DockerEngine, port: int, helper: str
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", port))
            docker.start("dns", port, protocol="udp")
            vm.forward(udp_helper=helper)
            eventually(lambda: vm.ports() and "taken by" in vm.ports()["dns"]["problem"])
            assert f"(process {os.getpid()})" in vm.ports()["dns"]["problem"]
        eventually(lambda: vm.ports()["dns"]["problem"] == "")

    def test_a_helper_that_is_killed_is_started_again(
        self, vm: VM, docker: DockerEngine, port: int, helper: str, tmp_path: Path
    ) -> None:
        once = tmp_path / "helper"
        once.write_text(f'#!/bin/sh\necho $$ >> "{tmp_path}/started"\nexec "{helper}" "$@"\n')
        once.chmod(0o755)
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=str(once))
        with UDPEcho(GUEST, port), client(port) as sock:
            eventually(lambda: echoes(sock, b"hello"))
            first = int((tmp_path / "started").read_text())
            os.kill(first, 9)
            eventually(lambda: len((tmp_path / "started").read_text().split()) == 2)
            eventually(lambda: echoes(sock, b"hello"))

    def test_a_helper_that_does_not_start_is_tried_again(
        self, vm: VM, docker: DockerEngine, port: int, helper: str, tmp_path: Path
    ) -> None:
        at_last = tmp_path / "helper"
        at_last.write_text(f'#!/bin/sh\n[ -e "{tmp_path}/may" ] || exit 3\nexec "{helper}" "$@"\n')
        at_last.chmod(0o755)
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=str(at_last))
        expected = "the UDP helper in the VM does not start: exit status 3"
        eventually(lambda: vm.ports() and vm.ports()["dns"]["problem"] == expected)
        (tmp_path / "may").touch()
        with UDPEcho(GUEST, port), client(port) as sock:
            eventually(lambda: echoes(sock, b"hello"))

    def test_a_helper_that_has_not_answered_ends_with_the_container(
        self, vm: VM, docker: DockerEngine, port: int, tmp_path: Path
    ) -> None:
        """One for each start of a container that ends at once and is started again."""
        silent = tmp_path / "helper"
        silent.write_text(
            f'#!/bin/sh\ntouch "{tmp_path}/started"\ncat > /dev/null\ntouch "{tmp_path}/ended"\n'
        )
        silent.chmod(0o755)
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=str(silent))
        eventually(lambda: (tmp_path / "started").exists())
        docker.stop("dns")
        eventually(lambda: (tmp_path / "ended").exists())

    def test_an_image_without_the_helper_says_so_and_is_not_asked_again(
        self, vm: VM, docker: DockerEngine, port: int, tmp_path: Path
    ) -> None:
        missing = tmp_path / "helper"
        missing.write_text(f'#!/bin/sh\necho x >> "{tmp_path}/tries"\nexec /no/such/program\n')
        missing.chmod(0o755)
        docker.start("dns", port, protocol="udp")
        vm.forward(udp_helper=str(missing))
        expected = (
            "SSH carries no UDP, and the VM's image has no helper for it: "
            "use our image, or the VM's own address"
        )
        eventually(lambda: vm.ports() and vm.ports()["dns"]["problem"] == expected)
        assert not is_taken(port)
        time.sleep(2)
        assert (tmp_path / "tries").read_text() == "x\n"


def is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
