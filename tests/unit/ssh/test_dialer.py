"""How often a guest is called that does not answer."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time

import pytest

from boot2docker_py.address import Address
from boot2docker_py.ssh.dialer import GREETING_BYTES, Dialer
from boot2docker_py.ssh.errors import NotReadyError
from boot2docker_py.wait import Deadline

FASTER = 500
LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # close by a reset


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


def test_a_port_that_refuses_is_asked_again_until_the_deadline() -> None:
    """Between two attempts there is no socket to wait for, which Windows' `select` refuses."""
    reasons: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = Address(*taken.getsockname())
        with Dialer(address, Deadline(2.5), reasons.append) as dialer, pytest.raises(
            NotReadyError
        ) as caught:
            dialer.dial()
    assert len(reasons) > 1
    assert "refused" in caught.value.details
    assert "Unknown error" not in "".join(reasons)


def test_a_port_that_resets_is_asked_again_until_the_deadline() -> None:
    reasons: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5.0)

        def reset() -> None:
            for _time in range(3):
                client, _address = server.accept()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                client.close()

        resetting = threading.Thread(target=reset)
        resetting.start()
        address = Address(*server.getsockname())
        with Dialer(address, Deadline(3.0), reasons.append) as dialer, pytest.raises(NotReadyError):
            dialer.dial()
        resetting.join()
    assert len(reasons) > 2


def test_a_greeting_without_end_is_given_up() -> None:
    """It cost 50 MB and a whole CPU."""
    reasons: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _address = server.accept()
            with contextlib.suppress(OSError), peer:
                for _ in range(1000):
                    peer.sendall(b"x" * 4096)

        thread = threading.Thread(target=serve)
        thread.start()
        address = Address("127.0.0.1", server.getsockname()[1])
        with Dialer(address, Deadline(0.9), reasons.append) as dialer:  # one call
            with pytest.raises(NotReadyError):
                dialer.dial()
            assert all(len(one.received) <= GREETING_BYTES + 4096 for one in dialer._attempts)
        thread.join()
    assert "what answers there is no SSH server" in reasons
