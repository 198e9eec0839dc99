"""SSH by paramiko's own packets and channels, with the real sshd; streams are in test_relay.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import paramiko
import pytest

from boot2docker_py.errors import GuestError
from boot2docker_py.ssh import exchange, keys
from boot2docker_py.ssh.connection import Connection, connect
from boot2docker_py.ssh.over_paramiko.packets import GuestPacketizer
from boot2docker_py.ssh.over_paramiko.plain import PlainTransport
from boot2docker_py.wait import Deadline
from tests.unit.endpoint.engine import Engine
from tests.unit.guest_side import path_there
from tests.unit.ssh.fake_guest import FakeGuest
from tests.unit.ssh.real_sshd import LONG_S, Cable, Sshd, eventually


@pytest.fixture
def plain(sshd: Sshd) -> Iterator[Connection]:
    with sshd.connect(is_plain=True) as connection:
        yield connection


@pytest.fixture
def cable(sshd: Sshd) -> Iterator[Cable]:
    with Cable(sshd.address) as cable:
        yield cable


def test_plain_connection_has_none_of_our_packets(plain: Connection) -> None:
    transport = plain.transport
    assert isinstance(transport, PlainTransport)
    assert not isinstance(transport.packetizer, GuestPacketizer)


def test_command_gets_its_input_and_gives_all_its_output(plain: Connection) -> None:
    data = os.urandom(3_000_000)
    result = plain.run("cat; echo oops >&2; exit 3", stdin=data, timeout_s=LONG_S)
    assert (result.status, result.stdout == data, result.stderr) == (3, True, b"oops\n")


def test_command_that_a_signal_killed_has_the_status_of_openssh(plain: Connection) -> None:
    assert plain.run("kill -9 $$", timeout_s=LONG_S).status == 255


def test_socket_of_the_guest_is_reached_and_one_that_nobody_has_is_refused(
    plain: Connection, tmp_path: Path
) -> None:
    with Engine(tmp_path / "socket") as engine:
        with plain.open_unix_socket(engine.there) as channel:
            channel.settimeout(LONG_S)
            channel.sendall(b"echo\nx")
            assert channel.recv(1) == b"x"
        with pytest.raises(GuestError) as caught:
            plain.open_unix_socket(path_there(tmp_path / "nobody"))
    assert "Connect failed" in caught.value.details
    eventually(lambda: plain.open_channels() == 0)


def test_session_that_opens_too_late_is_closed(tmp_path: Path) -> None:
    """The server of a guest allows ten at a time, and the connection lives for weeks."""
    keys.ensure_key_pair(tmp_path / "id")
    with FakeGuest() as guest, connect(
        guest.address,
        user="docker",
        key=tmp_path / "id",
        known_hosts=tmp_path / "known_hosts",
        host_name="vm",
        deadline=Deadline(LONG_S),
        is_plain=True,
    ) as connection:
        guest.opens_after_s = 0.5
        assert not opens_within(0.05, connection)
        eventually(lambda: len(guest.sessions) == 1)
        eventually(lambda: guest.sessions[0].closed)
        guest.opens_after_s = 0
        with connection.open_session() as session:
            assert not session.closed


def opens_within(timeout_s: float, connection: Connection) -> bool:
    """Try it; nothing keeps the exception, which holds paramiko's channel, as `raises` does."""
    try:
        connection.transport.open_command(timeout_s)
    except paramiko.SSHException:
        return False
    return True


def test_lost_connection_is_noticed(sshd: Sshd, cable: Cable) -> None:
    with sshd.connect(cable.address, is_plain=True) as connection:
        cable.cut()
        assert connection.wait_until_lost()
        assert not connection.is_alive()


def test_server_that_answers_keeps_the_connection(plain: Connection) -> None:
    assert all(plain.transport.answers_within(LONG_S) for _question in range(3))


@pytest.mark.parametrize("is_plain", [False, True])
def test_exchange_finds_nothing_wrong_with_a_good_way(sshd: Sshd, *, is_plain: bool) -> None:
    with sshd.connect(is_plain=is_plain) as connection:
        assert exchange.problem_of(connection, Deadline(LONG_S)) == ""
        eventually(lambda: connection.open_channels() == 0)


def test_exchange_finds_bytes_that_are_changed_on_their_way(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a paramiko would do in which our packets do not fit any more."""
    with sshd.connect() as connection:
        seal = GuestPacketizer._seal  # noqa: SLF001 - no other place sees a whole packet

        def change(packetizer: GuestPacketizer, message: bytes, cipher: object) -> bytes:
            is_data = message[0] == 94  # RFC 4250, section 4.1.2: SSH_MSG_CHANNEL_DATA
            changed = bytes(message[:-1]) + b"?" if is_data else message
            return seal(packetizer, changed, cipher)  # type: ignore[arg-type]

        monkeypatch.setattr(GuestPacketizer, "_seal", change)
        problem = exchange.problem_of(connection, Deadline(LONG_S))
    assert problem == f"other bytes came back than the {exchange.SENT_BYTES} that were sent"


@pytest.mark.parametrize("is_plain", [False, True])
def test_exchange_over_a_connection_that_is_lost_says_so(
    sshd: Sshd, cable: Cable, *, is_plain: bool
) -> None:
    with sshd.connect(cable.address, is_plain=is_plain) as connection:
        cable.go_dead()
        assert exchange.problem_of(connection, Deadline(0.5)) != ""
