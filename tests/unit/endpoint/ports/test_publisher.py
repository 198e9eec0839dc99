"""Published ports on this machine: they come and go with the containers, whatever happens."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from boot2docker_py.address import Address
from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.of_vm import Endpoint
from boot2docker_py.errors import GuestError
from boot2docker_py.wait import Deadline
from tests.unit.endpoint.docker_engine import GUEST, DockerEngine, Echo
from tests.unit.endpoint.ports.publishing import VM, answers, connect, refuses
from tests.unit.free_ports import free_port
from tests.unit.ssh.real_sshd import Cable, Sshd, eventually

LONG_S = 60.0
MEGABYTE = 1024 * 1024

has_ipv6 = pytest.mark.skipif(
    not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6"
)


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(MEGABYTE), b""))


def send_all(client: socket.socket, data: bytes) -> None:
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def test_a_port_comes_and_goes_with_its_container(vm: VM, docker: DockerEngine, port: int) -> None:
    vm.forward()
    eventually(vm.is_followed)
    assert refuses(port)
    docker.start("web", port)
    eventually(lambda: answers(port))
    docker.stop("web")
    eventually(lambda: refuses(port))
    docker.start("web", port)
    eventually(lambda: answers(port))


def test_containers_that_run_already_are_served(vm: VM, docker: DockerEngine, port: int) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))


def test_a_service_of_a_swarm_is_served_though_its_containers_run_elsewhere(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.create_service("web", port)
    eventually(lambda: "web" in vm.ports())
    assert f"127.0.0.1:{port}" in vm.ports()["web"]["listens_at"]
    docker.remove_services()
    eventually(lambda: refuses(port))
    assert vm.ports() == {}


def test_services_that_are_there_already_are_served(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.create_service("web", port)
    docker.create_service("own", free_port(), mode="host")
    vm.forward()
    eventually(lambda: vm.ports())
    assert list(vm.ports()) == ["web"]


def test_an_engine_whose_services_cannot_be_read_is_said_to_be_so(
    vm: VM, docker: DockerEngine
) -> None:
    docker.services = {"no": "list"}  # type: ignore[assignment]
    vm.forward()
    eventually(lambda: "list is none" in vm.why_unknown())


@has_ipv6
def test_port_at_localhost_is_served_at_both_its_addresses(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port, "::1"))
    assert answers(port, "127.0.0.1")
    assert vm.ports()["web"]["listens_at"] == [f"127.0.0.1:{port}", f"[::1]:{port}"]
    docker.stop("web")
    eventually(lambda: refuses(port, "::1"))


def test_port_is_not_served_to_other_machines(vm: VM, docker: DockerEngine, port: int) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    assert refuses(port, "127.0.0.3")


def test_port_is_served_at_all_addresses_when_asked_for(vm: VM, docker: DockerEngine) -> None:
    """Not for what `docker run -p 127.0.0.1:...` wanted for the machine itself."""
    wide, narrow = free_port(), free_port()
    docker.containers["wide"] = {
        "Id": "1",
        "Names": ["/wide"],
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 1, "PublicPort": wide, "Type": "tcp"}],
    }
    docker.start("narrow", narrow, address=GUEST)
    vm.forward(publish="all")
    eventually(lambda: vm.ports())
    assert f"0.0.0.0:{wide}" in vm.ports()["wide"]["listens_at"]
    assert f"127.0.0.1:{narrow}" in vm.ports()["narrow"]["listens_at"]
    assert not refuses(wide, "127.0.0.3")
    assert refuses(narrow, "127.0.0.3")


def test_no_port_is_served_when_publishing_is_off(vm: VM, docker: DockerEngine, port: int) -> None:
    docker.start("web", port)
    vm.forward(publish="off")
    eventually(lambda: vm.ports())
    assert vm.ports()["web"]["problem"] == "off (--publish off)"
    assert vm.ports()["web"]["listens_at"] == []
    assert refuses(port)


def test_serving_at_all_addresses_is_warned_of(vm: VM, caplog: pytest.LogCaptureFixture) -> None:
    address = Address("127.0.0.1", free_port())
    for publish, warnings in [("loopback", 0), ("all", 1)]:
        endpoint = Endpoint(vm.paths, vm.sshd.key, publish)
        endpoint.start(address, Deadline(LONG_S))
        status = endpoint.status()
        assert status is not None
        assert status.publish == publish
        assert caplog.text.count("Other machines can reach") == warnings


def test_end_of_serving_at_all_addresses_is_said(vm: VM, caplog: pytest.LogCaptureFixture) -> None:
    address = Address("127.0.0.1", free_port())
    for publish, sayings in [("all", 0), ("all", 0), ("loopback", 1), ("loopback", 1)]:
        Endpoint(vm.paths, vm.sshd.key, publish).start(address, Deadline(LONG_S))
        assert caplog.text.count("can no longer reach published ports") == sayings


def test_another_setting_replaces_the_forwarder(vm: VM, docker: DockerEngine, port: int) -> None:
    docker.start("web", port)
    first = vm.forward()
    eventually(lambda: answers(port))
    assert vm.forward() == first
    assert vm.forward(publish="off") != first
    eventually(lambda: refuses(port))


@has_ipv6
def test_port_published_at_an_ipv6_address_is_served(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.start("web", port, address="::1")
    vm.forward()
    eventually(lambda: answers(port, "127.0.0.1"))


def test_port_carries_exact_bytes_and_the_end_of_each_direction(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    data = os.urandom(20 * MEGABYTE)
    with connect(port) as client:
        sender = threading.Thread(target=send_all, args=(client, data), daemon=True)
        sender.start()
        assert read_all(client) == data
        sender.join()


def test_open_connections_outlive_a_change_of_others(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    other = free_port()
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    with connect(port) as client:
        docker.start("other", other)
        eventually(lambda: answers(other))
        docker.containers["web"]["Names"] = ["/renamed"]
        docker.tell("container", "rename", "renamed")
        eventually(lambda: "renamed" in vm.ports())
        client.sendall(b"still here")
        assert client.recv(10) == b"still here"
    assert answers(port)


def test_container_that_does_not_answer_yet_ends_its_client(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    """The client is closed at once, and does not hang; the reason is given."""
    docker.start("web", port)
    docker.end_server("web")
    vm.forward()
    eventually(lambda: vm.ports())
    with connect(port) as client:
        assert client.recv(1) == b""
    eventually(lambda: "the guest refused" in vm.ports()["web"]["problem"])
    server = Echo(GUEST, port)
    eventually(lambda: answers(port))
    eventually(lambda: vm.ports()["web"]["problem"] == "")
    server.close()


def test_a_taken_port_is_reported_and_served_when_it_is_free(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        docker.start("web", port)
        vm.forward()
        eventually(lambda: "web" in vm.ports())
        problem = vm.ports()["web"]["problem"]
        assert problem.startswith(f"127.0.0.1:{port} is taken by ")
        assert f"(process {os.getpid()})" in problem
        assert f"container 'web': 127.0.0.1:{port} is taken by " in vm.log()
        assert f"(process {os.getpid()})" in vm.log()
    eventually(lambda: answers(port))
    assert vm.ports()["web"]["problem"] == ""
    assert vm.log().count("is taken by") == 1


def test_port_of_two_vms_is_served_for_the_first(
    vm: VM, docker: DockerEngine, tmp_path: Path, sshd: Sshd, port: int
) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    with DockerEngine(tmp_path / "second.sock") as second_docker:
        second = VM(tmp_path / "second", sshd, second_docker, name="second")
        try:
            second_docker.start("web2", port, address="127.0.0.4")
            second.forward()
            eventually(lambda: "web2" in second.ports())
            problem = second.ports()["web2"]["problem"]
            assert f"127.0.0.1:{port} is taken by the forwarder of VM 'vm' (process " in problem
            docker.stop("web")
            eventually(lambda: second.ports()["web2"]["listens_at"] != [])
            assert answers(port)
        finally:
            process.stop(second.paths)


def test_port_of_a_service_goes_to_the_vm_of_another_manager_when_its_own_is_lost(
    vm: VM, docker: DockerEngine, tmp_path: Path, sshd: Sshd, cable: Cable, port: int
) -> None:
    docker.create_service("web", port)
    vm.forward(cable.address)
    eventually(lambda: vm.ports())
    with DockerEngine(tmp_path / "second.sock") as second_docker:
        second = VM(tmp_path / "second", sshd, second_docker, name="second")
        try:
            second_docker.create_service("web", port)
            second.forward()
            eventually(lambda: "taken by" in str(second.ports()))
            cable.unplug()
            cable.cut()
            eventually(lambda: "taken by" not in str(second.ports()))
            assert f"127.0.0.1:{port}" in second.ports()["web"]["listens_at"]
        finally:
            process.stop(second.paths)


def test_port_of_two_containers_at_two_addresses_is_served_for_each(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    """The first keeps it; the second has it as soon as the first is gone."""
    docker.start("second", port, address="127.0.0.5")
    vm.forward()
    eventually(lambda: answers(port))
    docker.start("first", port, address=GUEST)
    eventually(lambda: "first" in vm.ports())
    assert vm.ports()["first"]["problem"] == "the port here is that of container 'second'"
    assert vm.ports()["second"]["problem"] == ""
    docker.stop("second")
    eventually(lambda: vm.ports()["first"]["listens_at"] != [])
    eventually(lambda: answers(port))


def test_port_of_another_protocol_is_reported(vm: VM, docker: DockerEngine, port: int) -> None:
    docker.start("phone", port, protocol="sctp")
    vm.forward()
    eventually(lambda: "phone" in vm.ports())
    assert vm.ports()["phone"]["problem"] == "SSH carries no SCTP"


def test_clients_of_a_port_are_refused_while_the_engine_is_away(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    docker.crash()
    eventually(lambda: refuses(port))
    with pytest.raises(GuestError) as caught:
        vm.endpoint.ports()
    assert caught.value.details
    docker.come_back()
    eventually(lambda: answers(port))


def test_cut_stream_of_events_is_followed_again(vm: VM, docker: DockerEngine, port: int) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.cut_events()
    eventually(vm.is_followed)
    docker.start("web", port)
    eventually(lambda: answers(port))


def test_clients_of_a_port_are_refused_while_the_vm_is_away(
    vm: VM, docker: DockerEngine, sshd: Sshd, port: int
) -> None:
    docker.start("web", port)
    with Cable(sshd.address) as cable:
        vm.forward(cable.address)
        eventually(lambda: answers(port))
        with connect(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            cable.cut()
            assert client.recv(1) == b""
        eventually(lambda: answers(port))
        cable.unplug()
        cable.cut()
        eventually(lambda: refuses(port))


def test_events_since_the_list_are_asked_for(vm: VM, docker: DockerEngine) -> None:
    vm.forward()
    eventually(vm.is_followed)
    assert docker.queries[0]["since"][0].isdigit()
    assert "die" in docker.queries[0]["filters"][0]


@pytest.mark.parametrize("piece_bytes", [1, 7, 100])
def test_events_may_be_cut_anywhere(
    vm: VM, docker: DockerEngine, port: int, piece_bytes: int
) -> None:
    docker.piece_bytes = piece_bytes
    vm.forward()
    eventually(vm.is_followed)
    docker.start("käpt'n-größe", port)
    eventually(lambda: answers(port))
    assert list(vm.ports()) == ["käpt'n-größe"]


def test_events_that_come_together_cost_one_question(vm: VM, docker: DockerEngine) -> None:
    vm.forward()
    eventually(vm.is_followed)
    before = docker.lists
    docker.send(b'{"Type": "container", "Action": "start"}\n' * 500)
    eventually(lambda: docker.lists > before)
    docker.start("last", free_port())
    eventually(lambda: "last" in vm.ports())
    assert docker.lists < before + 20


def test_network_of_a_container_is_looked_at_once_more_when_it_has_settled(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.tell("network", "connect", "web")
    ports = [{"IP": GUEST, "PrivatePort": 80, "PublicPort": port, "Type": "tcp"}]
    docker.containers["web"] = {"Id": "1", "Names": ["/web"], "Ports": ports}
    eventually(lambda: "web" in vm.ports())


@pytest.mark.parametrize(
    "nonsense",
    [b"{}\n", b"no JSON\n", b"\xff\xfe\n", b"[1]\n", b"x" * 5 * MEGABYTE],
    ids=["no type", "no JSON", "no text", "no object", "no end"],
)
def test_nonsense_in_the_events_is_survived(
    vm: VM, docker: DockerEngine, port: int, nonsense: bytes
) -> None:
    vm.forward()
    eventually(vm.is_followed)
    docker.send(nonsense)
    docker.start("web", port)
    eventually(lambda: answers(port))


def test_engine_that_answers_something_else_is_reported(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.status_line = b"HTTP/1.0 503 Busy"
    docker.start("web", port)
    vm.forward()

    def details() -> str:
        with contextlib.suppress(GuestError):
            vm.endpoint.ports()
            return ""
        with pytest.raises(GuestError) as caught:
            vm.endpoint.ports()
        return caught.value.details

    eventually(lambda: "503 Busy" in details())
    docker.status_line = b"HTTP/1.0 200 OK"
    eventually(lambda: answers(port))


def test_ports_of_many_containers_are_served(vm: VM, docker: DockerEngine) -> None:
    vm.forward()
    eventually(vm.is_followed)
    # Windows asks a port that refuses three times, over seconds.
    many = 10 if sys.platform == "win32" else 60
    ports = [free_port() for _number in range(many)]
    ports = sorted(set(ports))
    for port in ports:
        docker.start(f"web{port}", port)
    eventually(lambda: all(answers(port) for port in ports))
    assert len(vm.ports()) == len(ports)
    for port in ports:
        docker.stop(f"web{port}")
    eventually(lambda: all(refuses(port) for port in ports))


def test_published_ports_end_with_the_forwarder(vm: VM, docker: DockerEngine, port: int) -> None:
    docker.start("web", port)
    vm.forward()
    eventually(lambda: answers(port))
    process.stop(vm.paths)
    assert refuses(port)
    with pytest.raises(GuestError) as caught:
        vm.endpoint.ports()
    assert caught.value.details == "the forwarder does not answer"


def test_connections_to_a_port_leave_nothing_behind(
    vm: VM, docker: DockerEngine, port: int
) -> None:
    docker.start("web", port)
    pid = vm.forward()
    eventually(lambda: answers(port))
    eventually(lambda: len(descriptors(pid)) < 30)
    before = len(descriptors(pid))
    for _round in range(4):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(port)) for _number in range(100)]
            for number, client in enumerate(clients):
                client.sendall(b"%d" % number)
            for number, client in enumerate(clients):
                assert client.recv(100) == b"%d" % number
    eventually(lambda: len(descriptors(pid)) <= before)
    assert len(list(Path(f"/proc/{pid}/task").iterdir())) < 10


def descriptors(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/fd")
