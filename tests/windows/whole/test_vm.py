"""One VM under the boot2docker of Windows: all that its commands do, by what a user sees."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import select
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.ssh.real_sshd import eventually
from tests.windows.whole import engine
from tests.windows.whole.conftest import HOME, VM

MEGABYTE = 1024 * 1024


def ask(vm: VM, pipe: str, path: str = "/_ping") -> str:
    return engine.ask(vm.windows, pipe, path)


class TestEngine:
    def test_answers_at_the_pipe_of_the_vm(self, vm: VM) -> None:
        assert ask(vm, vm.pipe).endswith("OK\n")
        assert '"OperatingSystem"' in ask(vm, vm.pipe, "/info")

    def test_answers_where_docker_looks_by_itself(self, vm: VM) -> None:
        assert ask(vm, r"\\.\pipe\docker_engine").endswith("OK\n")

    def test_carries_a_stream_byte_by_byte(self, vm: VM) -> None:
        assert engine.carries_a_stream(vm.windows, vm.pipe)

    def test_serves_more_at_once_than_select_takes(self, vm: VM) -> None:
        """Python's own `select` takes 512 sockets there; the VM's sshd, about a thousand."""
        port = free_port()
        vm.run("forward", "--tcp", str(port))
        script = r"""
import socket, sys, time
port = int(sys.argv[1])
began = time.monotonic()
clients = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(600)]
answers = 0
for client in clients:
    client.sendall(b"GET /_ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
for client in clients:
    client.settimeout(120)
    answers += client.recv(65536).startswith(b"HTTP/1.1 200")
print(answers)
print("%.1f s" % (time.monotonic() - began), file=sys.stderr)
"""
        try:
            assert vm.windows.python(script, str(port)) == "600\n"
            assert vm.status()["forwarder"]["phase"] == "forwarding"
        finally:
            vm.run("forward")


class TestSSH:
    @pytest.mark.parametrize(("line", "status"), [("true", 0), ("exit 7", 7), ("kill -9 $$", 137)])
    def test_passes_the_exit_status(self, vm: VM, line: str, status: int) -> None:
        assert vm.try_run("ssh", line).returncode == status

    def test_passes_every_byte_both_ways(self, vm: VM) -> None:
        data = os.urandom(5 * MEGABYTE) + bytes(range(256)) + b"\r\n\x1a\n"
        answer = vm.try_run("ssh", "cat", stdin=data)
        assert hashlib.sha256(answer.stdout).digest() == hashlib.sha256(data).digest()

    def test_is_a_terminal_with_letters_beyond_ascii(self, vm: VM) -> None:
        child, screen = in_console(vm, "ssh")
        try:
            assert read_until(screen, rb":~\S*[$#]")
            os.write(screen, "tty; echo gr\u00fc\u00dfe-$((40 + 2))\r".encode())
            said = read_until(screen, rb"-42")
            os.write(screen, b"exit 9\r")
            read_until(screen, rb"\Z", within_s=5)
        finally:
            _pid, status = os.waitpid(child, 0)
        assert b"/dev/pts/" in said
        assert "gr\u00fc\u00dfe-42".encode() in said
        assert os.WEXITSTATUS(status) == 9


def in_console(vm: VM, *words: str) -> tuple[int, int]:
    """Run boot2docker.exe in a console of its own; return its process, and the console."""
    command = vm.windows.command(*vm.words(*words))
    child, screen = pty.fork()
    if not child:
        os.execve(command[0], command, vm.windows.environ)
    return child, screen


def read_until(screen: int, pattern: bytes, within_s: float = 60.0) -> bytes:
    """Return what came until the pattern did, without the console's own sequences."""
    end, said = time.monotonic() + within_s, b""
    while time.monotonic() < end:
        if select.select([screen], [], [], 0.2)[0]:
            try:
                said += os.read(screen, 65536)
            except OSError:
                break
        plain = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", said)
        if pattern != rb"\Z" and re.search(pattern, plain):
            return plain
    return re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", said)


class TestCopy:
    def test_goes_both_ways(self, vm: VM) -> None:
        data = os.urandom(MEGABYTE)
        name = HOME + "\\\u00e4 file.bin"
        vm.windows.here(name).write_bytes(data)
        vm.run("cp", name, "vm:/tmp/there.bin")
        vm.run("cp", "vm:/tmp/there.bin", HOME + "\\back.bin")
        assert vm.windows.here(HOME + "\\back.bin").read_bytes() == data


class TestShellinit:
    def test_is_what_cmd_evaluates(self, vm: VM) -> None:
        batch = "C:\\evaluate.bat"  # Wine's cmd takes no name with an ampersand
        lines = vm.try_run("shellinit", "--shell", "cmd").stdout
        vm.windows.here(batch).write_bytes(
            b"@echo off\r\nchcp 65001 >nul\r\n" + lines + b"\r\necho %DOCKER_HOST%\r\n"
        )
        answer = vm.windows.run("cmd.exe", "/c", batch)
        pipe = vm.pipe.replace("\\", "/")
        assert f"npipe://{pipe}".encode() in answer.stdout, answer


class TestPorts:
    def test_published_one_answers_on_windows(self, vm: VM, busybox: str) -> None:
        port = free_port()
        serve = "echo hello > /index.html; exec httpd -f -h / -p 80"
        words = ["docker", "run", "-d", "-p", f"{port}:80", busybox, "sh", "-c", f"'{serve}'"]
        name = vm.run("ssh", *words).strip()
        try:
            eventually(lambda: b"hello" in fetch(port))
            listed = json.loads(vm.run("ports", "--json"))
            assert str(port) in json.dumps(listed)
        finally:
            vm.run("ssh", "docker", "rm", "-f", name)
        eventually(lambda: fetch(port) == b"")


class TestViolence:
    def test_killed_forwarder_is_started_again_by_the_next_up(self, vm: VM) -> None:
        pid = vm.status()["forwarder"]["pid"]
        killed = vm.windows.run("taskkill.exe", "/F", "/PID", str(pid))
        assert killed.returncode == 0, killed
        vm.run("up")
        assert vm.status()["forwarder"]["pid"] != pid
        assert ask(vm, vm.pipe).endswith("OK\n")

    def test_two_commands_at_once_come_one_after_the_other(self, vm: VM) -> None:
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda word: vm.try_run(word), ["up", "up"]))
        assert [answer.returncode for answer in done] == [0, 0]
        assert ask(vm, vm.pipe).endswith("OK\n")

    def test_ctrl_c_ends_a_command_and_leaves_the_vm(self, vm: VM) -> None:
        child, screen = in_console(vm, "logs", "-f", "engine")
        read_until(screen, rb"API listen")
        os.write(screen, b"\x03")  # what is said last, Wine's console does not show any more
        read_until(screen, rb"\Z", within_s=5)
        _pid, status = os.waitpid(child, 0)
        assert os.WEXITSTATUS(status) == 130
        assert ask(vm, vm.pipe).endswith("OK\n")


class TestPower:
    """The last of the file: they stop the VM."""

    def test_save_keeps_what_runs_or_says_why_not(self, vm: VM) -> None:
        boot = vm.run("ssh", "cat", "/proc/sys/kernel/random/boot_id")
        answer = vm.try_run("save")
        if b"valid migration protocol" in answer.stderr:  # of a file: QEMU 8.2 and later
            assert answer.returncode == 6
            assert vm.run("ssh", "cat", "/proc/sys/kernel/random/boot_id") == boot
            return
        assert answer.returncode == 0, answer.stderr
        assert vm.run("status").strip() == "saved"
        vm.run("up", "--timeout", "540")
        assert vm.run("ssh", "cat", "/proc/sys/kernel/random/boot_id") == boot

    def test_down_and_an_up_whose_console_is_closed(self, vm: VM) -> None:
        """The window is closed while the VM boots: the next `up` goes on with it."""
        boot = vm.run("ssh", "cat", "/proc/sys/kernel/random/boot_id")
        vm.run("down")
        assert vm.run("status").strip() == "poweroff"
        child, screen = in_console(vm, "up", "--timeout", "540")
        assert b"Starting" in read_until(screen, rb"Starting")
        os.close(screen)
        os.waitpid(child, 0)
        vm.run("up", "--timeout", "540")
        assert vm.run("ssh", "cat", "/proc/sys/kernel/random/boot_id") != boot
        assert ask(vm, vm.pipe).endswith("OK\n")


def fetch(port: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            body: bytes = answer.read()
    except OSError:
        return b""
    return body


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
