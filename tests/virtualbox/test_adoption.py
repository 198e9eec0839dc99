"""VMs that the original and Docker Toolbox made: every command works on them, nothing is rewritten.

They have nothing to boot here, so that `up` ends with its deadline, the VM running.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

from tests.virtualbox.test_driver import _vboxmanage

DEADLINE = 5


@dataclasses.dataclass(frozen=True)
class OldVM:
    """A VM that another program made, and the home of its user."""

    name: str
    home: Path
    disk: Path
    iso: Path
    key: Path
    ssh_port: int

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        usual = {name: value for name, value in os.environ.items() if "DOCKER" not in name}
        environ = {**usual, "HOME": str(self.home), "BOOT2DOCKER_TIMEOUT": "1.5"}
        vm = ["--vm", self.name] if self.name != "boot2docker-vm" else []
        command = ["boot2docker", *vm, *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    def status(self) -> str:
        return self.run("status").stdout.strip()

    def settings(self) -> str:
        """Return what VirtualBox has of it, without what changes by itself."""
        command = ["VBoxManage", "showvminfo", self.name, "--machinereadable"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        changing = r"^(VMState|SATA-\d-\d-IsEjected|GuestMemoryBalloon|VideoMode|vcpTPort|Session)"
        return "\n".join(line for line in told.splitlines() if not re.match(changing, line))

    def content(self) -> bytes:
        """Return what the guest would read; around it VirtualBox notes things of its own."""
        raw = self.home / "content.raw"
        _vboxmanage("clonemedium", str(self.disk), str(raw), "--format", "RAW")
        content = raw.read_bytes()
        _vboxmanage("closemedium", str(raw), "--delete")
        return content


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _set_up(vm: OldVM, *more: str) -> None:
    """Give the VM what both programs give theirs."""
    _vboxmanage("modifyvm", vm.name, "--memory", "256", "--cpus", "1", "--boot1", "dvd", *more)
    _vboxmanage(
        *("modifyvm", vm.name, "--nic1", "nat", "--nictype1", "virtio"),
        *("--natpf1", f"ssh,tcp,127.0.0.1,{vm.ssh_port},,22"),
    )
    _vboxmanage(
        *("storagectl", vm.name, "--name", "SATA", "--add", "sata", "--portcount", "4"),
        *("--hostiocache", "on", "--bootable", "on"),
    )
    for port, kind, medium in (("0", "dvddrive", vm.iso), ("1", "hdd", vm.disk)):
        _vboxmanage(
            *("storageattach", vm.name, "--storagectl", "SATA", "--port", port, "--device", "0"),
            *("--type", kind, "--medium", str(medium)),
        )


def _make_disk(disk: Path) -> None:
    subprocess.run(
        ["VBoxManage", "convertfromraw", "stdin", str(disk), "1048576", "--format", "VMDK"],
        input=b"boot2docker, please format-me".ljust(1 << 20, b"\0"),
        check=True,
        capture_output=True,
    )


def _write(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def _make_key(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    from boot2docker_py.ssh import keys

    keys.ensure_key_pair(file)
    return file


@pytest.fixture
def original(tmp_path: Path) -> Iterator[OldVM]:
    """A VM as boot2docker v1.8.0 makes it (facts: virtualbox/machine.go of boot2docker-cli)."""
    name, home = "boot2docker-vm", tmp_path / "home"
    iso = _write(home / ".boot2docker" / "boot2docker.iso", bytes(1 << 20))
    key = _make_key(home / ".ssh" / "id_boot2docker")
    _vboxmanage("createvm", "--name", name, "--ostype", "Linux26_64", "--register")
    folder = Path(os.environ["VBOX_USER_HOME"], "machines", name)
    disk = folder / f"{name}.vmdk"
    _make_disk(disk)
    vm = OldVM(name, home, disk, iso, key, _free_port())
    _write(
        home / ".boot2docker" / "profile",
        f'VM = "{name}"\nSSHPort = {vm.ssh_port}\nDiskSize = 20000\nMemory = 2048\n'
        'NetMask = [255, 255, 255, 0]\nVBM = "VBoxManage"\n[DriverCfg]\n'.encode(),
    )
    pipe = home / ".boot2docker" / f"{name}.sock"
    _set_up(vm, "--uart1", "0x3F8", "4", "--uartmode1", "server", str(pipe))
    yield vm
    vm.run("delete", "--force")


@pytest.fixture
def toolbox(tmp_path: Path) -> Iterator[OldVM]:
    """A VM as Docker Machine makes it for Docker Toolbox (drivers/virtualbox/virtualbox.go)."""
    name, home = "default", tmp_path / "home"
    store = home / ".docker" / "machine" / "machines" / name
    iso, key = _write(store / "boot2docker.iso", bytes(1 << 20)), _make_key(store / "id_rsa")
    _write(store / "config.json", b"{}")
    disk = store / "disk.vmdk"
    _make_disk(disk)
    _vboxmanage("createvm", "--basefolder", str(store), "--name", name, "--register")
    vm = OldVM(name, home, disk, iso, key, _free_port())
    _set_up(vm)
    yield vm
    vm.run("delete", "--force")


@pytest.fixture(params=["original", "toolbox"])
def old(request: pytest.FixtureRequest) -> OldVM:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, OldVM)
    return found


def test_it_is_found_with_its_own_parts(old: OldVM) -> None:
    assert old.status() == "poweroff"
    info = json.loads(old.run("info").stdout)
    assert (info["Disk"], info["Iso"]) == (str(old.disk), str(old.iso))
    assert (info["SSHPort"], info["Driver"]) == (old.ssh_port, "virtualbox")
    pipe = old.home / ".boot2docker" / f"{old.name}.sock"
    assert info["SerialFile"] == (str(pipe) if old.name == "boot2docker-vm" else "")
    config = json.loads(old.run("config", "--json").stdout)
    assert (config["ssh_key"], config["iso"]) == (str(old.key), str(old.iso))


def test_no_command_rewrites_it(old: OldVM) -> None:
    before = old.settings()
    content = old.content()
    steps: list[tuple[Callable[[], subprocess.CompletedProcess[str]], int, str]] = [
        (lambda: old.run("init"), 0, "poweroff"),
        (lambda: old.run("up"), DEADLINE, "running"),
        (lambda: old.run("up"), DEADLINE, "running"),
        (lambda: old.run("ssh", "true"), 255, "running"),
        (lambda: old.run("down"), DEADLINE, "running"),
        (lambda: old.run("save"), 0, "saved"),
        (lambda: old.run("down"), 0, "saved"),
        (lambda: old.run("up"), DEADLINE, "running"),
        (lambda: old.run("reset"), DEADLINE, "running"),
        (lambda: old.run("restart"), DEADLINE, "running"),
        (lambda: old.run("down", "--force"), 0, "poweroff"),
        (lambda: old.run("up", "--discard-saved"), DEADLINE, "running"),
        (lambda: old.run("poweroff"), 0, "poweroff"),
    ]
    for number, (step, status, state) in enumerate(steps):
        ended = step()
        assert ended.returncode == status, (number, ended)
        assert "defect" not in ended.stderr, (number, ended)
        assert old.status() == state, (number, ended)
    assert old.settings() == before
    assert old.content() == content
    assert old.run("config").returncode == 0


def test_delete_takes_the_vm_and_its_disk_and_no_more(old: OldVM) -> None:
    old.run("up")
    ended = old.run("delete", "--force")
    assert ended.returncode == 0, ended
    assert old.run("status").returncode == 3
    assert not old.disk.exists()
    assert old.iso.exists()
    assert old.key.exists()


def test_a_taken_port_is_the_only_thing_that_is_replaced(old: OldVM) -> None:
    with socket.create_server(("127.0.0.1", old.ssh_port)):
        assert "taken by another program" in old.run("up").stderr
    port = json.loads(old.run("info").stdout)["SSHPort"]
    assert port not in (0, old.ssh_port)
    assert f'"ssh,tcp,127.0.0.1,{port},,22"' in old.settings()


def test_a_vm_without_a_port_for_ssh_is_told_how_to_get_one(original: OldVM) -> None:
    _vboxmanage("modifyvm", original.name, "--natpf1", "delete", "ssh")
    ended = original.run("up")
    assert ended.returncode == 7, ended
    assert "--natpf1" in ended.stderr


def test_a_larger_disk_or_less_memory_in_the_profile_is_no_complaint(original: OldVM) -> None:
    profile = original.home / ".boot2docker" / "profile"
    profile.write_text("DiskSize = 500\nMemory = 4096\n")
    ended = original.run("init")
    assert ended.returncode == 0
    assert "no effect" not in ended.stderr


def test_its_hypervisor_is_remembered(original: OldVM) -> None:
    """Else it would be sought with QEMU on a day on which VirtualBox does not answer."""
    original.run("poweroff")
    ended = original.run("--driver", "qemu", "up")
    assert ended.returncode == 2, ended
    assert "virtualbox" in ended.stderr


def test_an_adapter_with_which_it_does_not_start_is_taken_out_and_named(original: OldVM) -> None:
    subprocess.run(["ip", "link", "add", "vboxnet7", "type", "bridge"], check=True)
    try:
        _vboxmanage(
            "modifyvm", original.name, "--nic2", "hostonly", "--hostonlyadapter2", "vboxnet7"
        )
        ended = original.run("up")
        assert original.status() == "running"
        assert "without its host-only network" in ended.stderr
        assert '--nic2 hostonly --hostonlyadapter2 "vboxnet7"' in ended.stderr
    finally:
        subprocess.run(["ip", "link", "delete", "vboxnet7"], check=True)
