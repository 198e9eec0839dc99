"""Packets under AES-GCM, against paramiko's own way of sealing and opening them."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any, Iterator

import paramiko
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from paramiko.packet import NeedRekeyException, Packetizer

from boot2docker_py.ssh.over_paramiko.buffered_socket import READ_BYTES, BufferedSocket
from boot2docker_py.ssh.over_paramiko.packets import BulkMessage, GuestPacketizer
from boot2docker_py.ssh.over_paramiko.stream_channel import RawMessage
from tests.unit.ssh.real_sshd import Sshd, needs_sshd

LONG_S = 60.0
IGNORE, DATA = 2, 94
KEY = os.urandom(16)
NONCES = [os.urandom(4) + count.to_bytes(8, "big") for count in (0, 2**32 - 3)]


def values() -> dict[str, Any]:
    """Return what paramiko's Transport says of AES-GCM."""
    of_macs = {"mac_engine": None, "mac_size": 16, "mac_key": None}
    return {"block_engine": AESGCM(KEY), "block_size": 16, "aead": True, **of_macs}


def ends(nonce: bytes) -> tuple[GuestPacketizer, Packetizer, socket.socket]:
    """Return ours and paramiko's, which talk to each other, and the latter's socket."""
    one, other = socket.socketpair()
    ours, theirs = GuestPacketizer(BufferedSocket(one)), Packetizer(other)
    for packetizer in (ours, theirs):
        packetizer.set_inbound_cipher(**values(), iv_in=nonce)
        packetizer.set_outbound_cipher(**values(), iv_out=nonce)
    return ours, theirs, other


@pytest.fixture(params=NONCES, ids=["from 0", "over 2**32"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[GuestPacketizer, Packetizer]]:
    ours, theirs, _sock = ends(request.param)
    try:
        yield ours, theirs
    finally:
        ours.close()
        theirs.close()


def message(kind: int, length: int) -> paramiko.Message:
    made = paramiko.Message()
    made.add_byte(bytes([kind]))
    made.add_int(7)
    made.add_string(os.urandom(length))
    return made


SIZES = [*range(34), 255, 256, 257, 32 * 1024]


@pytest.mark.parametrize("kind", [IGNORE, DATA])
def test_we_open_what_paramiko_seals(pair: tuple[GuestPacketizer, Packetizer], kind: int) -> None:
    ours, theirs = pair
    for number, length in enumerate(SIZES):
        sent = message(kind, length)
        theirs.send_message(sent)
        got_kind, got = ours.read_message()
        assert (got_kind, got.seqno) == (kind, number)
        assert got.get_int() == 7
        content = sent.asbytes()[9:]
        if isinstance(got, BulkMessage):
            assert bytes(got.data()) == content
        assert got.get_binary() == content


def test_paramiko_opens_what_we_seal(pair: tuple[GuestPacketizer, Packetizer]) -> None:
    ours, theirs = pair
    for length in SIZES:
        sent = message(DATA, length).asbytes()
        ours.send_message(RawMessage(sent))
        kind, got = theirs.read_message()
        assert bytes([kind]) + got.asbytes() == sent


def test_the_count_in_the_nonce_wraps_round() -> None:
    """There paramiko's own gives up."""
    last = os.urandom(4) + b"\xff" * 8
    ours, _theirs, wire = ends(last)
    for _time in range(2):
        ours.send_message(message(IGNORE, 10))
    sealed = wire.recv(1000)
    first, second = sealed[: len(sealed) // 2], sealed[len(sealed) // 2 :]
    AESGCM(KEY).decrypt(last, first[4:], first[:4])
    AESGCM(KEY).decrypt(last[:4] + bytes(8), second[4:], second[:4])
    wire.sendall(sealed)
    for _time in range(2):
        assert ours.read_message()[0] == IGNORE
    ours.close()
    wire.close()


def test_the_padding_is_random() -> None:
    ours, _theirs, wire = ends(NONCES[0])
    seen = set()
    for _time in range(3):
        ours.set_outbound_cipher(**values(), iv_out=NONCES[0])
        ours.send_message(RawMessage(b"\x02the same under the same nonce"))
        seen.add(wire.recv(1000))
    assert len(seen) == 3
    ours.close()
    wire.close()


class Recorder:
    """A socket that is only written to."""

    def __init__(self) -> None:
        self.data = b""

    def send(self, data: bytes) -> int:
        self.data += data
        return len(data)


def sealed_by_paramiko(*messages: paramiko.Message) -> bytes:
    recorder = Recorder()
    packetizer = Packetizer(recorder)  # type: ignore[arg-type]
    packetizer.set_outbound_cipher(**values(), iv_out=NONCES[0])
    for one in messages:
        packetizer.send_message(one)
    return recorder.data


def test_packets_that_come_in_shreds_are_whole() -> None:
    ours, _theirs, wire = ends(NONCES[0])
    sent = [message(DATA, length) for length in (5, 1000, 3)]
    sealed = sealed_by_paramiko(*sent)

    def trickle() -> None:
        for number in range(len(sealed)):
            wire.sendall(sealed[number : number + 1])

    trickling = threading.Thread(target=trickle, daemon=True)
    trickling.start()
    for one in sent:
        _kind, got = ours.read_message()
        assert got.get_int() == 7
        assert got.get_binary() == one.asbytes()[9:]
    trickling.join(LONG_S)
    ours.close()
    wire.close()


def test_one_flipped_bit_is_noticed() -> None:
    ours, _theirs, wire = ends(NONCES[0])
    sealed = bytearray(sealed_by_paramiko(message(DATA, 100)))
    sealed[50] ^= 1
    wire.sendall(sealed)
    with pytest.raises(InvalidTag):
        ours.read_message()
    ours.close()
    wire.close()


@pytest.mark.parametrize("length", [READ_BYTES, 0xFFFFFFFF])
def test_a_length_that_no_packet_has_is_an_error(length: int) -> None:
    ours, _theirs, wire = ends(NONCES[0])
    wire.sendall(length.to_bytes(4, "big") + bytes(100))
    with pytest.raises(paramiko.SSHException, match="a packet of"):
        ours.read_message()
    ours.close()
    wire.close()


def test_an_end_in_the_middle_is_an_end() -> None:
    ours, _theirs, wire = ends(NONCES[0])
    wire.sendall(sealed_by_paramiko(message(DATA, 100))[:30])
    wire.close()
    with pytest.raises(EOFError):
        ours.read_message()
    ours.close()


def test_nobody_is_there_to_be_written_to() -> None:
    ours, _theirs, wire = ends(NONCES[0])
    wire.close()
    with pytest.raises(EOFError):
        ours.send_message(message(DATA, 100))
    ours.close()


class TestKeys:
    """Both directions count, and ask for new keys in time."""

    def test_what_is_read_counts(self, pair: tuple[GuestPacketizer, Packetizer]) -> None:
        ours, theirs = pair
        ours.REKEY_BYTES = 1000
        for _time in range(8):
            theirs.send_message(message(DATA, 70))
            ours.read_message()
            assert not ours.need_rekey()
        theirs.send_message(message(DATA, 70))
        ours.read_message()
        assert ours.need_rekey()
        with pytest.raises(NeedRekeyException):
            ours.read_message()

    def test_what_is_written_counts(self, pair: tuple[GuestPacketizer, Packetizer]) -> None:
        ours, _theirs = pair
        ours.REKEY_BYTES = 1000
        for _time in range(8):
            ours.send_message(message(DATA, 70))
            assert not ours.need_rekey()
        ours.send_message(message(DATA, 70))
        assert ours.need_rekey()

    def test_a_server_that_does_not_renew_them_is_left(
        self, pair: tuple[GuestPacketizer, Packetizer]
    ) -> None:
        ours, theirs = pair
        ours.REKEY_BYTES = ours.REKEY_BYTES_OVERFLOW_MAX = 1000
        for _time in range(17):
            theirs.send_message(message(DATA, 70))
            ours.read_message()
        theirs.send_message(message(DATA, 70))
        with pytest.raises(paramiko.SSHException, match="renew"):
            ours.read_message()


CIPHERS = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr"]


@needs_sshd
@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_server_has_the_choice_of_the_cipher(tmp_path: Path, cipher: str) -> None:
    sshd = Sshd(tmp_path / "sshd", f"Ciphers {cipher}\n")
    with sshd.running(), sshd.connect() as connection:
        transport: Any = connection.transport
        assert transport.remote_cipher == cipher
        data = os.urandom(3_000_000)
        result = connection.run("cat", stdin=data, timeout_s=LONG_S)
        assert (result.status, result.stdout == data) == (0, True)
