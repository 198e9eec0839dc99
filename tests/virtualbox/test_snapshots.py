"""The snapshots of the driver, in a real VirtualBox, where the contract does not tell it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.errors import BusyError, UsageError
from tests.virtualbox.test_driver import KILLED, _vboxmanage, api, driver, paths, spec  # noqa: F401


def _in_list(api: API, name: str) -> list[str]:  # noqa: F811
    return [d.location for d in api.virtualbox.hard_disks if name in d.location]


def test_delete_leaves_a_disk_of_somebody_else_with_a_snapshot_on_it(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    info, foreign = driver.describe(), spec.iso.parent / "foreign.vdi"
    _vboxmanage("createmedium", "disk", "--filename", str(foreign), "--size", "10")
    _vboxmanage(
        *("storageattach", info.name, "--storagectl", "SATA", "--port", "2"),
        *("--type", "hdd", "--medium", str(foreign)),
    )
    driver.take_snapshot("one")
    driver.delete()
    assert driver.state() is State.ABSENT
    assert foreign.is_file()
    assert not info.disk.exists()
    kept = list(info.folder.rglob("*.vdi"))
    assert len(kept) == 1, "what was written to the foreign disk since the snapshot"


def test_a_lost_file_of_a_snapshot_is_said(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.take_snapshot("one")
    (difference,) = (driver.describe().folder / "Snapshots").glob("*.vmdk")
    difference.rename(difference.with_suffix(".away"))
    assert driver.state() is State.BROKEN
    assert str(difference) in driver.problem()
    difference.with_suffix(".away").rename(difference)
    assert driver.state() is State.OFF


def test_one_made_in_the_window_is_one_like_ours(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.take_snapshot("ours")
    driver.start()
    by_hand = ("snapshot", driver.describe().name, "take")
    _vboxmanage(*by_hand, "Snapshot 1, jö", "--description", "two\nlines", "--live")
    driver.power_off()
    _vboxmanage(*by_hand, "--uniquename Timestamp")
    found = [(one.name, one.parent, one.has_memory, one.is_current) for one in driver.snapshots()]
    assert found == [
        ("ours", None, False, False),
        ("Snapshot 1, jö", "ours", True, False),
        ("--uniquename Timestamp", "Snapshot 1, jö", False, True),
    ]
    driver.restore_snapshot("ours")
    assert driver.state() is State.OFF
    driver.restore_snapshot("Snapshot 1, jö")
    assert driver.state() is State.SAVED
    driver.start()
    assert driver.state() is State.RUNNING
    driver.power_off()
    for name in ("--uniquename Timestamp", "Snapshot 1, jö", "ours"):
        driver.delete_snapshot(name)
    assert list(driver.snapshots()) == []
    folder = driver.describe().folder
    assert len([*folder.rglob("*.vmdk"), *folder.rglob("*.sav")]) == 1


def test_a_memory_that_is_gone_is_named(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.take_snapshot("off")
    driver.start()
    driver.take_snapshot("live")
    assert [one.lost_file for one in driver.snapshots()] == [None, None]
    (memory,) = driver.describe().folder.rglob("*.sav")
    memory.unlink()
    assert [one.lost_file for one in driver.snapshots()] == [None, memory]
    driver.power_off()
    driver.delete_snapshot("live")


def test_a_chain_of_thirty_is_gone_through(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    names = [f"number {number}" for number in range(30)]
    for name in names:
        driver.take_snapshot(name)
    found = {one.name: one.parent for one in driver.snapshots()}
    assert found == dict(zip(names, [None, *names[:-1]]))
    driver.delete_snapshot(names[15])
    driver.restore_snapshot(names[0])
    assert driver.state() is State.OFF
    driver.restore_snapshot(names[-1])
    driver.start()
    assert driver.state() is State.RUNNING
    folder = driver.describe().folder
    driver.delete()
    assert driver.state() is State.ABSENT
    assert not folder.exists()


def test_two_of_one_name_made_in_the_window_are_told_apart_by_nobody(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    for _ in range(2):
        _vboxmanage("snapshot", driver.describe().name, "take", "twin")
    with pytest.raises(UsageError, match="2 snapshots named 'twin'"):
        driver.restore_snapshot("twin")


def test_a_vm_that_another_program_holds_is_busy(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    api: API,  # noqa: F811
) -> None:
    driver.create(spec)
    session = api.new_session()
    driver.machine().lock_machine(session, api.library.LockType.write)
    try:
        with pytest.raises(BusyError):
            driver.take_snapshot("one")
    finally:
        session.unlock_machine()
    assert list(driver.snapshots()) == []


DELETED = KILLED.replace('vm.create(a_spec(home / "blank, really.iso"))', "vm.delete()").replace(
    'print("made")', 'print("deleted")'
)


def test_delete_killed_anywhere_can_be_run_again(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    tmp_path: Path,
    api: API,  # noqa: F811
) -> None:
    step = 1
    while True:
        driver.create(spec)
        driver.take_snapshot("one")
        driver.take_snapshot("two")
        folder = driver.describe().folder
        command = [sys.executable, "-c", DELETED, str(tmp_path), driver.paths.name, str(step)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        driver.delete()
        assert driver.state() is State.ABSENT
        assert not folder.exists(), list(folder.rglob("*"))
        assert _in_list(api, driver.paths.name) == []
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        step += 2
    assert step > 10
