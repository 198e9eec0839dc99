"""Windows' own pipes: many clients, clients that leave, and somebody else's."""

from __future__ import annotations

import collections
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.endpoint import control
from boot2docker_py.host import named_pipe

assert sys.platform == "win32"

LONG_S = 60.0
NAME = named_pipe.PREFIX + "boot2docker-test"

Serve = Callable[[Callable[[named_pipe.Handle], None]], None]


@pytest.fixture
def serve() -> Iterator[Serve]:
    listeners = []

    def begin(on_client: Callable[[named_pipe.Handle], None]) -> None:
        listener = named_pipe.Listener(NAME, on_client)
        listeners.append(listener)
        listener.start()

    yield begin
    for listener in listeners:
        listener.close()
        listener.join(LONG_S)
        assert not listener.is_alive()


def in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)


def test_clients_that_go_at_once_do_not_take_the_name_away(serve: Serve) -> None:
    """Between two instances any program could take the name, and our own client finds no server."""
    serve(lambda handle: handle.close())
    ends: collections.Counter[str] = collections.Counter()
    until = time.monotonic() + 3.0

    def come_and_go() -> None:
        while time.monotonic() < until:
            try:
                named_pipe.connect(NAME, LONG_S).close()
                ends["connected"] += 1
            except OSError as error:
                ends[repr(error)] += 1

    in_threads(3, come_and_go)
    assert list(ends) == ["connected"]


def test_forty_at_once_all_get_their_turn(serve: Serve) -> None:
    def answer(handle: named_pipe.Handle) -> None:
        with named_pipe.Stream(handle, LONG_S) as stream:
            stream.sendall(stream.recv(10))

    serve(answer)
    answers = []

    def ask() -> None:
        with named_pipe.connect(NAME, LONG_S) as stream:
            stream.sendall(b"question")
            answers.append(stream.recv(10))

    in_threads(40, ask)
    assert answers == [b"question"] * 40


def test_nobody_with_time_is_told_in_time(serve: Serve) -> None:
    instance = named_pipe.make_instance(NAME, is_first=True)
    first = named_pipe.connect(NAME, LONG_S)
    try:
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="busy"):
            named_pipe.connect(NAME, 0.5)
        assert time.monotonic() - began >= 0.4
    finally:
        first.close()
        instance.close()


def test_nobody_at_all_is_told_at_once() -> None:
    with pytest.raises(FileNotFoundError):
        named_pipe.connect(NAME + "-of-nobody", LONG_S)


def test_a_forwarder_is_found_by_all_who_ask_at_once(tmp_path: Path) -> None:
    answers = []

    def ask() -> None:
        peer = control.find(tmp_path / "forward.ctl")
        assert peer is not None
        with peer:
            answers.append(peer.ask("status"))

    with control.serving(tmp_path / "forward.ctl", lambda question: {"asked": question}):
        in_threads(16, ask)
    assert answers == [{"asked": "status"}] * 16
    assert control.find(tmp_path / "forward.ctl") is None


def test_silence_is_told_from_the_end_and_loses_nothing(serve: Serve) -> None:
    """Who waits for a console looks up now and then; its guest may have nothing to say."""
    clients: list[named_pipe.Handle] = []
    serve(clients.append)
    with named_pipe.connect(NAME, LONG_S) as stream:
        stream.settimeout(0.05)
        for _time in range(3):
            with pytest.raises(TimeoutError):
                stream.recv(10)
        clients[0].write(b"said")
        stream.settimeout(LONG_S)
        assert stream.recv(10) == b"said"
        clients[0].close()
        assert stream.recv(10) == b""


def test_our_pipe_is_ours(serve: Serve) -> None:
    serve(lambda handle: handle.close())
    with named_pipe.connect(NAME, LONG_S) as stream:
        assert stream.handle.owner_sid() == named_pipe.user_sid()


def test_a_pipe_of_another_user_is_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was first with the name could read and answer what docker asks."""
    serve(lambda handle: handle.close())
    with monkeypatch.context() as other:
        other.setattr(named_pipe, "user_sid", lambda: "S-1-5-21-1-2-3-1001")
        with pytest.raises(PermissionError, match="another user"):
            named_pipe.connect(NAME, LONG_S)
    named_pipe.connect(NAME, LONG_S).close()
