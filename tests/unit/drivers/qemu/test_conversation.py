"""The serial console at a port with TLS: one thread reads it while another one types."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import ssl
import tempfile
import threading
from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.drivers.qemu import tls
from boot2docker_py.guest import serial_console
from tests.unit.drivers.qemu.test_qmp import server_context
from tests.unit.guest.test_serial_console import Keys
from tests.unit.ssh.real_sshd import eventually

LONG_S = 60.0
MEGABYTE = 1024 * 1024

Console = Callable[[ssl.SSLSocket], None]


@contextlib.contextmanager
def listening(console: Console) -> Iterator[tls.Port]:
    """Be a QEMU for one client."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        folder = Path(name) / "tls"
        tls.make_credentials(folder)

        def serve() -> None:
            client, _ = listener.accept()
            client.settimeout(LONG_S)
            context = server_context(folder)
            with contextlib.suppress(OSError), client, context.wrap_socket(
                client, server_side=True
            ) as secured:
                console(secured)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield tls.Port(listener.getsockname()[1], folder)
        thread.join(LONG_S)


def echo(console: ssl.SSLSocket) -> None:
    for typed in iter(lambda: console.recv(65536), b""):
        console.sendall(typed)


def assert_set(event: threading.Event) -> None:
    assert event.wait(LONG_S)


def received(conversation: tls.Conversation, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = conversation.recv(65536)
        assert more
        data += more
    return data


def test_what_is_typed_while_another_thread_reads() -> None:
    typed = os.urandom(500)
    with listening(echo) as port, contextlib.closing(tls.converse(port, LONG_S)) as conversation:
        reader: list[bytes] = []
        thread = threading.Thread(
            target=lambda: reader.append(received(conversation, len(typed))), daemon=True
        )
        thread.start()
        conversation.sendall(typed)
        thread.join(LONG_S)
    assert reader == [typed]


def test_more_than_a_record_is_read_whole() -> None:
    said = os.urandom(MEGABYTE)
    with listening(lambda console: console.sendall(said)) as port, contextlib.closing(
        tls.converse(port, LONG_S)
    ) as conversation:
        assert received(conversation, len(said)) == said
        assert conversation.recv(1) == b""


def test_silence_ends_a_read_in_time() -> None:
    with listening(echo) as port, contextlib.closing(tls.converse(port, LONG_S)) as conversation:
        conversation.settimeout(0.01)
        with pytest.raises(socket.timeout):
            conversation.recv(1)
        conversation.settimeout(LONG_S)
        conversation.sendall(b"x")
        assert conversation.recv(10) == b"x"


def test_a_guest_that_takes_nothing_ends_a_write_in_time() -> None:
    is_over = threading.Event()
    with listening(lambda _console: assert_set(is_over)) as port:
        plain = socket.create_connection((tls.HOST, port.number), LONG_S)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        context = tls.client_context(port.credentials)
        secured = context.wrap_socket(plain, server_hostname=tls.SERVER_NAME)
        with contextlib.closing(tls.Conversation(secured)) as conversation:
            conversation.settimeout(0.01)
            with pytest.raises(socket.timeout):
                conversation.sendall(bytes(16 * MEGABYTE))
        is_over.set()


def test_a_closed_one_says_so() -> None:
    with listening(echo) as port:
        conversation = tls.converse(port, LONG_S)
        conversation.close()
        for use in (lambda: conversation.recv(1), lambda: conversation.sendall(b"x")):
            with pytest.raises(OSError, match="."):
                use()


def test_nobody_there_and_no_certificates(tmp_path: Path) -> None:
    with listening(echo) as port, pytest.raises(OSError, match="."):
        tls.converse(port._replace(credentials=tmp_path), LONG_S)
    with pytest.raises(OSError, match="."):
        tls.converse(port, LONG_S)


def test_it_is_a_console_that_can_be_joined_and_left() -> None:
    with listening(echo) as port, contextlib.closing(tls.converse(port, LONG_S)) as conversation:
        keys, screen = Keys(), io.BytesIO()
        outcomes: list[bool] = []
        thread = threading.Thread(
            target=lambda: outcomes.append(serial_console.pump(conversation, keys, screen)),
            daemon=True,
        )
        thread.start()
        keys.type(b"root\r")
        eventually(lambda: screen.getvalue() == b"root\r")
        keys.type(serial_console.DETACH)
        thread.join(LONG_S)
    assert outcomes == [True]
