"""The client of QMP, against a server that behaves as QEMU does and as it should not."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from boot2docker_py.drivers.qemu import qmp

Conversation = Callable[[Any], object]


@contextlib.contextmanager
def talking(conversation: Conversation) -> Iterator[qmp.Monitor]:
    """Connect to a server that holds the conversation, after the greeting."""

    def greeted(stream: Any) -> None:
        greet(stream)
        conversation(stream)

    with serving(greeted) as port, qmp.connect(port) as monitor:
        yield monitor


@contextlib.contextmanager
def serving(conversation: Conversation) -> Iterator[int]:
    """Run a server for one client."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, client.makefile("rw", encoding="utf-8") as stream:
            conversation(stream)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield listener.getsockname()[1]
        thread.join()


def say(stream: Any, *messages: object) -> None:
    for message in messages:
        stream.write(json.dumps(message) + "\r\n")
    stream.flush()


def hear(stream: Any) -> Any:
    return json.loads(stream.readline())


def greet(stream: Any) -> None:
    say(stream, {"QMP": {"version": {}, "capabilities": []}})
    assert hear(stream)["execute"] == "qmp_capabilities"
    say(stream, {"return": {}})


def test_events_are_not_taken_for_the_answer() -> None:
    def conversation(stream: Any) -> None:
        question = hear(stream)
        event = {"event": "STOP", "timestamp": {}}
        say(stream, event, event, {"return": question}, event)

    with talking(conversation) as monitor:
        answer = monitor.execute("migrate", uri="fd:state")
    assert answer == {"execute": "migrate", "arguments": {"uri": "fd:state"}}


def test_a_refusal_carries_the_words_of_qemu() -> None:
    def conversation(stream: Any) -> None:
        hear(stream)
        say(stream, {"error": {"class": "GenericError", "desc": "not now"}})

    with talking(conversation) as monitor, pytest.raises(qmp.RefusedError, match="not now"):
        monitor.execute("cont")


def test_an_end_in_mid_conversation_is_told_from_silence() -> None:
    with talking(lambda _stream: None) as monitor, pytest.raises(qmp.NotListeningError):
        monitor.execute("quit")


def test_silence_ends_at_the_deadline() -> None:
    heard = threading.Event()
    with serving(lambda _stream: heard.wait()) as port:
        with pytest.raises(qmp.NoAnswerError), qmp.connect(port, timeout_s=0.1):
            pass
        heard.set()


def test_nobody_behind_a_port_is_told_from_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(qmp.NotListeningError), qmp.connect(port):
        pass


if sys.platform != "win32":  # where Python has Unix sockets

    def test_a_full_queue_is_silence_too(tmp_path: Path) -> None:
        """A QEMU that is stopped has room for two that wait, and the third cannot even connect."""
        path = tmp_path / "s"
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.fspath(path))
            listener.listen(1)
            for client in waiting:
                client.connect(os.fspath(path))
            with pytest.raises(qmp.NoAnswerError), qmp.connect(path, timeout_s=0.1):
                pass
        for client in waiting:
            client.close()

    def test_no_socket_and_a_stale_one_mean_that_nobody_is_there(tmp_path: Path) -> None:
        path = tmp_path / "s"
        with pytest.raises(qmp.NotListeningError), qmp.connect(path):
            pass
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.fspath(path))
        assert path.exists()
        with pytest.raises(qmp.NotListeningError), qmp.connect(path):
            pass
