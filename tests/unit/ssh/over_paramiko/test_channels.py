"""Channels that several threads send on, with the real sshd."""

from __future__ import annotations

from typing import Callable, cast

import paramiko
import pytest

from boot2docker_py.ssh.connection import Connection
from boot2docker_py.ssh.over_paramiko.channels import SessionChannel
from tests.unit.ssh.real_sshd import LONG_S, Sshd, eventually


def end_of_input(channel: SessionChannel) -> paramiko.Message:
    message: paramiko.Message = channel._send_eof()  # type: ignore[attr-defined] # noqa: SLF001 - as paramiko does
    return message


def some_input(channel: SessionChannel) -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(bytes([94]))  # RFC 4250, section 4.1.2: SSH_MSG_CHANNEL_DATA
    message.add_int(channel.remote_chanid)
    message.add_string("stray")
    return message


def wait_until_both_ends_have_closed(channel: SessionChannel, connection: Connection) -> None:
    eventually(lambda: channel.closed)
    # Who hears this answer is the thread that has sent our CLOSE before.
    assert connection.transport.answers_within(LONG_S)


@pytest.mark.parametrize("make_message", [end_of_input, some_input])
def test_what_is_sent_after_the_close_does_not_reach_the_next_channel(
    sshd: Sshd, make_message: Callable[[SessionChannel], paramiko.Message]
) -> None:
    """As when a thread is held up between making a message and sending it."""
    with sshd.connect() as connection:
        first = cast(SessionChannel, connection.open_command("sleep 0.5"))
        late_message = make_message(first)
        wait_until_both_ends_have_closed(first, connection)
        with connection.open_command("cat") as second:
            assert second.remote_chanid == first.remote_chanid
            first.transport._send_user_message(late_message)  # noqa: SLF001 - as paramiko does
            second.settimeout(LONG_S)
            second.sendall(b"x")
            assert second.recv(100) == b"x"
