"""`boot2docker ssh-config`, read by the real ssh."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from boot2docker_py.address import Address
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import UsageError
from boot2docker_py.guest.ssh_config import HostBlock, quoted
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession
from tests.unit.ssh.real_sshd import Sshd

ODD = ["plain", "two  words", 'it\'s "quoted"', "100%h%%", "Käyttäjä ☃", "back\\slash", "#x $y ~"]


def block(folder: Path, address: Address, user: str) -> str:
    return HostBlock("vm", address, user, folder / "id", folder / "known_hosts").text()


@pytest.mark.parametrize("name", ODD)
def test_real_ssh_logs_in(sshd: Sshd, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    sshd.connect().close()  # pins the host key
    shutil.copy(sshd.key, folder / "id")
    shutil.copy(sshd.known_hosts, folder / "known_hosts")
    config = tmp_path / "config"
    config.write_text(block(folder, sshd.address, sshd.user), encoding="utf-8")
    words = ["ssh", "-F", str(config), "-o", "BatchMode=yes", "vm", "echo in"]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "in\n", "")


def test_another_host_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    shutil.copy(sshd.key, tmp_path / "id")
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIE0hzmp9nYbCPCVvC8bTGJ5ZTsHzZ6FYpKd0cVAbVFDN"
    (tmp_path / "known_hosts").write_text(f"vm ssh-ed25519 {key}\n")
    config = tmp_path / "config"
    config.write_text(block(tmp_path, sshd.address, sshd.user))
    words = ["ssh", "-F", str(config), "-o", "BatchMode=yes", "vm", "true"]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    assert answer.returncode == 255
    assert "Host key verification failed" in answer.stderr


def test_windows_paths_have_no_backslashes() -> None:
    assert quoted("C:\\Users\\Käyttäjä O'Neil\\id", "win32") == '"C:/Users/Käyttäjä O\'Neil/id"'


@pytest.mark.parametrize("path", ["/a\nb", "/a${HOME}"])
def test_what_ssh_cannot_read_is_refused(path: str) -> None:
    with pytest.raises(UsageError):
        quoted(path, "linux")


def test_command_prints_it_for_a_vm_in_any_state(boot2docker: Boot2Docker, home: Path) -> None:
    for state in (State.RUNNING, State.OFF):
        answer = boot2docker(
            ["ssh-config", "--vm", "my vm"], FakeSession(FakeDriver(state), FakeEndpoint())
        )
        assert answer.out.startswith("Host my-vm\n    HostName 127.0.0.1\n    Port 2022\n")
        assert f'IdentityFile "{home}/id_boot2docker"' in answer.out
        assert "No host key of the VM is known yet" in answer.err
