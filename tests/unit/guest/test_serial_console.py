"""The serial console on our own streams: what is typed, what is said, and how it is left."""

from __future__ import annotations

import io
import queue
import socket
import threading

from boot2docker_py.guest.serial_console import DETACH, pump
from tests.unit.ssh.real_sshd import eventually

LONG_S = 60.0


class Keys:
    """A keyboard that is typed on piece by piece."""

    def __init__(self) -> None:
        self._typed: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def type(self, keys: bytes) -> None:
        self._typed.put(keys)

    def read(self, _limit: int) -> bytes:
        return self._typed.get()


class Joined:
    """A console that is joined, in a thread; `guest` is the other end of it."""

    def __init__(self) -> None:
        ours, self.guest = socket.socketpair()
        self.guest.settimeout(LONG_S)
        self.keys, self.screen = Keys(), io.BytesIO()
        self.outcomes: list[bool] = []
        self._ours = ours
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._ours:
            self.outcomes.append(pump(self._ours, self.keys, self.screen))

    def outcome(self) -> bool:
        self._thread.join(LONG_S)
        assert not self._thread.is_alive()
        self.guest.close()
        return self.outcomes[0]


def test_what_is_typed_reaches_the_guest_and_what_it_says_the_screen() -> None:
    joined = Joined()
    joined.keys.type(b"root\r")
    received = b""
    while len(received) < 5:
        received += joined.guest.recv(100)
    assert received == b"root\r"
    joined.guest.sendall(b"login: \xff")
    eventually(lambda: joined.screen.getvalue() == b"login: \xff")
    joined.keys.type(b"\x03\x04")  # Ctrl-C and Ctrl-D are the guest's
    assert joined.guest.recv(1) == b"\x03"
    assert joined.guest.recv(1) == b"\x04"
    joined.keys.type(DETACH)
    assert joined.outcome() is True


def test_what_was_typed_before_the_key_is_sent_and_nothing_after_it() -> None:
    joined = Joined()
    joined.keys.type(b"a" + DETACH + b"b")
    assert joined.outcome() is True


def test_the_end_of_the_input_detaches() -> None:
    joined = Joined()
    joined.keys.type(b"")
    assert joined.outcome() is True


def test_the_end_of_the_vm_ends_it() -> None:
    joined = Joined()
    joined.guest.shutdown(socket.SHUT_RDWR)
    assert joined.outcome() is False
    joined.keys.type(b"")


def test_a_guest_that_takes_nothing_can_be_left() -> None:
    joined = Joined()
    joined.keys.type(b"x" * 4_000_000)
    eventually(lambda: joined.guest.recv(1, socket.MSG_PEEK) == b"x")
    joined.guest.shutdown(socket.SHUT_RDWR)
    assert joined.outcome() is False
