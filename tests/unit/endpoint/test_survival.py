"""The forwarder lives as long as the VM: what it does while the VM is away, and when it is back."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.address import Address
from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.status import Phase
from boot2docker_py.endpoint.way.link import knock
from boot2docker_py.host.sleep import SleepWatch
from tests.unit.endpoint.client_side import MEGABYTE, ROOT, Endpoint, forwarding, is_alive, kill
from tests.unit.endpoint.engine import Engine
from tests.unit.ssh.real_sshd import Cable, Sshd, eventually

QUESTION = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(MEGABYTE), b""))


def test_lost_vm_ends_the_clients_and_is_reached_again(endpoint: Endpoint, cable: Cable) -> None:
    pid = forwarding(endpoint, cable.address).pid
    with endpoint.client(b"echo\n") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        cable.cut()
        assert client.recv(1) == b""
    eventually(lambda: endpoint.status().reconnections == 1)
    eventually(lambda: endpoint.is_in(Phase.FORWARDING))
    eventually(lambda: endpoint.ping() is None)
    assert endpoint.status().pid == pid


def test_a_vm_that_is_off_is_waited_for_and_reached_without_a_word(
    endpoint: Endpoint, tmp_path: Path, engine: Engine
) -> None:
    late = Sshd(tmp_path / "late")
    endpoint = Endpoint(endpoint.paths.folder, late, engine)
    endpoint.patience_s = 2.0
    pid = endpoint.start().pid
    eventually(lambda: endpoint.is_in(Phase.WAITING))
    assert endpoint.status().reason == "Connection refused"
    with late.running():
        eventually(lambda: endpoint.is_in(Phase.FORWARDING))
    assert endpoint.status().pid == pid


def test_client_hears_why_at_once_while_the_vm_is_away(endpoint: Endpoint, cable: Cable) -> None:
    cable.unplug()
    endpoint.start(cable.address)
    eventually(lambda: endpoint.status().reason == "Connection refused")
    with endpoint.client(QUESTION) as client:
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert (
        b"VM 'vm' cannot be reached (Connection refused); see: boot2docker --vm vm status" in answer
    )
    assert endpoint.status().refused_connections == 1
    assert endpoint.ping() is not None


def test_client_hears_that_the_engine_is_away(endpoint: Endpoint, engine: Engine) -> None:
    forwarding(endpoint)
    engine.hide()
    with endpoint.client(QUESTION) as client:
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 503 ")
    told = (
        "the engine of VM 'vm' is not running, or takes no more clients; "
        "see: boot2docker logs engine"
    )
    assert told.encode() in answer
    assert endpoint.ping() == told
    eventually(lambda: endpoint.status().open_connections == 0)
    engine.show()
    assert endpoint.ping() is None


def test_a_client_that_asks_nothing_does_not_stay(endpoint: Endpoint, cable: Cable) -> None:
    cable.unplug()
    endpoint.start(cable.address)
    eventually(lambda: endpoint.status().reason == "Connection refused")
    with endpoint.client() as client:
        assert client.recv(1) == b""


def test_forwarder_at_rest_has_no_clients_and_leaves_the_vm_alone_until_the_next_start(
    endpoint: Endpoint, sshd: Sshd
) -> None:
    pid = forwarding(endpoint).pid
    with endpoint.client(b"echo\nx") as client:
        assert client.recv(1) == b"x"
        process.rest(endpoint.paths)
        assert client.recv(1) == b""
    eventually(lambda: endpoint.is_in(Phase.WAITING))
    status = endpoint.status()
    assert status.reason == "the VM was stopped, or is about to be"
    assert status.last_error is None
    assert forwarding(endpoint).pid == pid
    assert endpoint.ping() is None


def test_rest_without_a_forwarder_does_nothing(endpoint: Endpoint) -> None:
    process.rest(endpoint.paths)
    assert not endpoint.is_running()


def test_a_vm_killed_under_load_ends_the_clients_at_once(endpoint: Endpoint, cable: Cable) -> None:
    """As `reset` does: the hypervisor's process dies, and the connections with it."""
    forwarding(endpoint, cable.address)
    clients = [endpoint.client(b"send %d\n" % (1000 * MEGABYTE)) for _number in range(5)]
    clients += [endpoint.client(b"silent\n") for _number in range(5)]
    for client in clients[:5]:
        assert client.recv(1)
    cable.unplug()
    cable.cut()
    for client in clients:
        with client:
            assert len(read_all(client)) < 1000 * MEGABYTE
    eventually(lambda: endpoint.status().open_connections == 0)
    eventually(lambda: endpoint.status().last_error)  # set by another thread than the clients' end
    error = endpoint.status().last_error
    assert error is not None
    assert error.brief == "the connection to the VM was lost"


def test_a_server_that_is_silent_but_connected_is_lost_soon_after_up(
    endpoint: Endpoint, cable: Cable
) -> None:
    """As after a pause or a hang of the VM: `up` doubts, and need not wait long."""
    forwarding(endpoint, cable.address)
    with endpoint.client(b"echo\nx") as client:
        assert client.recv(1) == b"x"
        cable.go_dead()
        endpoint.start(cable.address)
        assert client.recv(1) == b""
    eventually(lambda: endpoint.status().reconnections == 1)
    cable.revive()
    eventually(lambda: endpoint.is_in(Phase.FORWARDING))


def test_forwarder_ends_when_the_vms_folder_is_gone(endpoint: Endpoint, tmp_path: Path) -> None:
    pid = forwarding(endpoint).pid
    endpoint.paths.folder.rename(tmp_path / "elsewhere")
    eventually(lambda: not is_alive(pid))


def test_forwarder_of_another_version_is_replaced(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = forwarding(endpoint)
    monkeypatch.setattr(process, "__version__", "0.0.1")
    second = endpoint.start()
    assert second.pid != first.pid
    eventually(lambda: not is_alive(first.pid))
    assert endpoint.status().pid == second.pid


def test_forwarder_killed_under_load_is_replaced_and_its_clients_hear_of_it(
    endpoint: Endpoint,
) -> None:
    first = forwarding(endpoint)
    with endpoint.client(b"send %d\n" % (1000 * MEGABYTE)) as client:
        assert client.recv(1)
        kill(first.pid)
        with contextlib.suppress(ConnectionResetError):  # an orderly end is as good
            assert len(read_all(client)) < 1000 * MEGABYTE
    assert forwarding(endpoint).pid != first.pid
    assert endpoint.ping() is None


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("monotonic_s", "wall_s", "wakes"),
    [
        (1, 1, 0),
        (3, 3, 0),  # a busy machine
        (1, 8 * 3600, 1),  # Linux: the monotonic clock slept, too
        (8 * 3600, 8 * 3600, 1),  # Windows: it did not
        (1, -3 * 3600, 1),  # somebody set the clock back
    ],
)
def test_the_hosts_sleep_is_noticed_once(monotonic_s: float, wall_s: float, wakes: int) -> None:
    woken: list[int] = []
    monotonic, wall = Clock(), Clock()
    watch = SleepWatch(lambda: woken.append(1), monotonic, wall)
    for clock, step_s in ((monotonic, monotonic_s), (wall, wall_s)):
        clock.now_s += step_s
    watch.look()
    watch.look()
    assert len(woken) == wakes


def test_a_knock_says_why_nobody_opens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address(*server.getsockname())
        assert knock(address) == ""
    assert knock(address) == "Connection refused"


def test_connections_leave_no_descriptor_and_no_thread_in_the_process(endpoint: Endpoint) -> None:
    pid = forwarding(endpoint).pid

    def held() -> tuple[int, int]:
        return len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))

    def talk(number: int) -> None:
        with endpoint.client(b"echo\nx") as client:
            if number % 2:  # every other one is dropped before it has heard anything
                assert client.recv(1) == b"x"

    talk(1)
    eventually(lambda: endpoint.status().open_connections == 0)
    eventually(lambda: endpoint.status().transport)  # whose search has a thread of its own
    before = held()
    for number in range(200):
        talk(number)
    eventually(lambda: endpoint.status().open_connections == 0)
    assert endpoint.status().total_connections == 201
    eventually(lambda: held() <= before)


def test_forwarder_in_the_foreground_serves_until_ctrl_c(endpoint: Endpoint) -> None:
    settings = endpoint.settings()
    endpoint.paths.run.mkdir()
    script = (
        "import sys; from boot2docker_py.endpoint import forwarder, status\n"
        "forwarder.serve(status.Settings.from_json(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", script, settings.to_json()], cwd=ROOT) as child:
        eventually(lambda: endpoint.is_running() and endpoint.is_in(Phase.FORWARDING))
        assert endpoint.status().pid == child.pid
        assert endpoint.ping() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
    assert not endpoint.paths.docker_socket.exists()
