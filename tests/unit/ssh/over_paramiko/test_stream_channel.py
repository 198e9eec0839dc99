"""A client's channel: what it sends when, with a transport that takes notes and the real sshd."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Callable, Sequence, Union

import paramiko
import pytest

from boot2docker_py.ssh.over_paramiko.channels import WINDOW_BYTES, SessionChannel
from boot2docker_py.ssh.over_paramiko.stream_channel import RawMessage, StreamChannel
from tests.unit.ssh.real_sshd import LONG_S, Cable, Sshd, eventually, needs_sshd

ADJUST, DATA, EOF, CLOSE, FAILURE = 93, 94, 96, 97, 100


AnyChannel = Union[StreamChannel, SessionChannel]


class Notes:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.received = bytearray()

    def stream_opened(self) -> None:
        self.heard.append("opened")

    def stream_refused(self, reason: str) -> None:
        self.heard.append(f"refused: {reason}")

    def stream_received(self, pieces: Sequence[memoryview]) -> None:
        self.heard.append(f"{len(pieces)} pieces")
        self.received += b"".join(pieces)

    def stream_ended(self) -> None:
        self.heard.append("ended")

    def stream_closed(self) -> None:
        self.heard.append("closed")

    def stream_lost(self) -> None:
        self.heard.append("lost")

    def stream_may_send(self) -> None:
        self.heard.append("may send")


class Wire:
    """The part of the transport that a channel sees; keeps the first byte of each message."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.forgotten: list[int] = []
        self.has_room = True
        self.undelivered: list[StreamChannel] = []

    def send_now(self, message: Any) -> None:
        self.sent.append(message.asbytes()[0])

    def send_at_once(self, message: Any) -> bool:
        if self.has_room:
            self.send_now(message)
        return self.has_room

    def send_together(self, messages: Sequence[RawMessage]) -> None:
        for message in messages:
            self.send_now(message)

    def forget(self, number: int) -> None:
        self.forgotten.append(number)

    def deliver_before_reading(self, channel: StreamChannel) -> None:
        self.undelivered.append(channel)


class Guest:
    """What a channel hears of the guest, in the calls by which paramiko's transport tells it."""

    def __init__(self, channel: AnyChannel) -> None:
        self._channel: Any = channel

    def opens(self, window_bytes: int, packet_bytes: int) -> None:
        self._channel._set_remote_channel(5, window_bytes, packet_bytes)  # noqa: SLF001 - as paramiko does

    def sends(self, data: str | bytes) -> None:
        self._channel._feed(message(data))  # noqa: SLF001 - as paramiko does

    def complains(self, data: bytes) -> None:
        self._channel._feed_extended(message(1, data))  # noqa: SLF001 - as paramiko does

    def grants(self, size_bytes: int) -> None:
        self._channel._window_adjust(message(size_bytes))  # noqa: SLF001 - as paramiko does

    def asks(self, kind: str, *, wants_answer: bool) -> None:
        self._channel._handle_request(message(kind, wants_answer))  # noqa: SLF001 - as paramiko does

    def ends(self) -> None:
        self._channel._handle_eof(message())  # noqa: SLF001 - as paramiko does

    def closes(self) -> None:
        self._channel._handle_close(message())  # noqa: SLF001 - as paramiko does


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def channel(wire: Wire, notes: Notes) -> StreamChannel:
    made = StreamChannel(wire, 3, notes)
    Guest(made).opens(window_bytes=1000, packet_bytes=300)
    return made


@pytest.fixture
def guest(channel: StreamChannel) -> Guest:
    return Guest(channel)


def message(*parts: object) -> paramiko.Message:
    made = paramiko.Message()
    made.add(*parts)
    made.rewind()
    return made


def test_nothing_follows_the_close(channel: StreamChannel, wire: Wire, guest: Guest) -> None:
    channel.close()
    channel.close()
    channel.shutdown_write()
    channel.grant(10)
    assert channel.grant_at_once(10)  # no other thread has to do it
    guest.asks("keepalive@openssh.com", wants_answer=True)
    assert wire.sent == [EOF, CLOSE]


def test_the_end_is_said_once(channel: StreamChannel, wire: Wire) -> None:
    channel.shutdown_write()
    channel.shutdown_write()
    channel.close()
    assert wire.sent == [EOF, CLOSE]


def test_a_grant_that_would_have_to_wait_is_not_made(channel: StreamChannel, wire: Wire) -> None:
    wire.has_room = False
    assert not channel.grant_at_once(10)
    wire.has_room = True
    assert channel.grant_at_once(10)
    assert wire.sent == [ADJUST]


def test_the_number_is_free_when_both_have_closed(
    channel: StreamChannel, wire: Wire, guest: Guest
) -> None:
    channel.close()
    assert not wire.forgotten
    guest.closes()
    assert wire.forgotten == [3]


def test_the_number_is_free_when_both_have_closed_the_guest_first(
    channel: StreamChannel, wire: Wire, guest: Guest
) -> None:
    guest.closes()
    assert not wire.forgotten
    channel.close()
    assert wire.forgotten == [3]


def test_the_guests_window_and_packet_are_kept(
    channel: StreamChannel, wire: Wire, guest: Guest
) -> None:
    room = bytearray(channel.header_bytes)
    assert channel.sendable_bytes() == 300
    for _time in range(3):
        channel.send_message(memoryview(room + b"x" * 300))
    assert channel.sendable_bytes() == 100
    channel.send_message(memoryview(room + b"x" * 100))
    assert channel.sendable_bytes() == 0
    guest.grants(50)
    assert channel.sendable_bytes() == 50
    assert wire.sent == [DATA] * 4


def test_pieces_are_delivered_together(
    channel: StreamChannel, wire: Wire, notes: Notes, guest: Guest
) -> None:
    for piece in ("one ", "two ", "three"):
        guest.sends(piece)
    assert wire.undelivered == [channel]
    assert notes.heard == ["opened"]
    channel.deliver()
    channel.deliver()
    assert notes.heard == ["opened", "3 pieces"]
    assert notes.received == b"one two three"


@pytest.mark.parametrize(("end", "word"), [(Guest.ends, "ended"), (Guest.closes, "closed")])
def test_bytes_come_before_the_end(
    notes: Notes, end: Callable[[Guest], None], word: str, guest: Guest
) -> None:
    guest.sends("last")
    end(guest)
    assert notes.heard == ["opened", "1 pieces", word]


def test_who_has_closed_hears_no_more_bytes(
    channel: StreamChannel, notes: Notes, guest: Guest
) -> None:
    guest.sends("late")
    channel.close()
    channel.deliver()
    assert notes.heard == ["opened"]


def test_the_question_whether_we_live_is_answered(wire: Wire, guest: Guest) -> None:
    guest.asks("eow@openssh.com", wants_answer=False)
    assert not wire.sent
    guest.asks("keepalive@openssh.com", wants_answer=True)
    assert wire.sent == [FAILURE]


@needs_sshd
def test_a_server_that_asks_whether_we_live_keeps_the_connection(tmp_path: Path) -> None:
    settings = "ClientAliveInterval 1\nClientAliveCountMax 100\n"  # and not less: this may be slow
    sshd, notes = Sshd(tmp_path / "sshd", settings), Notes()
    with sshd.running(), Cable(sshd.address) as cable, sshd.connect(cable.address) as connection:
        connection.transport.answers_within(LONG_S)
        channel = connection.open_command_stream("cat", notes)
        eventually(lambda: notes.heard)
        channel.begin()
        before = cable.pieces_there
        eventually(lambda: cable.pieces_there >= before + 3)
        channel.send_message(memoryview(bytearray(channel.header_bytes) + b"still there"))
        eventually(lambda: notes.received == b"still there" or "lost" in notes.heard)
        assert "lost" not in notes.heard
        channel.close()


@needs_sshd
def test_what_was_asked_while_keys_are_renewed_waits(tmp_path: Path) -> None:
    sshd, notes = Sshd(tmp_path / "sshd"), Notes()
    with sshd.running(), sshd.connect() as connection:
        transport = connection.transport
        channel = connection.open_command_stream("cat", notes)
        eventually(lambda: notes.heard)
        channel.begin()
        transport.clear_to_send.clear()
        assert not channel.grant_at_once(10)
        asking = threading.Thread(target=channel.grant, args=(10,), daemon=True)
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
        transport.clear_to_send.set()
        asking.join(LONG_S)
        assert channel.grant_at_once(10)
        channel.close()


class TestGuestThatIgnoresItsWindow:
    """A client that does not read would else cost as much memory as the guest likes to send."""

    PIECE = b"x" * 32768

    def test_it_loses_the_channel(self, channel: StreamChannel, notes: Notes, guest: Guest) -> None:
        for _ in range(10_000):
            guest.sends(self.PIECE)
        channel.deliver()
        assert len(notes.received) <= WINDOW_BYTES
        assert notes.heard.count("lost") == 1

    def test_so_do_complaints(self, notes: Notes, guest: Guest) -> None:
        for _ in range(10_000):
            guest.complains(self.PIECE)
        assert notes.heard.count("lost") == 1

    @pytest.mark.parametrize("at_once", [True, False])
    def test_what_is_granted_may_come(
        self, channel: StreamChannel, notes: Notes, at_once: bool, guest: Guest
    ) -> None:
        for _ in range(1000):
            guest.sends(self.PIECE)
            channel.deliver()
            if at_once:
                assert channel.grant_at_once(len(self.PIECE))
            else:
                channel.grant(len(self.PIECE))
        assert "lost" not in notes.heard
        assert len(notes.received) == 1000 * len(self.PIECE)

    def test_grant_that_was_not_sent_is_none(
        self, channel: StreamChannel, wire: Wire, notes: Notes, guest: Guest
    ) -> None:
        wire.has_room = False
        assert not channel.grant_at_once(5)
        guest.sends(b"x" * WINDOW_BYTES)
        assert "lost" not in notes.heard
        guest.sends(b"x")
        assert "lost" in notes.heard


def test_a_command_that_floods_us_costs_the_window() -> None:
    """The kind of channel that waits in threads has the same bound."""
    shared = SessionChannel(1)
    guest = Guest(shared)
    for _ in range(1000):
        guest.sends(b"x" * 32768)
        guest.complains(b"x" * 32768)
    assert len(shared.in_buffer) <= 2 * WINDOW_BYTES
    assert len(shared.in_stderr_buffer) <= 2 * WINDOW_BYTES
    assert shared.closed
