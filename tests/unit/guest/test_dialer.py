"""How often a guest is called that does not answer."""

from __future__ import annotations

import socket
import time

import pytest

from boot2docker_py.drivers.base import Address
from boot2docker_py.guest.dialer import Dialer
from boot2docker_py.guest.errors import NotReadyError
from boot2docker_py.wait import Deadline

FASTER = 500


class FastClock:
    """Time in which a minute is over in an eighth of a second."""

    def monotonic(self) -> float:
        return time.monotonic() * FASTER

    def sleep(self, seconds: float, /) -> None:
        time.sleep(seconds / FASTER)


def test_a_slow_guest_is_called_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call makes the guest start a process: one a second starves an interpreted CPU."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        silent.setblocking(False)
        port = silent.getsockname()[1]
        deadline = Deadline(300.0, FastClock())
        with Dialer(Address("127.0.0.1", port), deadline, lambda _reason: None) as dialer:
            select = dialer._selector.select
            monkeypatch.setattr(dialer._selector, "select", lambda wait_s: select(wait_s / FASTER))
            with pytest.raises(NotReadyError):
                dialer.dial()
        calls = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            calls += 1
    assert 5 < calls < 60
