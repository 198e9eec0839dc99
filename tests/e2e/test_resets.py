"""Snapshots and resets of a real VM: the same VM for a script, again and again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.e2e.conftest import VM

SERVER = "mkdir -p /w && echo then > /w/index.html && exec httpd -f -p 80 -h /w"


@pytest.fixture(scope="module")
def vm(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VM]:
    """Return a VM that has a snapshot 'live' with a container whose port is published."""
    vm = VM(tmp_path_factory.mktemp("resets") / "home", iso, "ci")
    words = ["--memory", "1024", "--cpus", "2", "--disksize", "4000"]
    vm.run("init", "--iso-url", str(iso), *words)
    vm.run("up", "--timeout", "200")
    load_busybox(vm, tmp_path_factory.mktemp("image"))
    vm.docker("run", "-d", "--name", "web", "-p", "18080:80", "busybox", "sh", "-c", SERVER)
    vm.run("ssh", "echo known > /home/docker/file; sync")  # for clones, which begin from the disk
    boot_id(vm)  # Linux makes it up when it is first read, which must be in the snapshot
    told = json.loads(vm.run("snapshot", "take", "live", "--json"))
    assert told["has_memory"]
    yield vm
    VM(vm.home, iso, "second").try_run("delete", "--force")  # of a test that failed
    vm.run("delete", "--force")


def load_busybox(vm: VM, folder: Path) -> None:
    import shutil

    busybox = shutil.which("busybox")
    assert busybox
    shutil.copy(busybox, folder / "busybox")
    (folder / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n'
    )
    vm.docker("build", "--tag", "busybox", str(folder))


def boot_id(vm: VM) -> str:
    return vm.run("ssh", "cat", "/proc/sys/kernel/random/boot_id")


def is_as_it_was(vm: VM, boot: str) -> None:
    """Hold the VM against what it was when the snapshot was taken."""
    assert vm.docker("ps", "--format", "{{.Names}}").split() == ["web"]
    assert vm.run("ssh", "cat", "/home/docker/file") == "known\n"
    assert boot_id(vm) == boot, "nothing was booted"
    assert abs(int(vm.run("ssh", "date", "+%s")) - time.time()) < 5
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:18080/", timeout=10) as answer:
                assert answer.read() == b"then\n"
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def reset_to_live(vm: VM) -> Any:
    told = json.loads(vm.run("reset", "--to", "live", "--json"))
    assert told["state"] == "running"
    return told


class TestResetToLive:
    @pytest.mark.parametrize("found", ["running", "poweroff", "saved", "killed", "hangs", "paused"])
    def test_from_every_state(self, vm: VM, found: str) -> None:
        vm.run("up", "--timeout", "200")
        reset_to_live(vm)
        boot = boot_id(vm)
        vm.docker("rm", "-f", "web")
        vm.run("ssh", "echo changed > /home/docker/file; sync")
        self.bring_to(vm, found)
        told = reset_to_live(vm)
        steps = ["stop", "restore", "start", "connect", "engine"]
        assert [one["step"] for one in told["steps"]] == steps
        is_as_it_was(vm, boot)

    def bring_to(self, vm: VM, state: str) -> None:
        if state == "poweroff":
            vm.run("poweroff")
        elif state == "saved":
            vm.run("save")
        elif state in ("killed", "hangs"):
            os.kill(self.qemu(vm), signal.SIGKILL if state == "killed" else signal.SIGSTOP)
        elif state == "paused":
            from boot2docker_py.drivers.qemu import qmp

            with qmp.connect(vm.run_folder / "qemu.sock") as monitor:
                monitor.execute("stop")

    def qemu(self, vm: VM) -> int:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"qemu" in words[0] and os.fsencode(vm.folder) in b" ".join(words):
                    return int(entry.name)
        raise AssertionError("there is no QEMU")


def test_restore_throws_nothing_away_unasked(vm: VM) -> None:
    reset_to_live(vm)
    answer = vm.try_run("snapshot", "restore", "live")
    assert answer.returncode == 4
    assert b"--force" in answer.stderr
    vm.run("snapshot", "restore", "live", "--force")
    assert vm.docker("ps", "--format", "{{.Names}}").split() == ["web"]


def test_the_example_of_the_api_does_what_it_says(vm: VM, tmp_path: Path) -> None:
    reset_to_live(vm)
    vm.run("snapshot", "take", "clean")
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", f"{example}\nprint(docker_host, done.stdout)"],
        env={**vm.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "hostname.txt").read_text() == "ci\n"
    assert f"{vm.environ['DOCKER_HOST']} b'ci\\n'" in done.stdout
    assert vm.run("status") == "running\n", "left as it was found"


def test_a_linked_clone_with_a_larger_disk_is_a_machine_of_its_own(vm: VM) -> None:
    reset_to_live(vm)
    clone = VM(vm.home, vm.iso, "second")
    vm.run("clone", "second", "--from", "live", "--linked")
    assert vm.try_run("snapshot", "delete", "live").returncode == 4
    clone.run("set", "--disksize", "8000")
    clone.run("up", "--timeout", "200")
    assert clone.run("ssh", "hostname") == "second\n"
    assert int(clone.run("ssh", "df -m --output=size /var/lib/docker | tail -n 1")) > 6000
    assert clone.docker("ps", "-a", "--format", "{{.Names}}").split() == ["web"]
    names = [one.docker("info", "--format", "{{.ID}} {{.Name}}") for one in (vm, clone)]
    assert names[0].split()[0] != names[1].split()[0]
    assert names[1].split()[1] == "second"
    keys = [
        one.run("ssh", "sudo sh -c 'cat /var/lib/boot2docker/ssh/*.pub'") for one in (vm, clone)
    ]
    assert keys[0] != keys[1]
    clone.run("delete", "--force")


def test_wipe_keeps_the_port_and_forgets_the_rest(vm: VM) -> None:
    """The last of this file: it takes the snapshots away."""
    reset_to_live(vm)
    before = json.loads(vm.run("info"))
    assert vm.try_run("reset", "--wipe").returncode == 4, "there are snapshots"
    vm.run("reset", "--wipe", "--force", "--timeout", "200")
    after = json.loads(vm.run("info"))
    assert (after["SSHPort"], after["UUID"]) == (before["SSHPort"], before["UUID"])
    assert vm.docker("images", "-q") == ""
    assert json.loads(vm.run("snapshot", "--json"))["snapshots"] == []
    (vm.folder / "disk.qcow2").unlink()  # and now it is broken
    vm.run("reset", "--wipe", "--timeout", "200")
    assert vm.docker("images", "-q") == ""
    script = ["docker", "volume", "create", "made"]
    words = ["reset", "--to", "ready", "--json", "--timeout", "200", "--make", *script]
    assert json.loads(vm.run(*words))["made"] is True
    assert json.loads(vm.run(*words))["made"] is False
    assert vm.docker("volume", "ls", "-q") == "made\n"
