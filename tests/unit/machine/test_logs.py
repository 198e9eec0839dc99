"""`boot2docker logs`: files that others write, on this machine and in the guest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py import paths
from boot2docker_py.drivers.model import State
from boot2docker_py.guest import logs as guest_logs
from boot2docker_py.machine import logs
from tests.conftest import Boot2Docker
from tests.fakes import FakeClock, FakeDriver, FakeEndpoint, FakeSession


class TestLastLines:
    @pytest.mark.parametrize(
        ("content", "count", "wanted"),
        [
            (b"", 2, []),
            (b"a\nb\nc\n", 2, [b"b\n", b"c\n"]),
            (b"a\nb\nc", 2, [b"b\n", b"c"]),
            (b"a\nb\n", 0, []),
            (b"a\nb\n", 9, [b"a\n", b"b\n"]),
            (b"x" * 200_000 + b"\ny\n", 1, [b"y\n"]),
        ],
        ids=["nothing", "lines", "no end", "none", "few", "long"],  # Windows has no room for longer
    )
    def test_are_the_last(
        self, tmp_path: Path, content: bytes, count: int, wanted: list[bytes]
    ) -> None:
        (tmp_path / "log").write_bytes(content)
        assert logs.last_lines(tmp_path / "log", count)[0] == wanted

    def test_no_file_has_none(self, tmp_path: Path) -> None:
        assert logs.last_lines(tmp_path / "log", 5)[0] == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "forward.log"


class TestFollow:
    @pytest.fixture
    def news(self, file: Path) -> Iterator[bytes]:
        file.write_bytes(b"old\n")
        _lines, log = logs.last_lines(file, 10)
        return logs.follow(log, FakeClock())

    def test_yields_what_is_added(self, file: Path, news: Iterator[bytes]) -> None:
        for text in (b"one\n", b"two\n"):
            with file.open("ab") as stream:
                stream.write(text)
            assert next(news) == text

    def test_goes_on_after_truncation(self, file: Path, news: Iterator[bytes]) -> None:
        file.write_bytes(b"new")
        assert next(news) == b"new"

    def test_loses_nothing_in_a_rotation(self, file: Path, news: Iterator[bytes]) -> None:
        with file.open("ab") as stream:
            stream.write(b"last words\n")
        file.rename(file.with_name("forward.log.1"))
        file.write_bytes(b"first words, of the new one\n")
        assert [next(news), next(news)] == [b"last words\n", b"first words, of the new one\n"]

    def test_waits_for_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        class Clock(FakeClock):
            def sleep(self, seconds: float, /) -> None:
                (tmp_path / "log").write_bytes(b"here\n")

        _lines, log = logs.last_lines(tmp_path / "log", 10)
        assert next(logs.follow(log, Clock())) == b"here\n"

    def test_keeps_no_file_open(self, file: Path, news: Iterator[bytes]) -> None:
        """Windows would not let anybody rotate it."""
        with file.open("ab") as stream:
            stream.write(b"x")
        next(news)
        open_files = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
        assert str(file) not in open_files or sys.platform != "linux"


class TestInGuest:
    """The code for the guest's shell, run by a shell here."""

    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        (tmp_path / "sudo").write_text('#!/bin/sh\nshift\nexec "$@"\n')
        (tmp_path / "sudo").chmod(0o755)
        return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run(self, script: str, environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["sh", "-c", script], env=environ, capture_output=True, check=False)

    def test_first_place_that_is_there(self, tmp_path: Path, environ: dict[str, str]) -> None:
        (tmp_path / "older place").write_text("1\n2\n3\n")
        places = [str(tmp_path / "newer place"), str(tmp_path / "older place")]
        answer = self.run(guest_logs.script(places, 2, follows=False), environ)
        assert (answer.returncode, answer.stdout) == (0, b"2\n3\n")

    @pytest.mark.parametrize("follows", [True, False])
    def test_no_place(self, tmp_path: Path, environ: dict[str, str], follows: bool) -> None:
        places = [str(tmp_path / "nowhere")]
        answer = self.run(guest_logs.script(places, 2, follows=follows), environ)
        assert answer.returncode == guest_logs.NO_LOG
        assert f"there is no {tmp_path}/nowhere".encode() in answer.stderr

    def test_following_ends_with_the_input(self, tmp_path: Path, environ: dict[str, str]) -> None:
        (tmp_path / "log").write_text("1\n")
        script = guest_logs.script([str(tmp_path / "log")], 5, follows=True)
        with subprocess.Popen(
            ["sh", "-c", script], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stdin
            assert process.stdout.readline() == b"1\n"
            with (tmp_path / "log").open("a") as log:
                log.write("2\n")
            assert process.stdout.readline() == b"2\n"
            process.stdin.close()
            assert process.stdout.read() == b""


def session(state: State) -> FakeSession:
    return FakeSession(FakeDriver(state), FakeEndpoint())


class TestCommand:
    @pytest.mark.parametrize(("state", "log"), [(State.RUNNING, "engine"), (State.OFF, "console")])
    def test_without_a_name_it_says_which(
        self, boot2docker: Boot2Docker, state: State, log: str
    ) -> None:
        answer = boot2docker(["logs"], session(state))
        assert answer.status == 0
        assert f"The log '{log}' of VM" in answer.err

    @pytest.mark.parametrize("name", logs.IN_GUEST)
    def test_logs_in_the_guest_need_it_running(self, boot2docker: Boot2Docker, name: str) -> None:
        assert boot2docker(["logs", name], session(State.OFF)).status == 4
        assert boot2docker(["logs", name], session(State.RUNNING)).out == f"the log {name}\n"

    def test_forwarders_log_needs_no_vm(self, boot2docker: Boot2Docker, home: Path) -> None:
        log = paths.find(os.environ).vm("boot2docker-vm").forwarder_log
        log.parent.mkdir(parents=True)
        log.write_text("1\n2\n3\n")
        answer = boot2docker(["logs", "forward", "-n", "2"], session(State.ABSENT))
        assert (answer.status, answer.out, answer.err) == (0, "2\n3\n", "")

    def test_log_that_is_not_there_is_a_word(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["logs", "hypervisor"], session(State.OFF))
        assert (answer.status, answer.out) == (0, "")
        assert "There is no" in answer.err

    def test_json(self, boot2docker: Boot2Docker) -> None:
        facts = json.loads(boot2docker(["logs", "--json"], session(State.RUNNING)).out)
        assert facts == {"vm": "boot2docker-vm", "log": "engine", "lines": ["the log engine"]}
        assert boot2docker(["logs", "-f", "--json"], session(State.RUNNING)).status == 2

    def test_following_ends_by_interrupt_without_a_word(self, home: Path) -> None:
        log = paths.find(os.environ).vm("boot2docker-vm").forwarder_log
        log.parent.mkdir(parents=True)
        log.write_text("1\n")
        words = [sys.executable, "-m", "boot2docker_py", "logs", "-f", "forward"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline() == b"1\n"
            with log.open("a") as stream:
                stream.write("2\n")
            assert process.stdout.readline() == b"2\n"
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            assert (process.stdout.read(), process.stderr.read()) == (b"", b"")
        assert process.returncode == 130
