"""The commands around a real VM: logs, ssh-config, cp, doctor, and the guest's clock."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, VM


class TestSSHConfig:
    def test_real_ssh_logs_in_with_it(self, vm: VM, tmp_path: Path) -> None:
        """From a file: ssh closes all that it inherits, so that `-F <(...)` finds nothing."""
        (tmp_path / "config").write_bytes(vm.try_run("ssh-config").stdout)
        words = ["ssh", "-F", str(tmp_path / "config"), "boot2docker-vm", "whoami"]
        answer = subprocess.run(words, capture_output=True, check=False, env=vm.environ)
        assert (answer.returncode, answer.stdout) == (0, b"docker\n"), answer.stderr

    def test_real_scp_and_sftp_too(self, vm: VM, tmp_path: Path) -> None:
        (tmp_path / "config").write_bytes(vm.try_run("ssh-config").stdout)
        words = ["scp", "-q", "-F", str(tmp_path / "config")]
        subprocess.run([*words, "boot2docker-vm:/etc/hostname", str(tmp_path)], check=True)
        assert (tmp_path / "hostname").read_text() == "boot2docker-vm\n"


class TestLogs:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("engine", "API listen on /var/run/docker.sock"),
            ("boot", "boot times: "),
            ("console", "boot2docker"),
            ("forward", "connected to 127.0.0.1"),
        ],
    )
    def test_tells(self, vm: VM, name: str, words: str) -> None:
        assert words in vm.run("logs", name, "-n", "500")

    def test_without_a_name_it_is_the_engines(self, vm: VM) -> None:
        assert vm.run("logs", "-n", "5") == vm.run("logs", "engine", "-n", "5") != ""

    def test_follows_the_engine(self, vm: VM) -> None:
        log = "/var/lib/boot2docker/log/docker.log"
        words = [sys.executable, "-m", "boot2docker_py", "logs", "-f", "-n", "0", "engine"]
        with subprocess.Popen(
            words, env=vm.environ, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        ) as process:
            assert process.stdout
            # Until it has begun to follow, what is added is not seen.
            script = f"while sleep 1; do echo added | sudo tee -a {log} || exit; done"
            with subprocess.Popen(
                [sys.executable, "-m", "boot2docker_py", "ssh", script],
                env=vm.environ,
                stdout=subprocess.DEVNULL,
            ) as writer:
                assert process.stdout.readline() == b"added\n"
                vm.run("ssh", f"sudo truncate -s 0 {log}")
                assert process.stdout.readline() == b"added\n"
                writer.kill()
            process.send_signal(signal.SIGINT)
            process.stdout.read()
        assert process.returncode == 130
        # Nothing of it stays in the guest.
        gone = "for i in $(seq 50); do pgrep -x tail || exit 0; sleep 0.2; done; exit 1"
        assert vm.try_run("ssh", gone).returncode == 0


class TestCopy:
    def test_100_mb_each_way(self, vm: VM, tmp_path: Path) -> None:
        data = os.urandom(1_000_000) * 100
        (tmp_path / "big file").write_bytes(data)
        vm.run("cp", str(tmp_path / "big file"), "vm:/tmp/big file")
        digest = hashlib.sha256(data).hexdigest()
        assert vm.run("ssh", "sha256sum < '/tmp/big file'").split()[0] == digest
        vm.run("cp", "vm:/tmp/big file", str(tmp_path / "back"))
        assert hashlib.sha256((tmp_path / "back").read_bytes()).hexdigest() == digest
        vm.run("ssh", "rm '/tmp/big file'")

    def test_folder_there_and_back(self, vm: VM, tmp_path: Path) -> None:
        folder = tmp_path / "Käse & co"
        (folder / "with 'quotes'\n").mkdir(parents=True)
        script = folder / "with 'quotes'\n" / "script"
        script.write_text("#!/bin/sh\necho ran\n")
        script.chmod(0o750)
        os.utime(script, (1_000_000_000, 1_000_000_000))
        (folder / "link").symlink_to("with 'quotes'\n/script")
        vm.run("cp", str(folder), "vm:")
        assert vm.run("ssh", "'./Käse & co/link'") == "ran\n"
        vm.run("cp", "vm:Käse & co", str(tmp_path / "back"))
        found = tmp_path / "back" / "with 'quotes'\n" / "script"
        assert found.stat().st_mode == script.stat().st_mode
        assert int(found.stat().st_mtime) == 1_000_000_000
        assert os.readlink(tmp_path / "back" / "link") == os.readlink(folder / "link")

    def test_several_into_one_folder(self, vm: VM, tmp_path: Path) -> None:
        for name in "ab":
            (tmp_path / name).write_text(name)
        words = [str(tmp_path / "a"), str(tmp_path / "b")]
        answer = json.loads(vm.run("cp", *words, "vm:/tmp", "--json"))
        assert [one["size_bytes"] for one in answer["copied"]] == [1, 1]
        assert vm.run("ssh", "cat /tmp/a /tmp/b") == "ab"
        assert vm.try_run("cp", *words, "vm:/tmp/none").returncode == 2

    def test_as_root(self, vm: VM, tmp_path: Path) -> None:
        (tmp_path / "notes").write_text("kept")
        target = "vm:/var/lib/boot2docker/notes"
        answer = vm.try_run("cp", str(tmp_path / "notes"), target)
        assert answer.returncode == 9
        assert b"boot2docker --vm boot2docker-vm cp --root" in answer.stderr
        vm.run("cp", "--root", str(tmp_path / "notes"), target)
        assert vm.run("ssh", f"sudo cat {target[3:]}; sudo rm {target[3:]}") == "kept"
        assert vm.try_run("cp", "vm:/etc/shadow", str(tmp_path)).returncode == 9
        assert not (tmp_path / "shadow").exists()
        vm.run("cp", "vm:/etc/shadow", str(tmp_path), "--root")
        assert "docker:" in (tmp_path / "shadow").read_text()

    def test_full_disk_in_the_vm(self, vm: VM, tmp_path: Path) -> None:
        mounted = (
            "sudo mkdir -p /mnt/small && sudo mount -t tmpfs -o size=1m,mode=1777 x /mnt/small"
        )
        vm.run("ssh", mounted)
        (tmp_path / "big").write_bytes(bytes(20_000_000))
        answer = vm.try_run("cp", str(tmp_path / "big"), "vm:/mnt/small")
        assert answer.returncode == 9
        assert b"The disk there may be full" in answer.stderr
        assert vm.run("ssh", "ls -A /mnt/small; sudo umount /mnt/small") == ""


class TestDoctor:
    def test_all_is_well(self, vm: VM) -> None:
        answer = vm.try_run("doctor", "--json")
        told = json.loads(answer.stdout)
        levels = {finding["id"]: finding["level"] for finding in told["findings"]}
        assert (answer.returncode, told["failures"]) == (0, 0), told
        # The docker client of this machine may have no plugins.
        wrong = [name for name, level in levels.items() if level == "warning"]
        assert set(wrong) <= {"plugins"}, told
        names = ["hypervisor", "vm", "ssh", "forwarder", "engine", "clock", "api", "choice"]
        names += ["memory", "disk", "network", "image"]
        assert {levels[name] for name in names} == {"ok"}

    def test_forwarder_that_is_gone(self, vm: VM) -> None:
        os.kill(json.loads(vm.run("status", "--json"))["forwarder"]["pid"], signal.SIGKILL)
        answer = vm.try_run("doctor")
        assert answer.returncode == 9
        assert b"failure  forwarder" in answer.stdout
        assert b"try: boot2docker --vm boot2docker-vm up" in answer.stdout


class TestClock:
    def test_is_set_by_up(self, vm: VM) -> None:
        vm.run("ssh", "sudo date -s '1 hour ago'")
        assert b"the clock of the VM is 60 min slow" in vm.try_run("doctor").stdout
        assert b"The clock of the VM was 60 min slow" in vm.try_run("up").stderr
        assert abs(int(vm.run("ssh", "date +%s")) - time.time()) < 5
        assert b"clock" not in vm.try_run("up").stderr

    def test_is_right_after_a_sleep(self, vm: VM) -> None:
        vm.run("save")
        time.sleep(10)
        vm.run("up")
        assert abs(int(vm.run("ssh", "date +%s")) - time.time()) < 5

    def test_docker_over_tls_works_with_a_guest_in_the_past(self, vm: VM) -> None:
        """In which the client's certificate would not be good yet."""
        vm.run("ssh", "sudo date -s '1 year ago'")
        words = f"{sys.executable} -m boot2docker_py shellinit --tls --shell sh"
        script = f'eval "$({words})"; docker version --format "{{{{.Server.Os}}}} $DOCKER_HOST"'
        answer = subprocess.run(
            ["sh", "-c", script], env=vm.environ, capture_output=True, check=False
        )
        assert answer.stdout.startswith(b"linux tcp://127.0.0.1:"), answer
        assert b"The clock of the VM was" in answer.stderr
        told = json.loads(vm.run("doctor", "--json"))["findings"]
        assert [one["level"] for one in told if one["id"] == "tls"] == ["ok"]


class TestCompletion:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            # What is there is not asked of this VM: a Tab waits for a guest some seconds at most.
            ("cp vm:/nosuch/x", b""),
            ("--vm boot2docker-v", b"word\tboot2docker-vm\t\n"),
        ],
    )
    def test_names_and_files_of_the_vm(self, vm: VM, line: str, told: bytes) -> None:
        asked = {"_BOOT2DOCKER_COMPLETE": "zsh", "_BOOT2DOCKER_LINE": f"boot2docker {line}"}
        words = [sys.executable, "-m", "boot2docker_py"]
        answer = subprocess.run(
            words, env={**vm.environ, **asked}, capture_output=True, check=True, cwd=ROOT
        )
        assert (answer.stdout, answer.stderr) == (told, b"")
