"""How long a silent SSH server is waited for."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from boot2docker_py.address import Address
from boot2docker_py.ssh.connection import PROBE_PATIENCE, PROBE_PATIENCE_PER_S, Connection
from boot2docker_py.ssh.over_paramiko.transport import GuestTransport


class Silent:
    """A transport that answers nothing; other bytes come for `busy_for` questions."""

    def __init__(self, busy_for: int = 0) -> None:
        self.attention = threading.Event()
        self.busy_for = busy_for
        self.questions = 0
        self.is_closed = False

    @property
    def received_bytes(self) -> int:
        return min(self.questions, self.busy_for)

    def is_active(self) -> bool:
        return True

    def answers_within(self, timeout_s: float) -> bool:
        self.questions += 1
        return False

    def close(self) -> None:
        self.is_closed = True


def connection(transport: Silent, handshake_s: float = 0.0) -> Connection:
    any_transport: Any = transport
    return Connection(cast(GuestTransport, any_transport), Address("127.0.0.1", 1), handshake_s)


def test_a_silent_server_is_lost_after_a_while() -> None:
    transport = Silent()
    assert "no answer" in connection(transport).wait_until_lost()
    assert transport.questions == PROBE_PATIENCE
    assert transport.is_closed


def test_bytes_that_come_are_an_answer() -> None:
    """A question waits behind megabytes that a slow guest has to take first."""
    transport = Silent(busy_for=100)
    connection(transport).wait_until_lost()
    assert transport.questions == 100 + PROBE_PATIENCE


@pytest.mark.parametrize("in_doubt", [False, True])
def test_who_shook_hands_slowly_gets_more_time(*, in_doubt: bool) -> None:
    transport = Silent()
    slow = connection(transport, handshake_s=20.0)
    if in_doubt:
        slow.doubt()
    slow.wait_until_lost()
    assert transport.questions >= 20 * PROBE_PATIENCE_PER_S
