"""A closed descriptor soon belongs to another file: no call may still use its number."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Callable, Iterator, Union

import pytest

from boot2docker_py.ssh.over_paramiko.buffered_socket import BufferedSocket
from boot2docker_py.ssh.over_paramiko.plain import ReadAheadSocket
from tests.unit.ssh.real_sshd import eventually

LONG_S = 60.0
SHORT_S = 0.3


class HeldUpSocket(socket.socket):
    """A socket whose first call of each kind takes until `go_on`."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(fileno=sock.detach())
        self.is_held_up = threading.Event()
        self.go_on = threading.Event()

    def shutdown(self, how: int) -> None:
        self._hold_up()
        super().shutdown(how)

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        self._hold_up()
        return super().send(data, flags)

    def recv_into(self, memory: bytearray, *arguments: int) -> int:  # type: ignore[override]
        self._hold_up()
        return super().recv_into(memory, *arguments)

    def recv(self, limit: int, flags: int = 0) -> bytes:
        self._hold_up()
        return super().recv(limit, flags)

    def _hold_up(self) -> None:
        if not self.is_held_up.is_set():
            self.is_held_up.set()
            assert self.go_on.wait(LONG_S)


@pytest.fixture
def held_up() -> Iterator[HeldUpSocket]:
    ours, theirs = socket.socketpair()
    with theirs, HeldUpSocket(ours) as sock:
        theirs.sendall(b"x")
        yield sock


Either = Union[BufferedSocket, ReadAheadSocket]

SOCKETS: dict[str, Callable[[socket.socket], Either]] = {
    "of the fast way": BufferedSocket,
    "of the slow way": lambda sock: ReadAheadSocket(sock, b""),
}
CALLS: dict[str, Callable[[Either], object]] = {
    "close": lambda sock: sock.close(),
    "recv": lambda sock: sock.recv(1),
    "send": lambda sock: sock.send(b"x"),
}


@pytest.mark.parametrize("kind", SOCKETS)
@pytest.mark.parametrize("name", CALLS)
def test_the_descriptor_is_not_closed_under_a_call(
    held_up: HeldUpSocket, name: str, kind: str
) -> None:
    sock = SOCKETS[kind](held_up)

    def call() -> None:
        with contextlib.suppress(OSError):  # the other end hears of the close first
            CALLS[name](sock)

    calling = threading.Thread(target=call, daemon=True)
    calling.start()
    assert held_up.is_held_up.wait(LONG_S)
    closing = threading.Thread(target=sock.close, daemon=True)
    closing.start()
    closing.join(SHORT_S)
    assert held_up.fileno() >= 0
    held_up.go_on.set()
    calling.join(LONG_S)
    closing.join(LONG_S)
    assert held_up.fileno() == -1


WAITS: dict[str, Callable[[BufferedSocket], object]] = {
    "for bytes": lambda buffered: buffered.recv(1),
    "for room": lambda buffered: buffered.send_all(b"x" * 10_000_000),
}


@pytest.mark.parametrize("name", WAITS)
def test_the_descriptor_is_not_closed_under_a_wait(name: str) -> None:
    is_waiting, go_on = threading.Event(), threading.Event()

    def wait(_timeout_s: float) -> bool:
        is_waiting.set()
        assert go_on.wait(LONG_S)
        return True

    def call() -> None:
        with contextlib.suppress(OSError):  # it was closed meanwhile
            WAITS[name](buffered)

    ours, theirs = socket.socketpair()
    with theirs:
        buffered = BufferedSocket(ours, waiter=lambda _sock, _event: wait)
        waiting = threading.Thread(target=call, daemon=True)
        waiting.start()
        assert is_waiting.wait(LONG_S)
        closing = threading.Thread(target=buffered.close, daemon=True)
        closing.start()
        closing.join(SHORT_S)
        assert ours.fileno() >= 0
        go_on.set()
        waiting.join(LONG_S)
        closing.join(LONG_S)
    assert ours.fileno() == -1


def test_who_waits_for_bytes_is_woken_by_the_close() -> None:
    ours, theirs = socket.socketpair()
    received: list[bytes] = []
    with theirs:
        buffered = BufferedSocket(ours)
        reading = threading.Thread(target=lambda: received.append(buffered.recv(1)), daemon=True)
        reading.start()
        reading.join(SHORT_S)
        ours.shutdown(socket.SHUT_RDWR)
        reading.join(LONG_S)
        buffered.close()
        buffered.close()
    assert received == [b""]


def test_a_full_socket_has_no_room() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        buffered = BufferedSocket(ours)
        assert buffered.has_room()
        with contextlib.suppress(BlockingIOError):
            while ours.send(bytes(65536)):
                pass
        assert not buffered.has_room()
        buffered.close()


def test_room_is_asked_for_while_another_waits_to_write() -> None:
    """Python's poll is for one thread at a time: the one that reads would have died of it."""
    ours, theirs = socket.socketpair()
    with theirs:
        buffered = BufferedSocket(ours)
        while buffered.has_room():
            buffered.send(b"x" * 65536)
        writer = threading.Thread(target=buffered.send_all, args=(b"x" * 1_000_000,), daemon=True)
        writer.start()
        for _question in range(1000):
            buffered.has_room()
        # A pair by TCP, as on Windows, takes a little more whenever its system has moved some.
        eventually(lambda: not buffered.has_room())
        reader = threading.Thread(
            target=lambda: [*iter(lambda: theirs.recv(1 << 20), b"")], daemon=True
        )
        reader.start()
        writer.join()
        buffered.close()
        reader.join()


@pytest.mark.parametrize("already_read", [b"", b"abc"])
def test_more_is_read_behind_what_was_not_taken(already_read: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        buffered = BufferedSocket(ours, already_read)
        expected = already_read
        for piece in (b"def", b"ghi", b"jkl"):
            theirs.sendall(piece)
            buffered.read_more()
            expected += piece
            assert bytes(buffered.unread) == expected
            assert bytes(buffered.take(2)) == expected[:2]
            expected = expected[2:]
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            buffered.read_more()
        assert bytes(buffered.unread) == expected
        assert buffered.recv(1000) == expected
        assert buffered.recv(1000) == b""
        buffered.close()


def test_all_is_sent_to_a_slow_reader() -> None:
    ours, theirs = socket.socketpair()
    data = bytes(range(256)) * 20_000
    received = bytearray()

    def read() -> None:
        while len(received) < len(data):
            received.extend(theirs.recv(5000))

    with theirs:
        buffered = BufferedSocket(ours)
        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        buffered.send_all(data[:3_000_000])
        with buffered.gathering():
            buffered.send_all(data[3_000_000:4_000_000])
            buffered.send(data[4_000_000:])
        reading.join(LONG_S)
        buffered.close()
    assert bytes(received) == data
