"""What is read out of the engine's list, and out of the tables of processes that have a port."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
from typing import Any

import pytest

from boot2docker_py.endpoint.ports.published import MOST_PORTS, PublishedPort, published_by
from boot2docker_py.host import port_holder
from boot2docker_py.host.port_problem import why_not


def container(*ports: dict[str, Any], names: tuple[str, ...] = ("/web",)) -> dict[str, Any]:
    return {"Id": "0123456789abcdef", "Names": list(names), "Ports": list(ports)}


def entry(address: str | None, public: int | None = 8080, kind: str = "tcp") -> dict[str, Any]:
    found: dict[str, Any] = {"PrivatePort": 80, "Type": kind}
    if address is not None:
        found["IP"] = address
    if public is not None:
        found["PublicPort"] = public
    return found


NO_PROTOCOLS: list[object] = [None, 5, "icmp", "tcp\x1b[31m", []]
NO_PORTS: list[object] = [-1, 0, 70000, 2**70, 1.5, True, "8080", None, []]


class TestList:
    def test_both_halves_of_a_port_are_one(self) -> None:
        (port,) = published_by([container(entry("0.0.0.0"), entry("::"))])
        assert port == PublishedPort("web", "tcp", 8080, 80, "0.0.0.0")
        assert (port.target, port.is_for_loopback) == ("127.0.0.1", False)

    def test_a_service_publishes_by_the_routing_mesh(self) -> None:
        mesh = {"Protocol": "udp", "TargetPort": 53, "PublishedPort": 8053}
        own = {**mesh, "PublishedPort": 8054, "PublishMode": "host"}
        odd: list[object] = [{**mesh, "PublishedPort": port} for port in NO_PORTS]
        service = {"Spec": {"Name": "dns"}, "Endpoint": {"Ports": [mesh, own, *odd, None]}}
        port = PublishedPort("dns", "udp", 8053, 53, "0.0.0.0", is_of_service=True)
        assert published_by([service]) == [port]

    @pytest.mark.parametrize("nothing", [None, 5, {"Ports": None}, {"Ports": {"a": 1}}, {}])
    def test_a_service_without_ports_publishes_none(self, nothing: object) -> None:
        assert published_by([{"Spec": nothing, "Endpoint": nothing}]) == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            *[("PublicPort", port) for port in NO_PORTS],
            *[("PrivatePort", port) for port in NO_PORTS],
            *[("Type", kind) for kind in NO_PROTOCOLS],
            *[
                ("IP", text)
                for text in ("$(id)", 5, "1.2.3", "127.0.0.1\n", "::1%\x1b[m", {"a": 1})
            ],
            ("", "no object"),
            ("", None),
        ],
    )
    def test_entry_that_is_no_port_is_left_out_alone(self, key: str, value: Any) -> None:
        """Else one container could keep the ports of all others from being served."""
        odd = {**entry("0.0.0.0", 1), key: value} if key else value
        ports = published_by([container(odd, entry("0.0.0.0", 2)), container(entry("::", 3))])
        assert [port.port for port in ports] == [2, 3]

    @pytest.mark.parametrize("names", [None, 5, "x", [5], ["/" + "x" * 100_000]])
    def test_container_without_a_name(self, names: object) -> None:
        odd = {"Id": 5, "Names": names, "Ports": [entry("0.0.0.0")]}
        (port,) = published_by([odd])
        assert 0 < len(port.container) <= 256 or names == [5]

    def test_list_of_ports_without_end_is_bounded(self) -> None:
        many = [entry("0.0.0.0", number) for number in range(1, 60_000)]
        assert len(published_by([container(*many)])) == MOST_PORTS

    def test_port_that_is_exposed_and_not_published_is_left_out(self) -> None:
        assert published_by([container(entry(None, None), entry("0.0.0.0", 0))]) == []

    @pytest.mark.parametrize("nothing", [None, [], ()])
    def test_container_without_ports_has_none(self, nothing: object) -> None:
        assert published_by([{"Id": "1", "Names": ["/x"], "Ports": nothing}]) == []

    def test_port_without_an_address_is_served_everywhere(self) -> None:
        assert published_by([container(entry(None))])[0].target == "127.0.0.1"

    def test_port_at_ipv6_alone(self) -> None:
        (port,) = published_by([container(entry("::"))])
        assert port.target == "::1"

    @pytest.mark.parametrize(
        ("address", "is_private"),
        [("127.0.0.1", True), ("127.0.0.9", True), ("::1", True), ("192.168.59.103", False)],
    )
    def test_address_that_was_named_is_the_target(self, address: str, is_private: bool) -> None:
        (port,) = published_by([container(entry(address))])
        assert port.target == address
        assert port.is_for_loopback is is_private

    def test_own_name_of_a_container_is_the_one_without_a_second_slash(self) -> None:
        names = ("/other/alias", "/größe")
        assert published_by([container(entry("0.0.0.0"), names=names)])[0].container == "größe"

    def test_number_stands_in_for_a_container_without_a_name(self) -> None:
        found = published_by([container(entry("0.0.0.0"), names=())])
        assert found[0].container == "0123456789ab"

    def test_ports_that_are_reached_everywhere_come_first(self) -> None:
        named = container(entry("10.0.2.15"), names=("/a",))
        everywhere = container(entry("0.0.0.0"), names=("/b",))
        assert [port.container for port in published_by([named, everywhere])] == ["b", "a"]

    def test_tcp_and_udp_are_two_ports(self) -> None:
        found = published_by([container(entry("0.0.0.0"), entry("0.0.0.0", kind="udp"))])
        assert [port.key for port in found] == [("tcp", 8080), ("udp", 8080)]


LINUX = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
"""


LINUX6 = f"""\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: {"0" * 24}01000000:1F90 {"0" * 32}:0000 0A 0:0 00:0 0     0        0 4714 1
   1: {"0" * 32}:1F91 {"0" * 32}:0000 0A 0:0 00:0 0     0        0 4715 1
"""


def linux(table: str, wanted: str, port: int) -> list[tuple[int, int]]:
    return [(h.inode, h.user) for h in port_holder.linux_holders(table, wanted, port, "0A")]


class TestHolder:
    def test_linux_tells_who_listens(self) -> None:
        assert linux(LINUX, "127.0.0.1", 8080) == [(4711, 1000)]
        assert linux(LINUX, "0.0.0.0", 8080) == [(4711, 1000)]
        assert linux(LINUX, "127.0.0.2", 8080) == []
        assert linux(LINUX, "127.0.0.1", 8081) == [(4713, 0)]
        assert linux(LINUX, "127.0.0.1", 8082) == []

    @pytest.mark.skipif(sys.byteorder != "little", reason="the table is of such a machine")
    def test_linux_tells_of_ipv6(self) -> None:
        assert linux(LINUX6, "::1", 8080) == [(4714, 0)]
        assert linux(LINUX6, "127.0.0.1", 8081) == [(4715, 0)]
        assert linux(LINUX6, "127.0.0.1", 8080) == []

    def test_windows_tells_who_listens(self) -> None:
        """MIB_TCPTABLE_OWNER_PID: a count, then rows of six words."""
        listens, loopback, any_address = 2, 0x0100007F, 0
        first = (listens, loopback, socket.htons(8080), 0, 0, 11)
        second = (listens, any_address, socket.htons(80), 0, 0, 4)
        table = struct.pack("<I6I6I", 2, *first, *second) + bytes(50)

        def holders(wanted: str, port: int) -> list[int]:
            return list(port_holder.windows_holders(table, "tcp", wanted, port))

        assert holders("127.0.0.1", 8080) == [11]
        assert holders("127.0.0.2", 8080) == []
        assert holders("127.0.0.1", 80) == [4]
        assert holders("127.0.0.1", 81) == []

    def test_windows_tells_who_has_a_udp_port(self) -> None:
        table = struct.pack("<4I", 1, 0, socket.htons(53), 99)
        assert list(port_holder.windows_holders(table, "udp", "127.0.0.1", 53)) == [99]

    @pytest.mark.skipif(not port_holder.PROC.exists(), reason="needs Linux' /proc")
    def test_a_program_here_is_found(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            found = port_holder.holder("tcp", *taken.getsockname())
        assert f"(process {os.getpid()})" in found

    def test_a_forwarder_is_known_by_its_vm(self) -> None:
        words = ["python", "-m", "boot2docker_py.endpoint"]
        settings = json.dumps({"paths": {"name": "dev"}})
        assert port_holder.forwarder_in([*words, settings]) == "the forwarder of VM 'dev'"
        assert port_holder.forwarder_in([*words, "what?"]) == "the forwarder of another VM"
        assert port_holder.forwarder_in(words) == "the forwarder of another VM"
        assert port_holder.forwarder_in(["nginx", ""]) == ""


class TestWords:
    def test_port_taken_by_a_program_that_the_system_does_not_name(self) -> None:
        error = OSError(errno.EADDRINUSE, "Address already in use")
        assert why_not(error, "tcp", 80, "nginx (process 7)", "linux") == (
            "taken by nginx (process 7)"
        )
        assert why_not(error, "udp", 53, "", "linux") == "taken by another program"
        assert why_not(error, "udp", 53, "", "darwin") == (
            "taken by another program (which: sudo lsof -nP -i udp:53)"
        )
        assert "netstat -ano -p tcp" in why_not(error, "tcp", 80, "", "win32")

    def test_port_that_needs_more_rights(self) -> None:
        error = OSError(errno.EACCES, "Permission denied")
        assert why_not(error, "tcp", 80, "", "linux") == (
            "not for this user: ports as low as 80 need more rights"
        )
        assert "kept by Windows" in why_not(error, "tcp", 80, "", "win32")

    def test_address_that_this_machine_does_not_have(self) -> None:
        error = OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        assert why_not(error, "tcp", 80, "", "linux") == "not an address of this machine"

    def test_port_without_a_descriptor_left(self) -> None:
        error = OSError(errno.EMFILE, "Too many open files")
        assert "so many connections" in why_not(error, "tcp", 80, "", "linux")

    def test_any_other_problem_names_the_port_and_what_may_have_it(self) -> None:
        error = OSError(errno.EINVAL, "Invalid argument")
        assert why_not(error, "udp", 80, "", "linux") == (
            "refused by this system (EINVAL); a firewall or another program may keep UDP port 80"
        )
