"""The client of QMP, against a server that behaves as QEMU does and as it should not."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from boot2docker_py.drivers.qemu import qmp, tls

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
def serving(
    conversation: Conversation, wrap: Callable[[Path], ssl.SSLContext] | None = None
) -> Iterator[tls.Port]:
    """Run a server for one client; with the certificates that QEMU would have, unless it wraps."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with contextlib.suppress(OSError), client:
            secured = (wrap or server_context)(folder).wrap_socket(client, server_side=True)
            with secured, secured.makefile("rw", encoding="utf-8") as stream:
                conversation(stream)

    with tempfile.TemporaryDirectory() as name, listener:
        folder = Path(name) / "tls"
        tls.make_credentials(folder)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield tls.Port(listener.getsockname()[1], folder)
        thread.join()


def server_context(folder: Path) -> ssl.SSLContext:
    """Return what QEMU makes of `tls-creds-x509` with `verify-peer=on`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server-cert.pem", folder / "server-key.pem")
    context.load_verify_locations(folder / "ca-cert.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


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
    with serving(lambda _stream: None) as port:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            nobody = port._replace(number=listener.getsockname()[1])
        with pytest.raises(qmp.NotListeningError), qmp.connect(nobody):
            pass
        with contextlib.suppress(qmp.NotListeningError), qmp.connect(port):
            pass


def of_others(folder: Path) -> ssl.SSLContext:
    """Return the settings of a server with certificates that were made in the same way."""
    with tempfile.TemporaryDirectory() as other:
        tls.make_credentials(Path(other) / "tls")
        return server_context(Path(other) / "tls")


def test_another_program_at_the_port_is_not_our_qemu() -> None:
    """After QEMU's end anybody may have its number; he learns nothing, and we believe nothing."""
    heard: list[object] = []
    with serving(lambda stream: heard.append(hear(stream)), of_others) as port:  # noqa: SIM117
        with pytest.raises(qmp.NotListeningError), qmp.connect(port):
            pass
    assert heard == []


def test_a_client_is_no_server() -> None:
    """Who has stolen what we show to QEMU cannot play QEMU."""

    def as_client(folder: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "client-cert.pem", folder / "client-key.pem")
        return context

    with serving(greet, as_client) as port:  # noqa: SIM117
        with pytest.raises(qmp.NotListeningError), qmp.connect(port):
            pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of files")
def test_keys_are_the_users_alone(tmp_path: Path) -> None:
    tls.make_credentials(tmp_path / "tls")
    tls.make_credentials(tmp_path / "tls")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 5
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "said",
    ["no JSON", "[]", "1", '"x"', "[" * 100_000, "\udcff", '{"QMP"', "x" * (qmp.LINE_BYTES + 99)],
)
def test_what_is_not_qmp_is_told_from_silence(said: str) -> None:
    def conversation(stream: Any) -> None:
        stream.write(said.encode("utf-8", "surrogateescape").decode("latin-1") + "\n")
        stream.flush()
        stream.read()

    with serving(conversation) as port:  # noqa: SIM117
        with pytest.raises(qmp.NoAnswerError), qmp.connect(port):
            pass


@pytest.mark.parametrize("error", [{}, {"desc": None}, None, [], "x", {"class": 1}])
def test_a_refusal_without_words_is_one(error: object) -> None:
    def conversation(stream: Any) -> None:
        hear(stream)
        say(stream, {"error": error})

    with talking(conversation) as monitor, pytest.raises(qmp.RefusedError):
        monitor.execute("cont")


def test_events_without_end_are_silence() -> None:
    def conversation(stream: Any) -> None:
        with contextlib.suppress(OSError):
            while True:
                say(stream, {"event": "RTC_CHANGE"})

    def greeted(stream: Any) -> None:
        greet(stream)
        conversation(stream)

    with serving(greeted) as port:  # noqa: SIM117
        with pytest.raises(qmp.NoAnswerError), qmp.connect(port, timeout_s=0.5) as monitor:
            monitor.execute("query-status")


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
