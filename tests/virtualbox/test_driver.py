"""The VirtualBox driver on a real VirtualBox, with a VM that has nothing to boot."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import Own, State, VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API, connect
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.errors import BusyError, WrongStateError
from boot2docker_py.paths import Paths, VMPaths
from tests.driver_contract import (
    ChangeContract,
    CopyContract,
    HostContract,
    SnapshotContract,
    wait_until,
)
from tests.fakes import a_spec


@pytest.fixture(scope="session")
def api() -> API:
    return connect()


@pytest.fixture
def paths(tmp_path: Path) -> VMPaths:
    return Paths(home=tmp_path, user_home=tmp_path).vm(f"Jörg's vm {uuid.uuid4().hex[:8]}")


@pytest.fixture
def spec(tmp_path: Path, paths: VMPaths) -> VMSpec:
    iso = tmp_path / "blank, really.iso"
    iso.write_bytes(bytes(1 << 20))
    return a_spec(iso)


@pytest.fixture
def driver(api: API, paths: VMPaths) -> Iterator[VirtualBoxDriver]:
    driver = VirtualBoxDriver(paths, api)
    yield driver
    driver.delete()


@pytest.fixture
def other_paths(tmp_path: Path) -> VMPaths:
    home = tmp_path / "home of another"
    return Paths(home=home, user_home=home).vm(f"its copy {uuid.uuid4().hex[:8]}")


@pytest.fixture
def other(api: API, driver: VirtualBoxDriver, other_paths: VMPaths) -> Iterator[VirtualBoxDriver]:
    other = VirtualBoxDriver(other_paths, api)
    yield other
    other.delete()


@pytest.fixture
def own(spec: VMSpec, other_paths: VMPaths) -> Own:
    return Own(spec.iso, other_paths.console_log)


def _vboxmanage(*words: str) -> None:
    subprocess.run(["VBoxManage", *words], check=True, capture_output=True)


class TestContract(HostContract, SnapshotContract, ChangeContract, CopyContract):
    """The rules for every driver."""

    can_leave_memory_out = False


@pytest.mark.parametrize("disk_format", ["VMDK", "VDI"])
def test_the_seed_is_at_the_start_of_the_disk(
    driver: VirtualBoxDriver, spec: VMSpec, disk_format: str
) -> None:
    driver.create(spec._replace(disk_format=disk_format))
    disk = driver.describe().disk
    assert disk.suffix == f".{disk_format.lower()}"
    raw = disk.with_suffix(".raw")
    _vboxmanage("clonemedium", str(disk), str(raw), "--format", "RAW")
    with raw.open("rb") as content:
        assert content.read(len(spec.seed)) == spec.seed
    _vboxmanage("closemedium", str(raw), "--delete")


def test_a_disk_of_somebody_else_survives(driver: VirtualBoxDriver, spec: VMSpec) -> None:
    driver.create(spec)
    foreign = spec.iso.parent / "foreign.vdi"
    _vboxmanage("createmedium", "disk", "--filename", str(foreign), "--size", "10")
    _vboxmanage(
        *("storageattach", driver.describe().name, "--storagectl", "SATA", "--port", "2"),
        *("--type", "hdd", "--medium", str(foreign)),
    )
    driver.delete()
    assert foreign.is_file()
    assert driver.state() is State.ABSENT


def test_a_vm_of_somebody_else_survives(api: API, tmp_path: Path) -> None:
    name = f"somebody {uuid.uuid4().hex[:8]}"
    _vboxmanage("createvm", "--name", name, "--basefolder", str(tmp_path), "--register")
    disk = tmp_path / "disk.vdi"
    _vboxmanage("createmedium", "--filename", str(disk), "--size", "8")
    _vboxmanage("storagectl", name, "--name", "SATA", "--add", "sata")
    attached = ("--storagectl", "SATA", "--port", "0", "--type", "hdd", "--medium", str(disk))
    _vboxmanage("storageattach", name, *attached)
    driver = VirtualBoxDriver(Paths(home=tmp_path, user_home=tmp_path).vm(name), api)
    with pytest.raises(WrongStateError, match="not made by boot2docker"):
        driver.delete()
    assert (tmp_path / name / f"{name}.vbox").is_file()
    assert disk.is_file()
    _vboxmanage("unregistervm", name, "--delete")


def test_a_lost_disk_is_said(driver: VirtualBoxDriver, spec: VMSpec) -> None:
    driver.create(spec)
    disk = driver.describe().disk
    disk.rename(disk.with_suffix(".away"))
    assert driver.state() is State.BROKEN
    assert str(disk) in driver.problem()
    disk.with_suffix(".away").rename(disk)
    assert driver.state() is State.OFF


def test_a_vm_that_another_program_holds_is_busy(
    driver: VirtualBoxDriver, spec: VMSpec, api: API
) -> None:
    driver.create(spec)
    session = api.new_session()
    machine = api.virtualbox.find_machine(driver.describe().name)
    machine.lock_machine(session, api.library.LockType.write)
    try:
        with pytest.raises(BusyError, match="locked"):
            driver.start()
    finally:
        session.unlock_machine()
    assert driver.state() is State.OFF


KILLED = """
import os, signal, sys
from pathlib import Path
from boot2docker_py.drivers.virtualbox import driver
from boot2docker_py.paths import Paths
from tests.fakes import a_spec

home, name, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
count = 0

def trace(frame, event, arg):
    # Each function of ours that ends is a point at which the process may be killed.
    global count
    if event == "return" and "/drivers/virtualbox/" in frame.f_code.co_filename and ready:
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

ready = False
vm = driver.VirtualBoxDriver(Paths(home=home, user_home=home).vm(name))
vm.api.library  # is not the work that is killed
ready = True
sys.setprofile(trace)
vm.create(a_spec(home / "blank, really.iso"))
sys.setprofile(None)
print("made")
"""


def test_init_killed_anywhere_can_be_run_again(
    driver: VirtualBoxDriver, spec: VMSpec, tmp_path: Path, api: API
) -> None:
    name = driver.paths.name
    step = 1
    while True:
        command = [sys.executable, "-c", KILLED, str(tmp_path), name, str(step)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        if driver.state() is State.ABSENT:
            driver.create(spec)
        assert driver.state() is State.OFF
        folder = driver.describe().folder
        assert {file.suffix for file in folder.iterdir()} <= {".vbox", ".vbox-prev", ".vmdk"}
        driver.delete()
        assert not folder.exists()
        # Of a process killed while it attached the disk, VirtualBox keeps an entry, without file.
        for disk in api.virtualbox.hard_disks:
            assert name not in disk.location or disk.machine_ids
        step += 2
    assert step > 50


def test_a_vm_whose_process_dies_is_aborted_and_starts_again(
    driver: VirtualBoxDriver, spec: VMSpec, api: API
) -> None:
    driver.create(spec)
    driver.start()
    os.kill(api.virtualbox.find_machine(driver.describe().name).session_pid, signal.SIGKILL)
    wait_until(driver, State.ABORTED)
    driver.start()
    assert driver.state() is State.RUNNING


def test_a_vm_that_virtualbox_cannot_read_is_broken_and_its_disk_survives_delete(
    driver: VirtualBoxDriver, spec: VMSpec, tmp_path: Path
) -> None:
    """VirtualBox reads the settings when its server starts, so each question has one of its own."""
    home, name = tmp_path / "virtualbox", "unreadable"
    environ = {**os.environ, "VBOX_USER_HOME": str(home), "VBOX_IPC_SOCKETID": uuid.uuid4().hex}
    environ["BOOT2DOCKER_DIR"] = str(tmp_path / "b2d")
    run = functools.partial(subprocess.run, capture_output=True, text=True, env=environ)
    run(["prepare-virtualbox"], check=True)
    run([sys.executable, "-c", MADE, str(tmp_path / "b2d"), name, str(spec.iso)], check=True)
    settings = home / "machines" / name / f"{name}.vbox"
    disk = settings.with_suffix(".vmdk")
    assert disk.is_file()
    end_server(home)
    settings.write_text("nonsense")
    status = run(["boot2docker", "--driver", "virtualbox", "--vm", name, "status"], check=False)
    assert status.stdout == "broken\n", status.stderr
    up = run(["boot2docker", "--driver", "virtualbox", "--vm", name, "up"], check=False)
    assert up.returncode == WrongStateError.exit_status
    assert "VirtualBox cannot read the VM" in up.stderr
    delete = run(["boot2docker", "--vm", name, "delete", "--force"], check=False)
    assert delete.returncode == 0, delete.stderr
    assert disk.is_file()
    end_server(home)


MADE = """
import sys
from pathlib import Path
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.paths import Paths
from tests.fakes import a_spec

home, name = Path(sys.argv[1]), sys.argv[2]
driver = VirtualBoxDriver(Paths(home=home, user_home=home).vm(name))
driver.create(a_spec(Path(sys.argv[3])))
"""


def end_server(home: Path) -> None:
    """End the VBoxSVC of that home, which otherwise stays for some seconds."""
    for server in servers(home):
        os.kill(server, signal.SIGKILL)


def servers(home: Path) -> Iterator[int]:
    """Yield the process of each VBoxSVC of that home."""
    wanted = f"VBOX_USER_HOME={home}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            name = (process / "comm").read_text().strip()
            if name == "VBoxSVC" and wanted in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name)


def test_a_server_that_dies_in_the_middle_is_an_error_with_advice(
    spec: VMSpec, tmp_path: Path
) -> None:
    home = tmp_path / "virtualbox"
    environ = {**os.environ, "VBOX_USER_HOME": str(home), "VBOX_IPC_SOCKETID": uuid.uuid4().hex}
    run = functools.partial(subprocess.run, capture_output=True, text=True, env=environ)
    run(["prepare-virtualbox"], check=True)
    command = [sys.executable, "-c", SERVER_DIES, str(tmp_path), "dying", str(spec.iso)]
    ended = run(command, check=False)
    assert ended.stdout == "VirtualBox's server ended during the command\n", ended.stderr
    again = run([sys.executable, "-c", MADE, str(tmp_path), "dying", str(spec.iso)], check=False)
    assert again.returncode == 0, again.stderr
    end_server(home)


SERVER_DIES = """
import os, sys
from pathlib import Path
from boot2docker_py.drivers.virtualbox.vm import media
from boot2docker_py.drivers.virtualbox.binding.api import connect
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.errors import HypervisorError
from boot2docker_py.paths import Paths
from tests.fakes import a_spec
from tests.virtualbox.test_driver import end_server

def end(error):
    print(error.brief, flush=True)
    os._exit(0)

home = Path(sys.argv[1])
paths = Paths(home=home, user_home=home).vm(sys.argv[2])
driver = VirtualBoxDriver(paths, connect(on_hang=end))
make = media.make_disk

def dies(*arguments):
    end_server(home / "virtualbox")
    return make(*arguments)

media.make_disk = dies
try:
    driver.create(a_spec(Path(sys.argv[3])))
except HypervisorError as error:
    end(error)
"""
