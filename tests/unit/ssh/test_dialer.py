"""How often a guest is called that does not answer."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import sys
import threading

import pytest

from boot2docker_py.address import Address
from boot2docker_py.host.selector import Selector
from boot2docker_py.ssh.dialer import Dialer
from boot2docker_py.ssh.errors import NotReadyError
from boot2docker_py.wait import Deadline
from tests.fakes import FakeClock
from tests.unit.listening import LONG_S
from tests.unit.ssh.patience import Patience

LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # close by a reset


class FastSelector(Selector):
    """Time passes at once while nothing happens."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._clock.sleep(timeout or 0.0)
        return super().select(0)


def dialer_with(patience: Patience, address: Address) -> Dialer:
    return Dialer(address, patience.deadline(), patience.reasons.append)


def test_a_slow_guest_is_called_less_and_less() -> None:
    """Each call makes the guest start a process: one a second starves an interpreted CPU."""
    clock = FakeClock()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        silent.setblocking(False)
        address = Address(*silent.getsockname())
        selector = FastSelector(clock)
        dialer = Dialer(address, Deadline(300.0, clock), lambda _reason: None, selector)
        with dialer, pytest.raises(NotReadyError):
            dialer.dial()
        calls = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            calls += 1
    assert 5 < calls < 60


def test_once_one_has_greeted_the_others_are_closed() -> None:
    """Each is a process in the guest, which competes with the login."""
    patience = Patience(lambda _reasons: False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address(*server.getsockname())
        callers: list[socket.socket] = []

        def serve() -> None:
            for _time in range(2):
                callers.append(server.accept()[0])
            callers[0].sendall(b"SSH-2.0-slow\r\n")

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        with dialer_with(patience, address) as dialer:
            attempt = dialer.dial()
            serving.join()
            greeter, other = callers
            with greeter, other, attempt.sock:
                other.settimeout(LONG_S)
                assert other.recv(1) == b""
                greeter.sendall(b"x")
                attempt.sock.settimeout(LONG_S)
                assert attempt.sock.recv(1) == b"x"


def test_a_port_that_refuses_is_asked_again_until_the_deadline() -> None:
    """Between two attempts there is no socket to wait for, which Windows' `select` refuses."""
    patience = Patience(lambda reasons: len(reasons) > 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = Address(*taken.getsockname())
        with dialer_with(patience, address) as dialer, pytest.raises(NotReadyError) as caught:
            dialer.dial()
    assert patience.is_over()
    assert "refused" in caught.value.details
    assert "Unknown error" not in "".join(patience.reasons)


def test_a_port_that_resets_is_asked_again_until_the_deadline() -> None:
    patience = Patience(lambda reasons: sum("connected" not in reason for reason in reasons) > 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONG_S)

        def reset() -> None:
            for _time in range(3):
                client, _address = server.accept()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                client.close()

        resetting = threading.Thread(target=reset, daemon=True)
        resetting.start()
        address = Address(*server.getsockname())
        with dialer_with(patience, address) as dialer, pytest.raises(NotReadyError):
            dialer.dial()
        resetting.join()
    assert patience.is_over()


def test_a_greeting_without_end_is_given_up() -> None:
    """It cost 50 MB and a whole CPU."""
    patience = Patience(lambda reasons: "what answers there is no SSH server" in reasons)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _address = server.accept()
            with contextlib.suppress(OSError), peer:
                for _ in range(1000):
                    peer.sendall(b"x" * 4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = Address(*server.getsockname())
        with dialer_with(patience, address) as dialer, pytest.raises(NotReadyError):
            dialer.dial()
        thread.join()
    assert patience.is_over()
