"""`boot2docker console`: where it can be joined, and what is said where it cannot."""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import State, VMInfo
from boot2docker_py.host import named_pipe
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession


class WithConsole(FakeDriver):
    """A hypervisor whose consoles can be joined."""

    socket_path: Path | None = None

    def describe(self) -> VMInfo:
        return super().describe()._replace(console_socket=self.socket_path)


@pytest.fixture
def listening() -> Iterator[Path]:
    """Offer a console on which nothing is said: at a Unix socket, on Windows at a pipe."""
    if sys.platform == "win32":
        clients: list[named_pipe.Handle] = []
        listener = named_pipe.Listener(named_pipe.PREFIX + "boot2docker-console", clients.append)
        listener.start()
        yield Path(listener.pipe)
        listener.close()
        listener.join()
        for client in clients:
            client.close()
    else:
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
            path = Path(folder) / "console.sock"
            server.bind(str(path))
            server.listen()
            yield path


def session(state: State, place: Path | None = None) -> FakeSession:
    driver = WithConsole(state)
    driver.socket_path = place
    return FakeSession(driver, FakeEndpoint())


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_the_end_of_our_input_detaches(
    boot2docker: Boot2Docker, listening: Path, state: State
) -> None:
    answer = boot2docker(["console"], session(state, listening))
    assert answer.status == 0
    assert "Ctrl-] detaches" in answer.err
    assert "Detached from VM 'boot2docker-vm'." in answer.err


@pytest.mark.parametrize(
    ("state", "status"), [(State.ABSENT, 3), (State.OFF, 4), (State.SAVED, 4), (State.BROKEN, 4)]
)
def test_a_vm_that_is_not_on_has_none(boot2docker: Boot2Docker, state: State, status: int) -> None:
    assert boot2docker(["console"], session(state)).status == status


def test_a_console_that_is_only_a_log(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["console"], session(State.RUNNING))
    assert answer.status == 4
    assert "boot2docker logs -f console" in answer.err


def test_a_vm_of_an_older_version_does_not_offer_it(
    boot2docker: Boot2Docker, tmp_path: Path
) -> None:
    answer = boot2docker(["console"], session(State.RUNNING, tmp_path / "console.sock"))
    assert answer.status == 4
    assert "boot2docker restart" in answer.err


def test_it_is_the_serial_file_of_a_vm_without_a_log(
    boot2docker: Boot2Docker, tmp_path: Path
) -> None:
    """As the original's `info` gave its pipe."""
    given = session(State.OFF, tmp_path / "vm.sock")
    given.driver.spec = given.driver.spec._replace(console_log=None)
    told = json.loads(boot2docker(["info"], given).out)
    assert told["SerialFile"] == str(tmp_path / "vm.sock")
