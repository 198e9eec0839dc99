"""In which order the loop makes calls."""

from __future__ import annotations

import contextlib
import socket
import threading
from functools import partial
from typing import Iterator

import pytest

from boot2docker_py.endpoint.relay.loop import MOST_PUT_OFF, READ, Loop
from boot2docker_py.host import descriptors

LONG_S = 60.0


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    try:
        yield loop
    finally:
        loop.close()


def test_call_that_is_put_off_comes_after_all_else(loop: Loop) -> None:
    made: list[str] = []

    def begin() -> None:
        loop.call_when_idle(lambda: made.append("put off"))
        loop.call_when_idle(loop.stop)
        loop.call_soon(lambda: made.append("second"))
        loop.call_soon(lambda: loop.call_soon(lambda: made.append("third")))

    loop.call_soon(begin)
    loop.run()
    assert made == ["second", "third", "put off"]


def test_client_that_is_ready_comes_before_a_call_that_is_put_off(loop: Loop) -> None:
    made: list[str] = []
    ours, theirs = socket.socketpair()

    def read(_events: int) -> None:
        ours.recv(1)
        made.append("client")

    def begin() -> None:
        theirs.sendall(b"x")
        loop.call_when_idle(lambda: made.append("put off"))
        loop.call_when_idle(loop.stop)

    with ours, theirs:
        loop.watch(ours, READ, read)
        loop.call_soon(begin)
        loop.run()
    assert made == ["client", "put off"]


def test_call_that_is_put_off_is_made_at_once_when_there_is_nothing_else(loop: Loop) -> None:
    done = threading.Event()
    running = threading.Thread(target=loop.run, daemon=True)
    running.start()
    loop.call_soon(lambda: loop.call_when_idle(done.set))
    assert done.wait(LONG_S)
    loop.call_soon(loop.stop)
    running.join(LONG_S)


def test_call_that_is_put_off_is_made_in_the_end_when_there_is_always_something_else(
    loop: Loop,
) -> None:
    put_off = [0] * (MOST_PUT_OFF + 100)
    rounds = 0

    def always() -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 10_000 and sum(put_off) < 100:
            loop.call_soon(always)
        else:
            loop.stop()

    for number in range(len(put_off)):
        loop.call_when_idle(lambda number=number: put_off.__setitem__(number, 1))  # type: ignore[misc]
    loop.call_soon(always)
    loop.run()
    assert sum(put_off) == 100
    assert rounds < 200


def test_socket_that_was_closed_meanwhile_does_not_end_the_loop(loop: Loop) -> None:
    """A defect in one connection must not take docker's others away."""
    made: list[str] = []
    closed, _its_peer = socket.socketpair()
    ours, theirs = socket.socketpair()

    def read(_events: int) -> None:
        ours.recv(1)
        made.append("client")
        loop.stop()

    with ours, theirs, _its_peer:
        loop.watch(closed, READ, lambda _events: None)
        loop.watch(ours, READ, read)
        closed.close()
        loop.call_soon(lambda: None)
        threading.Timer(0.1, lambda: theirs.sendall(b"x")).start()
        loop.run()
    assert made == ["client"]


MANY = 2_000


def test_loop_serves_thousands_of_clients(loop: Loop) -> None:
    """On Windows, Python's own `select` ends at 512 sockets, and the loop ended with it."""
    descriptors.allow_many()
    with contextlib.ExitStack() as stack:
        clients: list[socket.socket] = []
        for _number in range(MANY):
            ours, theirs = socket.socketpair()
            clients.append(stack.enter_context(theirs))
            theirs.settimeout(LONG_S)
            loop.watch(stack.enter_context(ours), READ, partial(_echo, ours))
        running = threading.Thread(target=loop.run, daemon=True)
        running.start()
        for client in clients:
            client.sendall(b"x")
        assert all(client.recv(1) == b"x" for client in clients)
        loop.call_soon(loop.stop)
        running.join(LONG_S)
        assert not running.is_alive()


def _echo(sock: socket.socket, _events: int) -> None:
    sock.sendall(sock.recv(1))
