"""`boot2docker ssh` against the real guest: commands, streams, a terminal."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from typing import Iterator

import pytest

from boot2docker_py.guest import addresses
from tests.e2e.conftest import VM


def test_status_of_the_command_is_passed_on(vm: VM) -> None:
    for status in (0, 1, 42, 255):
        assert vm.try_run("ssh", f"exit {status}").returncode == status


def test_the_address_of_an_adapter_is_told_by_its_mac(vm: VM) -> None:
    mac = vm.run("ssh", "cat /sys/class/net/eth0/address").strip()
    told = vm.run("ssh", addresses.COMMAND)
    assert addresses.parse(told, mac) == "10.0.2.15"
    assert addresses.parse(told, "08:00:27:00:00:00") is None


def test_death_by_signal(vm: VM) -> None:
    assert vm.try_run("ssh", "kill -9 $$").returncode == 128 + 9


def test_streams_are_kept_apart_and_exact(vm: VM) -> None:
    data = os.urandom(2_000_000)
    script = "file=$(mktemp); cat > $file; cat $file >&2; cat $file; rm $file"
    answer = vm.try_run("ssh", script, stdin=data)
    assert answer.returncode == 0
    assert hashlib.sha256(answer.stdout).digest() == hashlib.sha256(data).digest()
    assert answer.stderr == data


def test_words_reach_the_shell_of_the_guest(vm: VM) -> None:
    assert vm.run("ssh", "echo $USER | tr a-z A-Z") == "DOCKER\n"
    assert vm.run("ssh", "ls", "-d", "/home/docker") == "/home/docker\n"


def test_guest_ends_before_its_input(vm: VM) -> None:
    answer = vm.try_run("ssh", "true", stdin=b"x" * 1_000_000)
    assert answer.returncode == 0


class Terminal:
    """A person at a terminal."""

    def __init__(self, vm: VM, *words: str) -> None:
        pid, self.master = pty.fork()
        if pid == 0:
            environ = {**vm.environ, "TERM": "xterm-256color"}
            program = [sys.executable, "-m", "boot2docker_py", *words]
            os.execve(sys.executable, program, environ)
        self.pid = pid
        self.seen = b""

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def resize(self, rows: int, columns: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def expect(self, text: bytes, timeout_s: float = 60) -> None:
        """Read until `text` has been seen; forget what came before it."""
        deadline = time.monotonic() + timeout_s
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come, but {self.seen!r}"
            self.seen += os.read(self.master, 4096)
        self.seen = self.seen.partition(text)[2]

    def end(self) -> int:
        """Return the exit status."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.WEXITSTATUS(status)
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                try:
                    self.seen += os.read(self.master, 4096)
                except OSError:
                    time.sleep(0.05)
        os.kill(self.pid, 9)
        raise AssertionError(f"it did not end: {self.seen!r}")


@pytest.fixture
def terminal(vm: VM) -> Iterator[Terminal]:
    shell = Terminal(vm, "ssh")
    shell.resize(30, 100)
    shell.expect(b"$ ")
    yield shell
    os.close(shell.master)


class TestTerminal:
    def test_knows_its_size_and_kind(self, terminal: Terminal) -> None:
        terminal.type(b"stty size; echo $TERM; tty\n")
        terminal.expect(b"30 100")
        terminal.expect(b"xterm-256color")
        terminal.expect(b"/dev/pts/")
        terminal.resize(41, 133)
        time.sleep(1)
        terminal.type(b"stty size\n")
        terminal.expect(b"41 133")
        terminal.type(b"exit 7\n")
        assert terminal.end() == 7

    def test_interrupt_goes_to_the_guest(self, terminal: Terminal) -> None:
        terminal.type(b"sleep 1000; echo ended\n")
        time.sleep(1)
        terminal.type(b"\x03")
        terminal.expect(b"$ ")
        terminal.type(b"echo st$((40+2))ill\n")
        terminal.expect(b"st42ill")
        terminal.type(b"\x04")
        assert terminal.end() in (0, 130)

    def test_colours_come_through(self, terminal: Terminal) -> None:
        terminal.type(b"printf '\\033[3%dmred\\033[0m\\n' 1\n")
        terminal.expect(b"\x1b[31mred\x1b[0m")
        terminal.type(b"exit\n")
        assert terminal.end() == 0


def test_terminal_of_the_user_is_put_right_again(vm: VM) -> None:
    """After the shell has ended, what is typed is echoed and read in lines as before."""
    words = f"{sys.executable} -m boot2docker_py ssh true"
    script = f"cd ~; stty -a > before; {words}; stty -a > after"
    master, slave = pty.openpty()
    subprocess.run(
        ["sh", "-c", script], stdin=slave, stdout=slave, stderr=slave, env=vm.environ, check=True
    )
    os.close(master)
    os.close(slave)
    before = (vm.home.parent / "before").read_text()
    assert "icanon" in before
    assert (vm.home.parent / "after").read_text() == before


def test_no_connection_is_255(vm: VM) -> None:
    """A key that the guest does not know is refused at once, without asking for a password."""
    stranger = vm.home.parent / "stranger"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)]
    subprocess.run(words, check=True)
    answer = vm.try_run("--sshkey", str(stranger), "ssh", "true")
    assert answer.returncode == 255
    assert b"key" in answer.stderr
