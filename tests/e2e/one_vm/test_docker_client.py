"""The real docker client, through the forwarded socket, against the real engine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.conftest import VM

pytestmark = pytest.mark.usefixtures("busybox_image")

MEGABYTE = 1024 * 1024


def test_client_and_engine_talk(vm: VM) -> None:
    version = vm.docker("version", "--format", "{{.Server.Version}}")
    assert version[0].isdigit()


def test_build_from_local_files(vm: VM, tmp_path: Path) -> None:
    """A build sends its context and streams the answer back."""
    (tmp_path / "large").write_bytes(os.urandom(5 * MEGABYTE))
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY large /large\nRUN sha256sum /large\n")
    digest = hashlib.sha256((tmp_path / "large").read_bytes()).hexdigest()
    built = vm.try_docker("build", "--no-cache", str(tmp_path))
    assert built.returncode == 0, built.stderr.decode()
    assert digest in (built.stdout + built.stderr).decode()


def test_run(vm: VM) -> None:
    assert vm.docker("run", "--rm", "busybox", "echo", "hello") == "hello\n"


def test_run_passes_status_and_both_streams(vm: VM) -> None:
    answer = vm.try_docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (answer.returncode, answer.stdout, answer.stderr) == (42, b"out\n", b"err\n")


def test_run_interactive_ends_with_its_input(vm: VM) -> None:
    """The end of the input reaches the container; its answer after that reaches us."""
    script = "cat; echo; echo the end"
    out = vm.docker("run", "-i", "--rm", "busybox", "sh", "-c", script, stdin=b"some input")
    assert out == "some input\nthe end\n"


def test_exec(vm: VM) -> None:
    vm.docker("run", "--detach", "--name", "sleeper", "busybox", "sleep", "1000")
    try:
        assert vm.docker("exec", "sleeper", "echo", "inside") == "inside\n"
        assert vm.docker("exec", "-i", "sleeper", "wc", "-c", stdin=b"x" * 70000) == "70000\n"
        assert vm.try_docker("exec", "sleeper", "sh", "-c", "exit 3").returncode == 3
    finally:
        vm.docker("rm", "--force", "sleeper")


def test_copy_both_ways(vm: VM, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3 * MEGABYTE))
    source.chmod(0o640)
    vm.docker("create", "--name", "box", "busybox", "true")
    try:
        vm.docker("cp", str(source), "box:/file")
        vm.docker("cp", "box:/file", str(tmp_path / "back"))
    finally:
        vm.docker("rm", "--force", "box")
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o640


def test_logs_follow(vm: VM) -> None:
    """Lines arrive while the container runs, not at its end."""
    script = "echo first; while [ ! -e /stop ]; do sleep 0.2; done; echo last"
    vm.docker("run", "--detach", "--name", "talker", "busybox", "sh", "-c", script)
    words = ["docker", "logs", "--follow", "talker"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=vm.environ) as follower:
        try:
            assert follower.stdout is not None
            assert follower.stdout.readline() == b"first\n"
            vm.docker("exec", "talker", "touch", "/stop")
            assert follower.stdout.readline() == b"last\n"
            assert follower.stdout.read() == b""
            assert follower.wait(60) == 0
        finally:
            follower.kill()
            vm.docker("rm", "--force", "talker")


def test_attach_keeps_half_closed_directions(vm: VM) -> None:
    vm.docker("create", "-i", "--name", "sorter", "busybox", "sort")
    try:
        out = vm.docker("start", "--attach", "--interactive", "sorter", stdin=b"b\nc\na\n")
    finally:
        vm.docker("rm", "--force", "sorter")
    assert out == "a\nb\nc\n"


def test_100_megabytes_each_way(vm: VM) -> None:
    """What was written into a volume comes back as it was."""
    data = os.urandom(100 * MEGABYTE)
    mount = ("--rm", "-v", "large:/large", "busybox")
    vm.docker("run", "-i", *mount, "sh", "-c", "cat > /large/file", stdin=data)
    back = vm.try_docker("run", *mount, "cat", "/large/file").stdout
    vm.docker("volume", "rm", "large")
    assert hashlib.sha256(back).hexdigest() == hashlib.sha256(data).hexdigest()


def test_twenty_at_once(vm: VM) -> None:
    vm.docker("run", "--detach", "--name", "server", "busybox", "sleep", "1000")
    try:
        with ThreadPoolExecutor(20) as pool:
            answers = pool.map(
                lambda number: vm.docker(
                    "exec", "-i", "server", "sh", "-c", f"cat; echo {number}", stdin=b"n "
                ),
                range(20),
            )
            assert list(answers) == [f"n {number}\n" for number in range(20)]
    finally:
        vm.docker("rm", "--force", "server")


def test_quick_client_is_not_held_up_by_a_slow_one(vm: VM) -> None:
    """A reader that does not read stops only its own connection."""
    # Its log would fill the VM's disk, and the end of the client is not the end of the container.
    options = ("--rm", "--log-driver", "none", "--name", "endless")
    words = ["docker", "run", *options, "busybox", "cat", "/dev/zero"]
    slow = subprocess.Popen(words, stdout=subprocess.PIPE, env=vm.environ)
    try:
        assert slow.stdout is not None
        assert slow.stdout.read(1) == b"\0"
        time.sleep(2)
        with ThreadPoolExecutor(1) as pool:
            assert "IMAGE" in pool.submit(vm.docker, "ps").result(timeout=60)
    finally:
        slow.kill()
        slow.communicate()
        vm.docker("rm", "--force", "endless")
