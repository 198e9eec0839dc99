"""A disk of the host that is full, before a command or in the middle of one: all stays as it was.

VirtualBox by itself spoils the VM then: see `vm/room.py`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.drivers.model import Changes, State, VMSpec
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import copies, media, snapshots, versions
from boot2docker_py.errors import StorageError
from tests.virtualbox.test_copies import content, disks_named_like, machine_of, put_in_streamed_disk
from tests.virtualbox.test_driver import (  # noqa: F401 - fixtures
    MADE,
    api,
    driver,
    end_server,
    paths,
    spec,
)

GRAIN_BYTES = 1 << 16  # of a VMDK
KNOWN = [bytes([number]) * 512 for number in range(1, 65)]


@pytest.fixture
def machines_in(api: API, tmp_path: Path) -> Iterator[Path]:  # noqa: F811
    """Let VirtualBox make its machines in a file system of its own, which a test may fill."""
    folder, properties = tmp_path / "small", api.virtualbox.system_properties
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(folder)], check=True)
    before = properties.default_machine_folder
    properties.default_machine_folder = str(folder)
    yield folder
    properties.default_machine_folder = before
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(folder: Path, left_bytes: int = 0) -> Iterator[None]:
    """Fill the file system, but for a little, while the block lasts."""
    subprocess.run(["mount", "-o", "remount,size=24m", str(folder)], check=True)
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    os.truncate(filler, filler.stat().st_size - left_bytes)
    yield
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=2g", str(folder)], check=True)


def files_of(vm: VirtualBoxDriver) -> dict[str, int]:
    """Return the files of the VM, but for those that say what it does, and their sizes."""
    found = (one for one in vm.describe().folder.rglob("*") if one.is_file())
    return {one.name: one.stat().st_size for one in found if one.suffix != ".log"}


def write(vm: VirtualBoxDriver) -> None:
    """Write known bytes to each of the first grains of the data disk, behind the seed."""
    opened = copies.disk_of(machine_of(vm), "").open_for_io(True, "")
    for number, known in enumerate(KNOWN, start=1):
        assert versions.write(opened, number * GRAIN_BYTES, known) == len(known)
    opened.close()


def has_what_was_written(vm: VirtualBoxDriver) -> bool:
    opened = copies.disk_of(machine_of(vm), "").open_for_io(False, "")
    found = [
        versions.read(opened, number * GRAIN_BYTES, len(known))
        for number, known in enumerate(KNOWN, start=1)
    ]
    opened.close()
    return found == KNOWN


ACTS: dict[str, tuple[Callable[[VirtualBoxDriver], object], State]] = {
    "change": (lambda vm: vm.change(Changes(memory_mb=200)), State.OFF),
    "start": (lambda vm: vm.start(), State.OFF),
    "take": (lambda vm: vm.take_snapshot("new"), State.OFF),
    "take live": (lambda vm: vm.take_snapshot("new"), State.RUNNING),
    "restore": (lambda vm: vm.restore_snapshot("one"), State.OFF),
    "delete a snapshot": (lambda vm: vm.delete_snapshot("one"), State.OFF),
    "save": (lambda vm: vm.save(), State.RUNNING),
    "grow": (lambda vm: vm.change(Changes(disk_mb=vm.describe().disk_mb + 500)), State.OFF),
    "replace the disk": (lambda vm: vm.replace_disk(b"seed", 1000), State.OFF),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_the_vm_is_stays_and_space_lets_it_be_done(
    act: str,
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    machines_in: Path,
) -> None:
    do, state = ACTS[act]
    driver.create(spec)
    write(driver)
    for name in ("one", "two"):
        driver.take_snapshot(name)
    if state is State.RUNNING:
        driver.start()
    before, files = driver.describe(), files_of(driver)
    with filled(machines_in):
        with pytest.raises(StorageError) as caught:
            do(driver)
        assert "Make space" in caught.value.resolution
        assert (driver.state(), driver.describe(), files_of(driver)) == (state, before, files)
        assert [one.name for one in driver.snapshots()] == ["one", "two"]
    if state is State.OFF:
        assert has_what_was_written(driver)
    do(driver)
    assert driver.state() is not State.BROKEN
    driver.delete()
    assert not before.folder.exists()
    assert disks_named_like(driver) == []


def test_no_memory_is_left_of_a_snapshot_in_the_middle_of_which_the_disk_was_full(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    machines_in: Path,
) -> None:
    driver.create(spec)
    driver.take_snapshot("one")
    driver.start()
    files = set(files_of(driver))
    with filled(machines_in, left_bytes=1 << 18):
        with pytest.raises(StorageError), failures.translated():
            snapshots.take(driver.api, driver.machine(), "two", is_on=True)
        assert driver.state() is State.RUNNING
        assert [one.name for one in driver.snapshots()] == ["one"]
        assert set(files_of(driver)) == files
    driver.take_snapshot("two")
    assert driver.state() is State.RUNNING
    assert [one.has_memory for one in driver.snapshots()] == [False, True]


def test_a_disk_that_is_full_in_the_middle_of_saving_loses_no_memory(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    machines_in: Path,
) -> None:
    driver.create(spec._replace(memory_mb=4096))  # of which 1.3 MB have to be written
    driver.start()
    with filled(machines_in, left_bytes=(1 << 20) + (1 << 16)):
        with pytest.raises(StorageError):
            driver.save()
        assert driver.state() in (State.RUNNING, State.PAUSED)
    driver.start()
    assert driver.state() is State.RUNNING


def test_a_disk_that_is_full_while_one_is_converted_keeps_the_old_one(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    machines_in: Path,
) -> None:
    driver.create(spec)
    write(driver)
    put_in_streamed_disk(driver)
    before, files = driver.describe(), files_of(driver)
    grown = Changes(disk_mb=spec.disk_mb + 500)
    with filled(machines_in, left_bytes=5 << 20):
        with pytest.raises(StorageError):
            driver.change(grown)
        assert (driver.state(), driver.describe(), files_of(driver)) == (State.OFF, before, files)
    driver.change(grown)
    assert driver.describe().disk_mb == spec.disk_mb + 500
    assert has_what_was_written(driver)


def test_a_disk_whose_tables_have_no_room_does_not_grow(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    machines_in: Path,
) -> None:
    """VirtualBox would begin, and lose what they take the place of."""
    driver.create(spec)
    write(driver)
    before, files = driver.describe(), files_of(driver)
    much = Changes(disk_mb=spec.disk_mb + 50_000)
    with filled(machines_in, left_bytes=5 << 20):
        with pytest.raises(StorageError, match="too full"):
            driver.change(much)
        assert (driver.describe(), files_of(driver)) == (before, files)
    assert has_what_was_written(driver)
    driver.change(much)
    assert driver.describe().disk_mb == much.disk_mb
    assert has_what_was_written(driver)


@pytest.mark.parametrize("left_bytes", [0, 1 << 18])
def test_a_disk_of_which_virtualbox_said_so_in_vain_grows_when_there_is_space(
    left_bytes: int,
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    machines_in: Path,
) -> None:
    driver.create(spec)
    disk = copies.disk_of(machine_of(driver), "")
    larger_mb = spec.disk_mb + 50_000
    with filled(machines_in, left_bytes):
        failures.wait(disk.resize(larger_mb * media.MB))
    disk.refresh_state()
    assert driver.describe().disk_mb == spec.disk_mb
    before = content(driver)
    driver.change(Changes(disk_mb=larger_mb))
    assert driver.describe().disk_mb == larger_mb
    assert content(driver) == before


def test_settings_that_a_full_disk_has_emptied_can_be_put_back(
    spec: VMSpec,  # noqa: F811
    tmp_path: Path,
) -> None:
    """VirtualBox empties them when a VM ends, for instance, and reads them at its next start."""
    home, name = tmp_path / "virtualbox", "Jörg's own"
    environ = {**os.environ, "VBOX_USER_HOME": str(home), "VBOX_IPC_SOCKETID": tmp_path.name}
    environ["BOOT2DOCKER_DIR"] = str(tmp_path / "b2d")
    run = functools.partial(subprocess.run, capture_output=True, text=True, env=environ)
    run(["prepare-virtualbox"], check=True)
    try:
        made = [sys.executable, "-c", MADE, str(tmp_path / "b2d"), name, str(spec.iso)]
        run(made, check=True)
        (tmp_path / "b2d" / "vms" / name / "driver").write_text("virtualbox")
        command = ["boot2docker", "--vm", name]
        settings = Path(json.loads(run([*command, "info"], check=True).stdout)["CfgFile"])
        end_server(home)
        os.truncate(settings, 0)
        assert run([*command, "status"], check=True).stdout == "broken\n"
        kept = settings.with_name(f"{settings.name}-prev")
        said = run([*command, "up"], check=False).stderr
        assert f"copy '{kept}' to '{settings}'" in said, said
        shutil.copy(kept, settings)
        assert run([*command, "status"], check=True).stdout == "poweroff\n"
    finally:
        end_server(home)
