"""The commands around a real VM: logs, ssh-config, cp, doctor, and the guest's clock."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import VM


class TestSSHConfig:
    def test_real_ssh_logs_in_with_it(self, vm: VM, tmp_path: Path) -> None:
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
            script = f"while sleep 1; do echo added | sudo tee -a {log}; done"
            with subprocess.Popen(
                [sys.executable, "-m", "boot2docker_py", "ssh", script],
                env=vm.environ,
                stdout=subprocess.DEVNULL,
            ) as writer:
                assert process.stdout.readline() == b"added\n"
                vm.run("ssh", f"sudo mv {log} {log}.1; sudo touch {log}; echo")
                assert process.stdout.readline() == b"added\n"
                writer.kill()
            process.send_signal(signal.SIGINT)
            process.stdout.read()
        assert process.returncode == 130
        # Nothing of it stays in the guest.
        gone = "for i in $(seq 50); do pgrep -f 'tail -n 0' || exit 0; sleep 0.2; done; exit 1"
        assert vm.try_run("ssh", gone).returncode == 0
