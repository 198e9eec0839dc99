"""How many sockets a selector takes: none, and more than Python's own on Windows."""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import time
from typing import Iterator, Tuple

import pytest

from boot2docker_py.host.selector import Selector

MANY = 2_200
LONG_S = 60.0

Pair = Tuple[socket.socket, socket.socket]


@pytest.fixture
def selector() -> Iterator[selectors.BaseSelector]:
    with contextlib.closing(Selector()) as selector:
        yield selector


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this process as many descriptors as the forwarder allows itself."""
    if sys.platform == "win32":
        yield
    else:
        import resource

        known = resource.getrlimit(resource.RLIMIT_NOFILE)
        if known[1] != resource.RLIM_INFINITY and known[1] < 3 * MANY:
            pytest.skip(f"this user may have only {known[1]} files open")
        resource.setrlimit(resource.RLIMIT_NOFILE, (3 * MANY, known[1]))
        yield
        resource.setrlimit(resource.RLIMIT_NOFILE, known)


@pytest.fixture
def pairs(many_files: None) -> Iterator[list[Pair]]:
    with contextlib.ExitStack() as stack:
        found = []
        for _number in range(MANY):
            ours, theirs = socket.socketpair()
            found.append((stack.enter_context(ours), stack.enter_context(theirs)))
        yield found


def test_no_socket_at_all_is_waited_for(selector: selectors.BaseSelector) -> None:
    began = time.monotonic()
    assert selector.select(0.2) == []
    assert time.monotonic() - began > 0.1
    assert selector.select(0) == []


def test_a_socket_that_is_watched_for_nothing_any_more_is_no_socket(
    selector: selectors.BaseSelector,
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        selector.register(ours, selectors.EVENT_READ)
        selector.unregister(ours)
        assert selector.select(0.01) == []


def test_thousands_of_sockets_are_told_apart(
    selector: selectors.BaseSelector, pairs: list[Pair]
) -> None:
    for number, (ours, _theirs) in enumerate(pairs):
        selector.register(ours, selectors.EVENT_READ, number)
    assert selector.select(0) == []
    wanted = {0, 511, 512, 1024, MANY - 1}
    for number in wanted:
        pairs[number][1].send(b"x")
    found: set[int] = set()
    while found != wanted:
        ready = selector.select(LONG_S)
        assert ready
        found |= {key.data for key, events in ready if events == selectors.EVENT_READ}
    for number in wanted:
        selector.unregister(pairs[number][0])
    assert selector.select(0) == []


def test_both_events_of_a_socket_come_together(selector: selectors.BaseSelector) -> None:
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    ours, theirs = socket.socketpair()
    with ours, theirs:
        selector.register(ours, both, "data")
        assert [(key.data, events) for key, events in selector.select(LONG_S)] == [
            ("data", selectors.EVENT_WRITE)
        ]
        theirs.send(b"x")
        while [events for _key, events in selector.select(LONG_S)] != [both]:
            pass
        selector.modify(ours, selectors.EVENT_READ, "other")
        assert [(key.data, events) for key, events in selector.select(LONG_S)] == [
            ("other", selectors.EVENT_READ)
        ]


def test_a_refused_connection_is_told(selector: selectors.BaseSelector) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with socket.socket() as client:
            client.settimeout(0)
            client.connect_ex(taken.getsockname())
            selector.register(client, selectors.EVENT_WRITE)
            assert selector.select(LONG_S)
            assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


def test_without_a_limit_it_waits_until_something_comes(selector: selectors.BaseSelector) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        selector.register(ours, selectors.EVENT_READ)
        theirs.send(b"x")
        assert len(selector.select()) == 1
