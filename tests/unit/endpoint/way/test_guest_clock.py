"""The forwarder sets a guest's clock that is off: when the VM is back, and after a sleep."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.endpoint import of_vm, process
from boot2docker_py.endpoint.status import Phase
from boot2docker_py.endpoint.way.guest_clock import GuestClock
from boot2docker_py.ssh.connection import Result
from tests.unit.endpoint.client_side import Endpoint, forwarding
from tests.unit.endpoint.engine import Engine
from tests.unit.ssh.real_sshd import Cable, Sshd, eventually, needs_sshd

pytestmark = needs_sshd

HOUR_S = 3600
SLEEP_S = 12  # more than what a busy machine can be held up for: host/sleep.py


class Guest:
    """A guest whose clock is a file: how many seconds it is ahead of this machine's."""

    def __init__(self, folder: Path) -> None:
        programs = folder / "bin"
        programs.mkdir()
        self._ahead_s = folder / "ahead"
        self._looks = folder / "looks"
        self.set_ahead(0)
        _write_program(
            programs / "date",
            f'echo >> "{self._looks}"; echo $(($(/bin/date +%s) + $(cat "{self._ahead_s}")))',
        )
        # Called as: sudo -n date -u -s @SECONDS
        _write_program(
            programs / "sudo", f'echo $((${{5#@}} - $(/bin/date +%s))) > "{self._ahead_s}"'
        )
        self.sshd = Sshd(folder / "sshd", environ={"PATH": f"{programs}:/usr/bin:/bin"})

    def set_ahead(self, seconds: int) -> None:
        self._ahead_s.write_text(f"{seconds}\n")

    def is_right(self) -> bool:
        return abs(int(self._ahead_s.read_text() or HOUR_S)) < 60

    def looks(self) -> int:
        """Return how often it was asked for the time."""
        return len(self._looks.read_text().splitlines()) if self._looks.exists() else 0


def _write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    guest = Guest(tmp_path)
    with guest.sshd.running():
        yield guest


@pytest.fixture
def cable(guest: Guest) -> Iterator[Cable]:
    with Cable(guest.sshd.address) as cable:
        yield cable


@pytest.fixture
def endpoint(tmp_path: Path, guest: Guest, engine: Engine) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path / "vm", guest.sshd, engine)
    endpoint.paths.folder.mkdir()
    yield endpoint
    process.stop(endpoint.paths)


def reconnect(endpoint: Endpoint, cable: Cable) -> None:
    before = endpoint.status().reconnections
    cable.cut()
    eventually(lambda: endpoint.status().reconnections == before + 1)
    eventually(lambda: endpoint.is_in(Phase.FORWARDING))


def log_of(endpoint: Endpoint) -> str:
    return endpoint.paths.forwarder_log.read_text(encoding="utf-8")


@pytest.mark.parametrize(("ahead_s", "said"), [(-3 * HOUR_S, "3 h slow"), (5 * HOUR_S, "5 h fast")])
def test_guest_clock_that_is_off_is_set_when_the_vm_is_back(
    endpoint: Endpoint, guest: Guest, cable: Cable, ahead_s: int, said: str
) -> None:
    forwarding(endpoint, cable.address)
    guest.set_ahead(ahead_s)
    reconnect(endpoint, cable)
    eventually(guest.is_right)
    eventually(lambda: f"The clock of the VM was {said}, and is set." in log_of(endpoint))
    assert guest.looks() == 1
    assert endpoint.ping() is None


def test_guest_clock_that_is_being_set_is_waited_for(
    endpoint: Endpoint, guest: Guest, cable: Cable, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    _write_program(
        tmp_path / "bin" / "sudo",
        f'until [ -e "{go_on}" ]; do sleep 0.1; done; echo 0 > "{tmp_path}/ahead"',
    )
    forwarding(endpoint, cable.address)
    guest.set_ahead(-3 * HOUR_S)
    reconnect(endpoint, cable)
    eventually(lambda: endpoint.status().looks_at_clock)
    threading.Timer(1, go_on.touch).start()
    of_vm.Endpoint(endpoint.paths, tmp_path / "key").wait_for_clock()
    assert guest.is_right()
    eventually(lambda: not endpoint.status().looks_at_clock)


def test_guest_clock_that_is_right_is_left_alone(
    endpoint: Endpoint, guest: Guest, cable: Cable
) -> None:
    forwarding(endpoint, cable.address)
    for looks in (1, 2):
        reconnect(endpoint, cable)
        eventually(lambda looks=looks: guest.looks() == looks)
    assert "The clock of the VM" not in log_of(endpoint)


def test_guest_clock_is_set_after_a_sleep_that_the_connection_has_outlived(
    endpoint: Endpoint, guest: Guest, cable: Cable
) -> None:
    """A process that was stopped cannot tell it from a sleep of the machine."""
    pid = forwarding(endpoint, cable.address).pid
    guest.set_ahead(-8 * HOUR_S)
    with endpoint.client(b"echo\nx") as client:
        assert client.recv(1) == b"x"
        os.kill(pid, signal.SIGSTOP)
        time.sleep(SLEEP_S)
        os.kill(pid, signal.SIGCONT)
        eventually(guest.is_right)
        client.sendall(b"y")
        assert client.recv(1) == b"y"
    assert endpoint.status().reconnections == 0
    eventually(lambda: "The clock of the VM was 8 h slow, and is set." in log_of(endpoint))


def test_guest_that_does_not_let_its_clock_be_set_is_served_all_the_same(
    endpoint: Endpoint, guest: Guest, cable: Cable, tmp_path: Path
) -> None:
    _write_program(tmp_path / "bin" / "sudo", "echo no >&2; exit 1")
    forwarding(endpoint, cable.address)
    guest.set_ahead(-3 * HOUR_S)
    reconnect(endpoint, cable)
    eventually(lambda: "The clock of the VM is 3 h slow. cannot set" in log_of(endpoint))
    assert endpoint.ping() is None


class Told:
    """A connection to a guest that says this of its time."""

    def __init__(self, said: bytes) -> None:
        self.commands: list[str] = []
        self._said = said

    def run(self, command: list[str], *, stdin: bytes = b"", timeout_s: float) -> Result:
        self.commands.append(command[0])
        return Result(0, self._said, b"")


@pytest.mark.parametrize("said", [b"1_0\n", b"-5\n", b"9" * 400, b"9" * 1_000_000, b""])
def test_guest_that_tells_what_is_no_time_is_left_alone(said: bytes) -> None:
    """A million digits take minutes for the Python of Windows 7, and all threads wait meanwhile."""
    guest, clock = Told(said), GuestClock()
    clock.keep_right(guest)  # type: ignore[arg-type]
    began_s = time.monotonic()
    while clock.is_looked_at:
        time.sleep(0.01)
    assert time.monotonic() - began_s < 5
    assert guest.commands == ["date"]
