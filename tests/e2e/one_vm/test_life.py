"""The life of a real VM: what is kept, what comes back, what survives violence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from tests.e2e.conftest import VM

VOLUME_ID = slice(0x8028, 0x8028 + 32)  # ECMA-119, 8.4.7


@pytest.fixture
def kept(vm: VM, busybox_image: str) -> Iterator[None]:
    """Put data into the engine, and look whether it is there after the test."""
    vm.docker("volume", "create", "data")
    script = "echo precious > /data/file"
    vm.docker("run", "--rm", "-v", "data:/data", busybox_image, "sh", "-c", script)
    yield
    vm.run("up")
    out = vm.docker("run", "--rm", "-v", "data:/data", busybox_image, "cat", "/data/file")
    assert out == "precious\n"


def boot_id(vm: VM) -> str:
    """Return what is another after every boot, and the same after a resume."""
    return vm.run("ssh", "cat", "/proc/sys/kernel/random/boot_id")


def answers(vm: VM) -> bool:
    return vm.try_docker("version").returncode == 0


def forwarder(vm: VM) -> int:
    health = json.loads(vm.run("status", "--json"))["forwarder"]
    assert health["phase"] == "forwarding", health
    pid: int = health["pid"]
    return pid


def qemu(vm: VM) -> int:
    """Return the process that listens on the VM's control socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(vm.run_folder / "qemu.sock"))
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[:4], sys.byteorder)


@pytest.mark.usefixtures("kept")
class TestDataIsKept:
    def test_over_down_and_up(self, vm: VM) -> None:
        before = boot_id(vm)
        vm.run("down")
        assert vm.run("status") == "poweroff\n"
        assert not answers(vm)
        vm.run("up")
        assert boot_id(vm) != before

    def test_over_save_and_up(self, vm: VM, busybox_image: str) -> None:
        """Memory comes back too: the container still runs."""
        before = boot_id(vm)
        vm.docker("run", "--detach", "--name", "sleeper", busybox_image, "sleep", "1000")
        vm.run("save")
        assert vm.run("status") == "saved\n"
        vm.run("up")
        assert boot_id(vm) == before
        assert vm.docker("ps", "--quiet", "--filter", "name=sleeper").strip()
        vm.docker("rm", "--force", "sleeper")

    def test_over_the_death_of_qemu(self, vm: VM) -> None:
        vm.run("ssh", "sync")
        os.kill(qemu(vm), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while vm.run("status") == "running\n":
            assert time.monotonic() < deadline
        assert vm.run("status") == "aborted\n"
        vm.run("up")
        assert answers(vm)

    def test_over_the_death_of_the_forwarder(self, vm: VM) -> None:
        before = boot_id(vm)
        os.kill(forwarder(vm), signal.SIGKILL)
        vm.run("up")
        assert answers(vm)
        assert boot_id(vm) == before

    def test_over_an_upgrade(self, vm: VM, tmp_path: Path) -> None:
        newer = tmp_path / "newer.iso"
        shutil.copy(vm.iso, newer)
        with newer.open("r+b") as image:
            image.seek(VOLUME_ID.start)
            image.write(b"b2d-v99.0.0-20990101".ljust(32))
        before = boot_id(vm)
        answer = json.loads(vm.run("upgrade", "--iso-url", str(newer), "--json"))
        assert answer["after"] == "99.0.0-20990101"
        assert boot_id(vm) != before
        assert json.loads(vm.run("upgrade", "--iso-url", str(newer), "--json"))["after"] is None
        vm.run("download", "--iso-url", str(vm.iso), "--force-upgrade-download")

    def test_over_an_upgrade_to_an_image_that_does_not_boot(self, vm: VM, tmp_path: Path) -> None:
        """The VM goes back to the image that works."""
        broken = tmp_path / "broken.iso"
        shutil.copy(vm.iso, broken)
        with broken.open("r+b") as image:
            image.seek(VOLUME_ID.start)
            image.write(b"b2d-v99.0.0-20990101".ljust(32))
            image.seek(vm.iso.stat().st_size // 2)
            image.write(bytes(20 * 1024 * 1024))
        before = (vm.home / "boot2docker.iso").read_bytes()
        answer = vm.try_run("upgrade", "--iso-url", str(broken), "--timeout", "40")
        assert answer.returncode == 9, answer.stderr.decode()
        assert b"it runs on the old one again" in answer.stderr
        assert (vm.home / "boot2docker.iso").read_bytes() == before
        assert answers(vm)


def test_up_prints_what_a_shell_evaluates(vm: VM) -> None:
    script = f'eval "$({sys.executable} -m boot2docker_py up 2> /dev/null)"; docker version'
    environ = {name: value for name, value in vm.environ.items() if name != "DOCKER_HOST"}
    answer = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()


def test_socket_is_for_its_user_alone(vm: VM) -> None:
    assert stat.S_IMODE(vm.run_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((vm.run_folder / "docker.sock").stat().st_mode) == 0o600


def test_pause_and_resume(vm: VM) -> None:
    """Somebody else paused it; `up` goes on where it was."""
    before = boot_id(vm)
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(vm.run_folder / "qemu.sock"))
        monitor.sendall(b'{"execute": "qmp_capabilities"}{"execute": "stop"}')
        time.sleep(1)
    assert vm.run("status") == "paused\n"
    assert vm.try_run("ip").returncode == 4
    vm.run("up")
    assert boot_id(vm) == before


def test_qemu_that_hangs_is_broken_and_can_be_reset(vm: VM) -> None:
    before = boot_id(vm)
    hung = qemu(vm)
    os.kill(hung, signal.SIGSTOP)
    assert vm.run("status") == "broken\n"
    answer = vm.try_run("up")
    assert answer.returncode == 4
    assert str(hung).encode() in answer.stderr
    vm.run("reset")
    assert boot_id(vm) != before


def test_restart_and_reset_boot_afresh(vm: VM) -> None:
    for command in ("restart", "reset"):
        before = boot_id(vm)
        vm.run(command)
        assert answers(vm)
        assert boot_id(vm) != before


def test_two_ups_at_once(vm: VM) -> None:
    vm.run("poweroff")
    words = [sys.executable, "-m", "boot2docker_py", "up"]
    both = [
        subprocess.Popen(words, env=vm.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=300)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert sum(b"Waiting for another boot2docker" in words for words in said) == 1


@pytest.mark.parametrize("after_s", [0.2, 0.6, 1.5, 4])
def test_interrupted_up_can_be_typed_again(vm: VM, after_s: float) -> None:
    vm.run("poweroff")
    words = [sys.executable, "-m", "boot2docker_py", "up"]
    process = subprocess.Popen(words, env=vm.environ, stderr=subprocess.PIPE)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _out, said = process.communicate(timeout=60)
    # Before our first line runs, it is Python itself that says what it was doing.
    assert b"Traceback" not in said or b"boot2docker_py/" not in said, said.decode()
    assert process.returncode in (130, -signal.SIGINT), said
    assert vm.run("status") in ("poweroff\n", "running\n", "starting\n", "aborted\n")


@pytest.fixture
def slow(vm: VM, busybox_image: str) -> Iterator[str]:
    """Run a container that was promised more time than docker gives by itself, and takes it."""
    script = "trap 'sleep 30; echo bye > /data/word; exit 0' TERM; while :; do sleep 1; done"
    words = ["--name", "slow", "--stop-timeout", "120", "-v", "words:/data", busybox_image]
    vm.docker("run", "--detach", *words, "sh", "-c", script)
    yield "slow"
    vm.run("up")
    vm.docker("rm", "--force", "slow")
    vm.docker("volume", "rm", "words")


class TestContainersHaveTheTimeThatTheyWerePromised:
    def test_and_a_deadline_before_it_names_them(self, vm: VM, slow: str) -> None:
        answer = vm.try_run("down", "--timeout", "12")
        assert answer.returncode == 5
        assert f"have time left to stop: {slow}" in answer.stderr.decode()
        vm.run("down")
        vm.run("up")
        assert "word" in vm.run("ssh", "sudo ls /var/lib/docker/volumes/words/_data")

    def test_and_force_names_what_it_cuts_off(self, vm: VM, slow: str) -> None:
        answer = vm.try_run("down", "--timeout", "12", "--force")
        assert answer.returncode == 5
        assert f"were cut off: {slow}" in answer.stderr.decode()
        assert vm.run("status") == "poweroff\n"


def test_down_is_clean(vm: VM) -> None:
    """The engine has stopped its containers, and the file system was unmounted."""
    vm.run("down")
    vm.run("up")
    log = vm.run("ssh", "sudo", "dmesg")
    assert "recovery" not in log.lower()
