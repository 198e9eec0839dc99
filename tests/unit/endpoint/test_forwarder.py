"""The forwarder's process: one per VM, whatever happens; found, asked and ended by its socket."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from boot2docker_py.address import Address
from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.status import Phase, Settings
from boot2docker_py.errors import GuestError
from boot2docker_py.ssh import host_keys, keys
from tests.unit.endpoint.client_side import MEGABYTE, ROOT, Endpoint, forwarding, is_alive, kill
from tests.unit.endpoint.engine import Engine
from tests.unit.ssh.real_sshd import Cable, Sshd, eventually


def test_the_engine_answers_through_the_socket(endpoint: Endpoint) -> None:
    status = forwarding(endpoint)
    assert endpoint.ping() is None
    assert status.address == str(endpoint.sshd.address)
    assert status.last_error is None


def test_sockets_are_open_to_the_user_alone(endpoint: Endpoint) -> None:
    endpoint.start()
    for path, mode in [
        (endpoint.paths.run, 0o700),
        (endpoint.paths.docker_socket, 0o600),
        (endpoint.paths.forwarder_control, 0o600),
    ]:
        assert stat.S_IMODE(path.stat().st_mode) == mode, path


def test_forwarder_with_the_same_settings_is_kept(endpoint: Endpoint) -> None:
    first = forwarding(endpoint)
    with endpoint.client(b"echo\n") as client:
        assert endpoint.start().pid == first.pid
        client.sendall(b"x")
        assert client.recv(1) == b"x"


def test_forwarder_to_another_address_is_replaced(endpoint: Endpoint, cable: Cable) -> None:
    first = forwarding(endpoint)
    second = forwarding(endpoint, cable.address)
    assert second.pid != first.pid
    eventually(lambda: not is_alive(first.pid))
    assert endpoint.ping() is None


def test_two_starts_at_once_give_one_forwarder(endpoint: Endpoint) -> None:
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _number: endpoint.start(), range(4)))
    assert len({status.pid for status in statuses}) == 1
    eventually(lambda: endpoint.is_in(Phase.FORWARDING))
    assert endpoint.status().pid == statuses[0].pid


def test_killed_forwarder_is_started_again_over_what_it_left(endpoint: Endpoint) -> None:
    first = forwarding(endpoint)
    kill(first.pid)
    eventually(lambda: not endpoint.is_running())
    assert endpoint.paths.docker_socket.exists()
    assert forwarding(endpoint).pid != first.pid
    assert endpoint.ping() is None


def test_forwarder_that_hangs_is_reported_and_replaced(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = forwarding(endpoint)
    os.kill(first.pid, signal.SIGSTOP)
    eventually(lambda: "State:\tT" in Path(f"/proc/{first.pid}/status").read_text())
    monkeypatch.setattr("boot2docker_py.endpoint.control.ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(process, "STOP_POLITELY_S", 0.3)
    status = endpoint.status()
    assert (status.phase, status.pid) == (Phase.SILENT, first.pid)
    assert forwarding(endpoint).pid != first.pid
    eventually(lambda: not is_alive(first.pid))


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_forwarder_has_many_clients_at_once(endpoint: Endpoint) -> None:
    limits = Path(f"/proc/{forwarding(endpoint).pid}/limits").read_text()
    _max, _open, _files, soft, hard, _unit = next(
        line.split() for line in limits.splitlines() if line.startswith("Max open files")
    )
    assert int(soft) >= min(10_240, int(hard))


def test_stop_of_the_forwarder_leaves_no_process_and_no_sockets(endpoint: Endpoint) -> None:
    pid = forwarding(endpoint).pid
    with endpoint.client(b"echo\n") as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        process.stop(endpoint.paths)
        assert client.recv(1) == b""
    eventually(lambda: not is_alive(pid))
    assert process.status(endpoint.paths) is None
    assert not endpoint.paths.docker_socket.exists()
    assert not endpoint.paths.forwarder_control.exists()
    process.stop(endpoint.paths)  # and once more, when there is none


def test_forwarder_ends_when_its_folder_is_deleted(endpoint: Endpoint) -> None:
    pid = forwarding(endpoint).pid
    shutil.rmtree(endpoint.paths.run)
    eventually(lambda: not is_alive(pid))


def test_a_refused_key_is_a_failure_with_all_its_parts(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.key = tmp_path / "other"
    keys.ensure_key_pair(endpoint.key)
    endpoint.start()
    eventually(lambda: endpoint.is_in(Phase.FAILED))
    error = endpoint.status().last_error
    assert error is not None
    assert error.brief == f"the VM does not accept the SSH key '{endpoint.key}'"
    assert error.exit_status == 9
    assert "--sshkey" in error.resolution


def test_failed_forwarder_is_replaced_by_the_next_start(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.key = tmp_path / "other"
    keys.ensure_key_pair(endpoint.key)
    endpoint.start()
    eventually(lambda: endpoint.is_in(Phase.FAILED))
    endpoint.key = endpoint.sshd.key
    forwarding(endpoint)


def test_another_host_key_is_a_failure(endpoint: Endpoint) -> None:
    host_keys.pin(endpoint.paths.known_hosts, "vm", keys.make_host_key().public_line)
    endpoint.start()
    eventually(lambda: endpoint.is_in(Phase.FAILED))
    error = endpoint.status().last_error
    assert error is not None
    assert error.brief == "another SSH host key than before answers for the VM 'vm'"


def test_forwarder_connects_as_soon_as_the_vm_answers(
    endpoint: Endpoint, tmp_path: Path, engine: Engine
) -> None:
    late = Sshd(tmp_path / "late")
    endpoint = Endpoint(endpoint.paths.folder, late, engine)
    endpoint.start()
    eventually(lambda: endpoint.status().reason == "Connection refused")
    with late.running():
        eventually(lambda: endpoint.is_in(Phase.FORWARDING))


def test_an_engine_that_is_not_there_yet_is_no_failure(endpoint: Endpoint, tmp_path: Path) -> None:
    with Engine(tmp_path / "other.sock") as engine:
        endpoint.engine = engine
        forwarding(endpoint)
        engine.hide()
        assert endpoint.ping() is not None
        assert endpoint.is_in(Phase.FORWARDING)
        engine.show()
        assert endpoint.ping() is None


def test_slow_readers_cost_a_window_each_and_no_more(endpoint: Endpoint) -> None:
    pid = forwarding(endpoint).pid
    lazy = [endpoint.client(b"send %d\n" % (100 * MEGABYTE)) for _number in range(5)]
    before = -1
    while before != endpoint.status().bytes_to_client:
        before = endpoint.status().bytes_to_client
        time.sleep(0.5)
    peak_kb = int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0])
    for client in lazy:
        with client:
            data = b"".join(iter(lambda: client.recv(MEGABYTE), b""))  # noqa: B023
        assert hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]
    assert peak_kb < 80 * 1024


def test_traffic_of_docker_is_counted(endpoint: Endpoint) -> None:
    forwarding(endpoint)
    with endpoint.client(b"send 1000000\n") as client:
        eventually(lambda: endpoint.status().open_connections == 1)
        assert len(b"".join(iter(lambda: client.recv(MEGABYTE), b""))) == 1000064
    eventually(lambda: endpoint.status().open_connections == 0)
    status = endpoint.status()
    assert (status.total_connections, status.bytes_to_client) == (1, 1000064)
    assert status.bytes_to_guest == len(b"send 1000000\n")


def test_forwarder_outlives_the_terminal_that_started_it(endpoint: Endpoint) -> None:
    """Ctrl-C and a hang-up reach every process of the terminal's group and session."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from boot2docker_py.endpoint import process\n"
        "from boot2docker_py.endpoint.status import Settings\n"
        "from boot2docker_py.wait import Deadline\n"
        "process.start(Settings.from_json(sys.argv[1]), Deadline(60))\n"
        "print('started', flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, endpoint.settings().to_json()]
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-3, start_new_session=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"started\n"
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            os.killpg(shell.pid, number)
    eventually(lambda: endpoint.is_in(Phase.FORWARDING))
    assert endpoint.ping() is None


def test_forwarder_that_cannot_start_says_why(endpoint: Endpoint) -> None:
    endpoint.paths.run.mkdir()
    endpoint.paths.docker_socket.mkdir()
    with pytest.raises(GuestError) as caught:
        endpoint.start()
    assert caught.value.brief == "the forwarder of the VM ended as soon as it had started"
    assert "Is a directory" in caught.value.details


def test_status_and_start_of_the_forwarder_need_no_ssh_library() -> None:
    """`boot2docker status` must not pay for what it does not use."""
    script = (
        "import sys; import boot2docker_py.endpoint.process, boot2docker_py.endpoint.forwarder\n"
        "print([m for m in ('paramiko', 'cryptography', 'requests', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=-1, check=True)
    assert done.stdout == b"[]\n"


def test_forwarder_on_the_plain_way_takes_the_place_of_a_fast_one(endpoint: Endpoint) -> None:
    fast = forwarding(endpoint)
    endpoint.is_plain = True
    plain = forwarding(endpoint)
    assert (fast.is_plain, plain.is_plain, plain.pid != fast.pid) == (False, True, True)
    with endpoint.client(b"send 3000000\n") as client:
        received = b"".join(iter(lambda: client.recv(1 << 20), b""))
    assert len(received) == 3000000 + 64
    assert endpoint.ping() is None


def test_settings_survive_the_way_to_the_process(endpoint: Endpoint) -> None:
    settings = Settings(endpoint.paths, Address("127.0.0.1", 22), Path("/k é y"), 60.0)
    assert Settings.from_json(settings.to_json()) == settings
