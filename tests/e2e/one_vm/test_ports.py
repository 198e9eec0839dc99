"""Published ports of real containers, on this machine's loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from typing import Any, Iterator

import pytest

from tests.e2e.bare_qemu import free_port
from tests.e2e.conftest import VM
from tests.unit.ssh.real_sshd import eventually

pytestmark = pytest.mark.usefixtures("busybox_image")

UDP_ECHO = r"""
#include <arpa/inet.h>
#include <sys/socket.h>
int main(void)
{
    static char data[65536];
    struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(7) }, sender;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    bind(sock, (struct sockaddr *)&own, sizeof(own));
    for (;;) {
        socklen_t size = sizeof(sender);
        ssize_t got = recvfrom(sock, data, sizeof(data), 0, (struct sockaddr *)&sender, &size);
        if (got >= 0)
            sendto(sock, data, got, 0, (struct sockaddr *)&sender, size);
    }
}
"""
SERVE = "echo hello > /index.html; exec httpd -f -h / -p 80"


@contextlib.contextmanager
def web_server(vm: VM, *publish: str) -> Iterator[str]:
    """Run a web server for a `with` block; `publish` are values of `docker run -p`."""
    options = [word for value in publish for word in ("--publish", value)]
    words = ["run", "--detach", *options, "busybox", "sh", "-c", SERVE]
    name = vm.docker(*words).strip()
    try:
        yield name
    finally:
        vm.docker("rm", "--force", name)


def fetch(port: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            body: bytes = answer.read()
    except OSError:
        return b""
    return body


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # It was closed in the middle of the handshake: the next try hears why.
    return False


def ports(vm: VM) -> dict[int, dict[str, Any]]:
    found = json.loads(vm.run("ports", "--json"))["ports"]
    return {port["port"]: port for port in found}


def test_a_port_comes_and_goes_with_its_container(vm: VM) -> None:
    port = free_port()
    assert is_refused(port)
    with web_server(vm, f"{port}:80"):
        began = time.monotonic()
        eventually(lambda: fetch(port) == b"hello\n")
        print(f"it answered {time.monotonic() - began:.3f} s after `docker run` had returned")
        found = ports(vm)[port]
        assert f"127.0.0.1:{port}" in found["listens_at"]
        assert (found["container_port"], found["problem"]) == (80, "")
        assert f"{port}->80/tcp" in vm.run("ports")
    eventually(lambda: is_refused(port))
    assert port not in ports(vm)


def test_stopped_and_started_again(vm: VM) -> None:
    port = free_port()
    with web_server(vm, f"127.0.0.1:{port}:80") as name:
        eventually(lambda: fetch(port) == b"hello\n")
        vm.docker("stop", "--time", "0", name)
        eventually(lambda: is_refused(port))
        vm.docker("start", name)
        eventually(lambda: fetch(port) == b"hello\n")


def test_a_network_that_comes_and_goes(vm: VM) -> None:
    port = free_port()
    with web_server(vm, f"{port}:80") as name:
        eventually(lambda: fetch(port) == b"hello\n")
        vm.docker("network", "disconnect", "bridge", name)
        eventually(lambda: is_refused(port))
        vm.docker("network", "connect", "bridge", name)
        eventually(lambda: fetch(port) == b"hello\n")


def test_a_taken_port_is_reported_and_served_when_it_is_free(vm: VM) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as taken, web_server(vm, f"{port}:80"):
        eventually(lambda: port in ports(vm))
        assert "is taken by" in ports(vm)[port]["problem"]
        assert f"(process {os.getpid()})" in ports(vm)[port]["problem"]
        taken.close()
        eventually(lambda: fetch(port) == b"hello\n")


def test_an_engine_that_is_restarted(vm: VM) -> None:
    port = free_port()
    with web_server(vm, f"{port}:80") as name:
        vm.docker("update", "--restart", "always", name)
        eventually(lambda: fetch(port) == b"hello\n")
        vm.run("ssh", "sudo", "/etc/init.d/docker", "restart")
        eventually(lambda: fetch(port) == b"hello\n", within_s=150)


@pytest.fixture(scope="module")
def udp_echo_image(one_vm: VM, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a container image that sends datagrams back; busybox has nothing of the kind."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc, as `make iso` does")
    context = tmp_path_factory.mktemp("udp")
    (context / "echo.c").write_text(UDP_ECHO)
    command = ["gcc", "-static", "-o", str(context / "echo"), str(context / "echo.c")]
    subprocess.run(command, check=True)
    (context / "Dockerfile").write_text('FROM scratch\nCOPY echo /echo\nCMD ["/echo"]\n')
    one_vm.docker("build", "--tag", "udp-echo", str(context))
    return "udp-echo"


def test_udp(vm: VM, udp_echo_image: str) -> None:
    port = free_port()
    name = vm.docker("run", "--detach", "--publish", f"{port}:7/udp", udp_echo_image).strip()
    try:
        for data in (b"hello", os.urandom(1400), os.urandom(20000)):
            eventually(lambda data=data: udp_echoes(port, data))
        assert f"127.0.0.1:{port}" in ports(vm)[port]["listens_at"]
    finally:
        vm.docker("rm", "--force", name)
    eventually(lambda: port not in ports(vm))
    assert not udp_echoes(port, b"hello")


def udp_echoes(port: int, data: bytes) -> bool:
    """Send and read one datagram, which may be lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        with contextlib.suppress(OSError):
            sock.connect(("127.0.0.1", port))
            sock.send(data)
            return sock.recv(65535) == data
    return False


def test_off(vm: VM) -> None:
    port = free_port()
    with web_server(vm, f"{port}:80"):
        eventually(lambda: fetch(port) == b"hello\n")
        vm.run("up", "--publish", "off")
        eventually(lambda: is_refused(port))
        assert ports(vm)[port]["problem"] == "off (--publish off)"
        vm.run("up")
        eventually(lambda: fetch(port) == b"hello\n")


def test_a_port_takes_connections_when_docker_run_returns(vm: VM) -> None:
    for _round in range(10):
        port = free_port()
        with web_server(vm, f"{port}:80"):
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
