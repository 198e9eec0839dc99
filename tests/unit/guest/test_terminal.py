"""`boot2docker ssh`: exact streams, the remote status, and a terminal that feels like one."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import uuid
from pathlib import Path
from typing import Iterator, Sequence

import pytest

from tests.unit.ssh.real_sshd import Cable, Sshd, eventually

LONG_S = 60.0
MEGABYTE = 1024 * 1024
ROOT = Path(__file__).parents[3]


def command(sshd: Sshd, *words: str, port: int = 0) -> list[str]:
    arguments = [str(port or sshd.address.port), sshd.user, str(sshd.key), str(sshd.known_hosts)]
    return [sys.executable, "-m", "tests.unit.guest.run_terminal", *arguments, *words]


def run(sshd: Sshd, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(sshd, *words),
        input=stdin,
        capture_output=True,
        cwd=ROOT,
        check=False,
        timeout=LONG_S,
    )


@pytest.mark.parametrize(
    ("line", "status"),
    [("true", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)],
)
def test_the_status_is_that_of_the_command(sshd: Sshd, line: str, status: int) -> None:
    assert run(sshd, line).returncode == status


def test_words_are_joined_by_spaces_as_ssh_does(sshd: Sshd) -> None:
    assert run(sshd, "echo", "a  b", "|", "wc", "-w").stdout.strip() == b"2"
    assert run(sshd, "echo 'a  b'").stdout == b"a  b\n"


def test_a_command_gets_no_terminal(sshd: Sshd) -> None:
    assert run(sshd, "tty").stdout == b"not a tty\n"


def test_every_byte_passes_both_ways(sshd: Sshd) -> None:
    data = os.urandom(5 * MEGABYTE) + bytes(range(256))
    assert run(sshd, "cat", stdin=data).stdout == data


def test_much_on_stderr_does_not_hold_up_stdout(sshd: Sshd) -> None:
    done = run(sshd, f"head -c {5 * MEGABYTE} /dev/zero >&2; echo done")
    assert (len(done.stderr), done.stdout) == (5 * MEGABYTE, b"done\n")


def test_the_end_of_the_input_is_passed_on_and_the_output_still_read(sshd: Sshd) -> None:
    assert run(sshd, "cat >/dev/null; sleep 0.2; echo after", stdin=b"x").stdout == b"after\n"


def test_an_input_that_never_ends_does_not_hold_up_the_end(sshd: Sshd) -> None:
    read_end, write_end = os.pipe()
    try:
        done = subprocess.run(
            command(sshd, "echo done"), stdin=read_end, stdout=-1, cwd=ROOT, timeout=LONG_S
        )
    finally:
        os.close(read_end)
        os.close(write_end)
    assert done.stdout == b"done\n"


def test_an_input_that_we_were_not_given_is_empty(sshd: Sshd) -> None:
    line = " ".join(f"'{word}'" for word in command(sshd, "cat; echo done"))
    done = subprocess.run(["sh", "-c", line + " <&-"], stdout=-1, cwd=ROOT, timeout=LONG_S)
    assert done.stdout == b"done\n"


def test_who_stops_reading_ends_the_command(sshd: Sshd) -> None:
    process = subprocess.Popen(command(sshd, "yes"), stdin=-3, stdout=-1, stderr=-1, cwd=ROOT)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(4) == b"y\ny\n"
        process.stdout.close()
        assert process.wait(LONG_S) == 141
        assert process.stderr.read() == b""


def test_a_slow_reader_holds_the_command_up_and_not_our_memory(sshd: Sshd) -> None:
    process = subprocess.Popen(
        command(sshd, f"head -c {100 * MEGABYTE} /dev/zero"), stdin=-3, stdout=-1, cwd=ROOT
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"\0"
        time.sleep(1)
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak_kb = int(status.split("VmHWM:")[1].split()[0])
        rest = hashlib.sha256()
        for data in iter(lambda: process.stdout.read(MEGABYTE), b""):  # type: ignore[union-attr]
            rest.update(data)
        assert process.wait(LONG_S) == 0
    assert rest.digest() == hashlib.sha256(bytes(100 * MEGABYTE - 1)).digest()
    assert peak_kb < 80 * 1024


def test_a_connection_that_is_lost_is_255_in_words(sshd: Sshd) -> None:
    with Cable(sshd.address) as cable:
        process = subprocess.Popen(
            command(sshd, "echo ready; cat", port=cable.address.port),
            stdin=-1,
            stdout=-1,
            stderr=-1,
            cwd=ROOT,
        )
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"ready\n"
            cable.cut()
            assert process.wait(LONG_S) == 255
            assert process.stderr.read().strip() == (
                b"the SSH connection to the VM was lost while a command ran"
            )


class Terminal:
    """A process on a terminal of its own, and the person before it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._ours, self.theirs = pty.openpty()
        self.resize(80, 24)
        self.process = subprocess.Popen(
            arguments,
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self._seen = b""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self.theirs)

    def resize(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def has_output(self) -> bool:
        return bool(select.select([self._ours], [], [], 0)[0])

    def sees(self, text: bytes) -> bool:
        """Read until the text appears; what comes after it is for the next look."""
        end = time.monotonic() + LONG_S
        while text not in self._seen:
            if not select.select([self._ours], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"never saw {text!r}, only {self._seen!r}")
            self._seen += os.read(self._ours, 65536)
        self._seen = self._seen.split(text, 1)[1]
        return True

    def modes(self) -> list[object]:
        return list(termios.tcgetattr(self.theirs))


@pytest.fixture
def terminal(sshd: Sshd) -> Iterator[Terminal]:
    with contextlib.closing(Terminal(command(sshd))) as terminal:
        terminal.before = terminal.modes()  # type: ignore[attr-defined]
        terminal.type(b"PROMPT_COMMAND=; PS1='prom''pt> '; stty -echo\n")
        assert terminal.sees(b"prompt> ")  # printed when the shell has set its modes
        yield terminal


def test_a_shell_has_a_terminal_of_our_kind_and_size(terminal: Terminal) -> None:
    terminal.type(b"tty; echo $TERM; stty size\n")
    assert terminal.sees(b"/dev/pts/")
    assert terminal.sees(b"xterm-256color")
    assert terminal.sees(b"24 80")


def test_a_new_size_is_passed_on(terminal: Terminal) -> None:
    """The guest's shell gets SIGWINCH, as from a terminal at its own side."""
    terminal.type(b"trap 'stty size' WINCH; echo set\n")
    assert terminal.sees(b"set")
    terminal.resize(132, 50)
    for _look in range(100):
        terminal.type(b"\n")  # bash runs its traps when it has read a line
        time.sleep(0.1)
        if terminal.has_output():
            break
    assert terminal.sees(b"50 132")


def a_sleep() -> str:
    """Return a command unlike all others on this machine."""
    return f"sleep 1000.{uuid.uuid4().int}"


def runs(command: str) -> bool:
    """Tell whether a process runs the command; bash gives it the terminal before that."""
    words = "".join(f"{word}\0" for word in command.split()).encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if (process / "cmdline").read_bytes() == words:
                return True
    return False


def test_control_c_interrupts_the_command_and_not_us(terminal: Terminal) -> None:
    command = a_sleep()
    terminal.type(f"{command}; echo status=$?\n".encode())
    eventually(lambda: runs(command))
    terminal.type(b"\x03")
    terminal.type(b"echo status=$?\n")
    assert terminal.sees(b"status=130")
    assert terminal.process.poll() is None


def test_control_z_stops_the_command_and_not_us(terminal: Terminal) -> None:
    command = a_sleep()
    terminal.type(f"{command}\n".encode())
    eventually(lambda: runs(command))
    terminal.type(b"\x1a")
    assert terminal.sees(b"Stopped")
    terminal.type(b"kill -9 %1; exec sh -c 'exit 3'\n")
    assert terminal.process.wait(LONG_S) == 3


def test_control_d_ends_the_shell_and_the_terminal_is_as_before(terminal: Terminal) -> None:
    assert terminal.modes() != terminal.before  # type: ignore[attr-defined]
    terminal.type(b"\x04")
    assert terminal.process.wait(LONG_S) == 0
    assert terminal.modes() == terminal.before  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_killed_by_a_signal_the_terminal_is_as_before(
    terminal: Terminal, number: signal.Signals
) -> None:
    terminal.process.send_signal(number)
    assert terminal.process.wait(LONG_S) in (128 + number, 1, -number)
    assert terminal.modes() == terminal.before  # type: ignore[attr-defined]


def test_colours_and_other_bytes_pass_unchanged(terminal: Terminal) -> None:
    terminal.type(b"printf '\\033[31mred\\033[0m \\303\\251\\n'\n")
    assert terminal.sees(b"\x1b[31mred\x1b[0m \xc3\xa9")
