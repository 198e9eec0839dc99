"""QEMU's monitor and console at ports, as on Windows: with TLS, and those whom it must not hear.

The VM boots a few instructions. Here a parameter chooses what on Windows there is no choice of.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.qemu import qmp, tls
from boot2docker_py.drivers.qemu.driver import QEMUDriver
from boot2docker_py.drivers.qemu.files import Files, read_settings
from boot2docker_py.paths import Paths, VMPaths
from boot2docker_py.wait import Deadline
from tests.fakes import a_spec
from tests.unit.ssh.real_sshd import eventually

# It says again what the serial port hears: in al, dx of its line status and of its data.
ECHO = bytes.fromhex("ba fd 03 ec a8 01 74 fb ba f8 03 ec ee eb f1").ljust(510, b"\0") + b"\x55\xaa"

WITHIN_S = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Jörg, file=x;ö 100%"
    folder.mkdir()
    return folder


@pytest.fixture
def paths(folder: Path) -> VMPaths:
    return Paths(home=folder, user_home=folder).vm("my vm, on=off")


@pytest.fixture
def running(folder: Path, paths: VMPaths) -> Iterator[QEMUDriver]:
    iso = folder / "blank.iso"
    iso.write_bytes(bytes(1 << 20))
    spec: VMSpec = a_spec(iso)._replace(console_log=paths.console_log, seed=ECHO)
    driver = QEMUDriver(paths, 5.0, uses_port=True)
    driver.create(spec)
    driver.start()
    yield driver
    driver.delete()
    assert not paths.folder.exists()


@pytest.fixture
def port(running: QEMUDriver, paths: VMPaths) -> tls.Port:
    files = Files(paths.folder)
    settings = read_settings(files.settings)
    return tls.Port(settings.qmp_port, files.credentials, tuple(settings.qmp_spares))


def test_a_whole_life(running: QEMUDriver, paths: VMPaths) -> None:
    old = (Files(paths.folder).credentials / "ca-cert.pem").read_bytes()
    assert running.state() is State.RUNNING
    assert not paths.qmp_socket.exists()
    running.shutdown()
    running.power_off()
    assert running.state() is State.OFF
    running.start()
    assert running.state() is State.RUNNING
    assert (Files(paths.folder).credentials / "ca-cert.pem").read_bytes() != old


def type_until_heard(console: Any, letter: bytes) -> bytes:
    """Type a letter again and again: what comes before the guest listens is lost."""
    deadline = Deadline(WITHIN_S)
    while not deadline.has_passed():
        console.settimeout(0.2)
        console.sendall(letter)
        with contextlib.suppress(socket.timeout):
            heard = bytes(console.recv(1))
            console.settimeout(WITHIN_S)
            return heard
    raise AssertionError("nothing was heard")


def test_the_console_is_joined_left_and_joined_again(running: QEMUDriver, paths: VMPaths) -> None:
    for letter in (b"a", b"b"):
        with contextlib.closing(running.open_console(WITHIN_S)) as console:
            heard = type_until_heard(console, letter)
            while heard != letter:  # what was typed more than once
                heard = console.recv(1)
    eventually(lambda: set(paths.console_log.read_bytes()) == set(b"ab"))
    running.power_off()
    with pytest.raises(OSError, match="."):
        running.open_console(WITHIN_S)


def test_others_are_not_heard_at_the_console(
    running: QEMUDriver, port: tls.Port, paths: VMPaths
) -> None:
    settings = read_settings(Files(paths.folder).settings)
    console = port._replace(number=settings.console_port)
    for attack in (say_plainly, as_a_web_page, without_a_certificate, with_a_certificate_of_others):
        assert b"evil" not in attack(console, b"evil")
    with contextlib.closing(running.open_console(WITHIN_S)) as joined:
        type_until_heard(joined, b"a")
    eventually(lambda: set(paths.console_log.read_bytes()) == set(b"a"))


def orders(victim: Path) -> bytes:
    """Return what makes QEMU write a file: the proof that somebody is heard."""
    file = {"type": "file", "data": {"out": str(victim)}}
    backend = {"id": "evil", "backend": file}
    return b"".join(
        json.dumps(order).encode() + b"\n"
        for order in (
            {"execute": "qmp_capabilities"},
            {"execute": "chardev-add", "arguments": backend},
        )
    )


def say_plainly(port: tls.Port, words: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port.number), timeout=5) as connection:
        connection.sendall(words)
        return hear(connection)


def hear(connection: socket.socket) -> bytes:
    heard = b""
    with contextlib.suppress(OSError):
        for data in iter(lambda: connection.recv(65536), b""):
            heard += data
    return heard


def as_a_web_page(port: tls.Port, words: bytes) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(words)}\r\n\r\n".encode()
    return say_plainly(port, head + words)


def with_tls(context: ssl.SSLContext, port: tls.Port, words: bytes) -> bytes:
    context.sslsocket_class = tls.ByteByByte
    with socket.create_connection(("127.0.0.1", port.number), timeout=5) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=tls.SERVER_NAME) as connection:
                connection.sendall(words)
                return hear(connection)
        except OSError:
            return b""


def without_a_certificate(port: tls.Port, words: bytes) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(port.credentials / "ca-cert.pem")
    return with_tls(context, port, words)


def with_a_certificate_of_others(port: tls.Port, words: bytes) -> bytes:
    others = port.credentials.parent / "others"
    tls.make_credentials(others)
    context = tls.client_context(others)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    said = with_tls(context, port, words)
    for file in others.iterdir():
        file.unlink()
    others.rmdir()
    return said


Attack = Callable[[tls.Port, bytes], bytes]


@pytest.mark.parametrize(
    "attack",
    [
        say_plainly,
        as_a_web_page,
        without_a_certificate,
        with_a_certificate_of_others,
    ],
)
def test_others_are_not_heard(
    running: QEMUDriver, port: tls.Port, tmp_path: Path, attack: Attack
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    assert b"QMP" not in attack(port, orders(victim))
    assert running.state() is State.RUNNING, "and we still are"
    assert victim.read_text() == "precious"


def test_what_is_tried_there_would_work(port: tls.Port, tmp_path: Path) -> None:
    """Else the tests above would say nothing."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    with qmp.connect(port) as monitor:
        backend = {"type": "file", "data": {"out": str(victim)}}
        monitor.execute("chardev-add", id="evil", backend=backend)
    assert victim.read_text() == ""
    victim.write_text("precious")
    with_tls(tls.client_context(port.credentials), port, orders(victim).replace(b"evil", b"more"))
    assert victim.read_text() == ""


@contextlib.contextmanager
def strangers_at(numbers: Sequence[int]) -> Iterator[None]:
    """Connect to ports and say nothing."""
    with contextlib.ExitStack() as connected:
        for number in numbers:
            connected.enter_context(socket.create_connection(("127.0.0.1", number), timeout=5))
        yield


def test_a_stranger_who_stays_does_not_keep_us_out(running: QEMUDriver, port: tls.Port) -> None:
    with strangers_at(port.numbers[:-1]):
        assert running.state() is State.RUNNING
        running.power_off()
    assert running.state() is State.OFF


def test_strangers_at_all_ports_do_not_keep_the_power_on(
    running: QEMUDriver, port: tls.Port
) -> None:
    """The kill is asked for by its number, which the lock knows here; on Windows, the port."""
    with strangers_at(port.numbers):
        assert running.state() is State.BROKEN
        assert "does not answer" in running.problem()
        running.power_off()
    assert running.state() is State.OFF
    running.start()
    assert running.state() is State.RUNNING
