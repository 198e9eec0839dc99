"""The rules of `drivers/base.py`, to be run on every driver.

A test class inherits one of these and gives the fixtures `driver`, of a VM that does not exist,
and `spec`.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Sequence

import pytest

from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import Boot, Changes, InternalNetwork, Own, State, VMSpec
from boot2docker_py.errors import (
    NetworkError,
    NotFoundError,
    StorageError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.paths import VMPaths
from boot2docker_py.wait import Check, Deadline, wait_for

TIMEOUT_S = 120.0


def wait_until(driver: Driver, wanted: State, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until the VM is in the state."""

    def probe(_deadline: Deadline) -> str | None:
        state = driver.state()
        return None if state is wanted else f"it is {state.value} {driver.problem()}"

    wait_for([Check(f"the VM to be {wanted.value}", probe)], Deadline(timeout_s))


def quiet_port() -> int:
    """Return a free port of 127.0.0.1 that no other program is given by chance.

    Systems take those from 32768 on, or higher, for who asks for any.
    """
    while True:
        port = random.randint(10_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class DriverContract:
    """The rules that hold for anything that calls itself a driver."""

    @pytest.fixture
    def off(self, driver: Driver, spec: VMSpec) -> Driver:
        """Return the driver of a VM that is made and off."""
        driver.create(spec)
        return driver

    @pytest.fixture
    def running(self, off: Driver) -> Driver:
        """Return the driver of a VM that runs."""
        off.start()
        wait_until(off, State.RUNNING)
        return off

    def test_an_absent_vm_has_a_state(self, driver: Driver) -> None:
        assert driver.state() is State.ABSENT
        assert driver.problem() == ""

    def test_an_absent_vm_cannot_be_described(self, driver: Driver) -> None:
        with pytest.raises(NotFoundError):
            driver.describe()

    def test_what_is_absent_can_be_ended_and_deleted(self, driver: Driver) -> None:
        driver.shutdown()
        driver.power_off()
        driver.discard_saved()
        driver.delete()
        assert driver.state() is State.ABSENT

    def test_a_new_vm_is_off_and_as_specified(self, off: Driver, spec: VMSpec) -> None:
        info = off.describe()
        assert off.state() is State.OFF
        assert (info.disk_mb, info.memory_mb, info.cpus) == (
            spec.disk_mb,
            spec.memory_mb,
            spec.cpus,
        )
        assert (info.iso, info.console_log) == (spec.iso, spec.console_log)
        assert info.hypervisor_log.suffix == ".log"

    def test_a_new_vm_has_the_network_that_was_chosen(self, driver: Driver, spec: VMSpec) -> None:
        driver.create(spec._replace(nat_network="10.7.7.0/24"))
        assert driver.describe().nat_network == "10.7.7.0/24"

    def test_a_new_vm_has_the_usual_network(self, off: Driver) -> None:
        assert off.describe().nat_network == "10.0.2.0/24"

    def test_a_new_vm_is_on_the_internal_network_at_its_number(
        self, driver: Driver, spec: VMSpec
    ) -> None:
        place = InternalNetwork("cable", 7)
        driver.create(spec._replace(internal_network=place))
        assert driver.describe().internal_network == place
        assert set(driver.numbers_on("cable")) == {7}
        assert set(driver.numbers_on("cable-2")) == set()
        driver.take_snapshot("one")
        driver.restore_snapshot("one")
        assert driver.describe().internal_network == place
        driver.delete()
        assert set(driver.numbers_on("cable")) == set()

    def test_a_new_vm_is_on_no_internal_network_unless_asked(self, off: Driver) -> None:
        assert off.describe().internal_network is None

    def test_a_port_left_to_the_driver_is_chosen_at_creation(self, off: Driver) -> None:
        assert off.ssh_address().host == "127.0.0.1"
        assert off.ssh_address().port == off.describe().ssh_port > 0

    def test_ending_an_off_vm_changes_nothing(self, off: Driver) -> None:
        off.shutdown()
        off.power_off()
        off.discard_saved()
        assert off.state() is State.OFF

    def test_start_boots(self, running: Driver) -> None:
        assert running.state() is State.RUNNING
        assert running.problem() == ""

    def test_the_log_of_the_console_is_not_for_others(self, off: Driver, spec: VMSpec) -> None:
        before = os.umask(0)
        try:
            off.start()
            wait_until(off, State.RUNNING)
        finally:
            os.umask(before)
        if os.name == "posix" and spec.console_log.exists():  # the fake writes none
            assert spec.console_log.stat().st_mode & 0o077 == 0

    def test_a_running_vm_is_left_alone_by_start(self, running: Driver) -> None:
        address = running.ssh_address()
        running.start()
        assert running.state() is State.RUNNING
        assert running.ssh_address() == address

    def test_power_off_returns_when_the_vm_is_off(self, running: Driver) -> None:
        running.power_off()
        assert running.state() is State.OFF
        running.power_off()
        assert running.state() is State.OFF

    def test_a_vm_starts_again_after_power_off(self, running: Driver) -> None:
        running.power_off()
        running.start()
        wait_until(running, State.RUNNING)

    def test_a_boot_with_another_image_is_of_that_from_then_on(
        self, off: Driver, spec: VMSpec, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.iso"
        if spec.iso.exists():
            shutil.copyfile(spec.iso, other)
        off.start(Boot(iso=other))
        wait_until(off, State.RUNNING)
        assert off.describe().iso == other
        off.power_off()
        off.start()
        wait_until(off, State.RUNNING)
        assert off.describe().iso == other

    def test_save_returns_when_the_vm_is_saved(self, running: Driver) -> None:
        running.save()
        assert running.state() is State.SAVED
        running.save()
        assert running.state() is State.SAVED, "it was already"

    def test_start_restores_a_saved_vm(self, running: Driver) -> None:
        running.save()
        running.start()
        wait_until(running, State.RUNNING)
        running.power_off()
        assert running.state() is State.OFF, "the saved state was used up"

    def test_a_saved_state_survives_power_off_and_the_power_button(self, running: Driver) -> None:
        running.save()
        running.power_off()
        running.shutdown()
        assert running.state() is State.SAVED

    def test_a_discarded_state_leaves_the_vm_off(self, running: Driver) -> None:
        running.save()
        running.discard_saved()
        assert running.state() is State.OFF
        running.start()
        wait_until(running, State.RUNNING)

    def test_delete_takes_a_vm_in_any_state(self, running: Driver, spec: VMSpec) -> None:
        running.delete()
        assert running.state() is State.ABSENT
        for before in (State.OFF, State.SAVED):
            running.create(spec)
            if before is State.SAVED:
                running.start()
                wait_until(running, State.RUNNING)
                running.save()
            assert running.state() is before
            running.delete()
            assert running.state() is State.ABSENT


class SnapshotContract(DriverContract):
    """The rules for snapshots."""

    can_leave_memory_out = True  # of a snapshot of a VM that has some

    def test_an_absent_vm_has_no_snapshots(self, driver: Driver) -> None:
        for call in (driver.take_snapshot, driver.restore_snapshot, driver.delete_snapshot):
            with pytest.raises(NotFoundError):
                call("one")
        with pytest.raises(NotFoundError):
            driver.snapshots()

    def test_snapshots_build_on_one_another(self, off: Driver) -> None:
        assert list(off.snapshots()) == []
        off.take_snapshot("one")
        off.take_snapshot("two, jö")
        found = [(s.name, s.parent, s.has_memory, s.is_current) for s in off.snapshots()]
        assert found == [("one", None, False, False), ("two, jö", "one", False, True)]
        off.restore_snapshot("one")
        assert [s.is_current for s in off.snapshots()] == [True, False]
        assert off.state() is State.OFF
        with pytest.raises(WrongStateError):  # the VM and a snapshot build on it
            off.delete_snapshot("one")
        off.restore_snapshot("two, jö")
        off.delete_snapshot("one")
        found = [(s.name, s.parent, s.has_memory, s.is_current) for s in off.snapshots()]
        assert found == [("two, jö", None, False, True)]

    def test_names_of_snapshots_are_unique(self, off: Driver) -> None:
        off.take_snapshot("one")
        for name in ("one", ""):
            with pytest.raises(UsageError):
                off.take_snapshot(name)
        for call in (off.restore_snapshot, off.delete_snapshot):
            with pytest.raises(NotFoundError, match="two"):
                call("two")
        assert [s.name for s in off.snapshots()] == ["one"]

    def test_a_snapshot_that_several_build_on_stays(self, off: Driver) -> None:
        for name in ("two", "three"):
            if name == "two":
                off.take_snapshot("one")
            off.restore_snapshot("one")
            off.take_snapshot(name)
        with pytest.raises(WrongStateError):
            off.delete_snapshot("one")
        off.delete_snapshot("two")
        off.delete_snapshot("one")
        assert [(s.name, s.parent) for s in off.snapshots()] == [("three", None)]

    def test_a_live_snapshot_has_the_memory_and_the_vm_goes_on(self, running: Driver) -> None:
        running.take_snapshot("live")
        assert running.state() is State.RUNNING
        assert [s.has_memory for s in running.snapshots()] == [True]
        with pytest.raises(WrongStateError):
            running.restore_snapshot("live")
        assert running.state() is State.RUNNING
        running.power_off()
        running.restore_snapshot("live")
        assert running.state() is State.SAVED
        running.start()
        wait_until(running, State.RUNNING)
        running.delete_snapshot("live")
        assert running.state() is State.RUNNING
        assert list(running.snapshots()) == []

    def test_a_saved_state_is_not_thrown_away_by_a_restore(self, running: Driver) -> None:
        running.take_snapshot("live")
        running.save()
        with pytest.raises(WrongStateError):
            running.restore_snapshot("live")
        running.take_snapshot("saved")
        assert running.state() is State.SAVED
        running.discard_saved()
        running.restore_snapshot("saved")
        assert running.state() is State.SAVED

    def test_a_vm_is_as_its_snapshot_until_it_runs(self, off: Driver) -> None:
        assert not off.is_as_snapshot()
        off.take_snapshot("one")
        assert off.is_as_snapshot()
        off.start()
        wait_until(off, State.RUNNING)
        off.power_off()
        assert not off.is_as_snapshot()
        off.restore_snapshot("one")
        assert off.is_as_snapshot()
        off.delete_snapshot("one")
        assert not off.is_as_snapshot()

    def test_a_vm_that_runs_is_not_as_its_snapshot(self, running: Driver) -> None:
        running.take_snapshot("live")
        assert not running.is_as_snapshot()
        running.save()
        assert not running.is_as_snapshot()
        running.take_snapshot("saved")
        assert running.is_as_snapshot()

    def test_a_snapshot_has_a_time_and_the_size_of_its_memory(self, running: Driver) -> None:
        before_s = time.time()
        running.take_snapshot("live")
        (live,) = running.snapshots()
        assert before_s - 2 < live.taken_at_s < time.time() + 2
        assert live.size_bytes > 0

    def test_one_without_memory_is_off_when_it_is_restored(self, running: Driver) -> None:
        if not self.can_leave_memory_out:
            with pytest.raises(WrongStateError):
                running.take_snapshot("disk", memory=False)
            assert list(running.snapshots()) == []
            return
        running.take_snapshot("disk", memory=False)
        assert running.state() is State.RUNNING
        assert [s.has_memory for s in running.snapshots()] == [False]
        running.power_off()
        running.restore_snapshot("disk")
        assert running.state() is State.OFF

    def test_a_new_disk_has_no_snapshots_and_all_else_stays(self, off: Driver) -> None:
        before = off.describe()
        off.take_snapshot("one")
        off.take_snapshot("two")
        off.restore_snapshot("one")
        off.replace_disk(b"another seed", before.disk_mb + 10)
        after = off.describe()
        assert off.state() is State.OFF
        assert list(off.snapshots()) == []
        assert after.disk_mb == before.disk_mb + 10
        assert after._replace(disk=before.disk, disk_mb=before.disk_mb) == before
        off.start()
        wait_until(off, State.RUNNING)

    def test_the_disk_of_a_vm_that_has_memory_is_not_replaced(self, running: Driver) -> None:
        with pytest.raises(WrongStateError):
            running.replace_disk(b"seed", 1000)
        running.save()
        with pytest.raises(WrongStateError):
            running.replace_disk(b"seed", 1000)
        assert running.state() is State.SAVED

    def test_an_absent_vm_has_no_disk_to_replace(self, driver: Driver) -> None:
        with pytest.raises(NotFoundError):
            driver.replace_disk(b"seed", 1000)

    def test_delete_takes_a_vm_with_its_snapshots(self, running: Driver, spec: VMSpec) -> None:
        running.take_snapshot("live")
        running.power_off()
        running.take_snapshot("cold")
        running.delete()
        assert running.state() is State.ABSENT
        running.create(spec)
        assert list(running.snapshots()) == []


class ChangeContract(DriverContract):
    """The rules for what is changed of a VM that is there."""

    def test_an_absent_vm_is_not_changed(self, driver: Driver) -> None:
        with pytest.raises(NotFoundError):
            driver.change(Changes(memory_mb=128))
        with pytest.raises(NotFoundError):
            driver.reseed(b"a seed")

    def test_what_is_changed_is_as_asked_and_all_else_stays(self, off: Driver) -> None:
        before = off.describe()
        wanted = before._replace(memory_mb=200, cpus=2, disk_mb=before.disk_mb + 500)
        off.change(Changes(memory_mb=200, cpus=2, disk_mb=wanted.disk_mb))
        assert off.describe()._replace(disk=before.disk) == wanted
        off.change(Changes())
        assert off.describe()._replace(disk=before.disk) == wanted
        off.start()
        wait_until(off, State.RUNNING)
        off.drop_old_disk()
        off.power_off()
        # Another program may have had its port when it started.
        after = off.describe()._replace(disk=before.disk, ssh_port=before.ssh_port)
        assert after == wanted

    @pytest.mark.parametrize(
        "wrong",
        [Changes(cpus=100_000), Changes(disk_mb=10), Changes(ssh_port=2345, docker_port=2345)],
        ids=["too many CPUs", "a smaller disk", "one port for two"],
    )
    def test_a_change_that_cannot_be_changes_nothing(self, off: Driver, wrong: Changes) -> None:
        before = off.describe()
        with pytest.raises(UsageError):
            off.change(wrong._replace(memory_mb=200))
        assert off.describe() == before

    def test_a_vm_with_memory_is_not_changed(self, running: Driver) -> None:
        before = running.describe()
        for _ in ("running", "saved"):
            with pytest.raises(WrongStateError):
                running.change(Changes(memory_mb=200))
            with pytest.raises(WrongStateError):
                running.reseed(b"a seed")
            if running.state() is State.RUNNING:
                running.save()
        assert running.describe() == before

    def test_ports_are_changed(self, off: Driver) -> None:
        ssh_port, docker_port = quiet_port(), quiet_port()
        off.change(Changes(ssh_port=ssh_port))
        assert off.ssh_address().port == off.describe().ssh_port == ssh_port
        off.change(Changes(docker_port=docker_port))
        assert off.describe().docker_port == docker_port
        off.change(Changes(docker_port=0))
        assert off.describe().docker_port == 0

    def test_snapshots_outlive_a_larger_disk(self, off: Driver) -> None:
        off.take_snapshot("one")
        larger_mb = off.describe().disk_mb + 500
        off.change(Changes(disk_mb=larger_mb))
        assert [one.name for one in off.snapshots()] == ["one"]
        off.restore_snapshot("one")
        assert off.state() is State.OFF
        off.change(Changes(disk_mb=larger_mb))
        assert off.describe().disk_mb == larger_mb


def a_pipe(folder: Path) -> Sequence[Path]:
    """Return a pipe without a writer, where there are such files."""
    if sys.platform == "win32":
        return ()
    path = folder / "pipe"
    os.mkfifo(path)
    return (path,)


class CopyContract(DriverContract):
    """The rules for VMs that are made of others; `other` drives a VM that does not exist."""

    def test_a_clone_has_what_the_source_has_and_its_own_identity(
        self, off: Driver, other: Driver, own: Own
    ) -> None:
        other.clone(off, own)
        source, clone = off.describe(), other.describe()
        assert other.state() is State.OFF
        assert (clone.memory_mb, clone.cpus, clone.disk_mb) == (
            source.memory_mb,
            source.cpus,
            source.disk_mb,
        )
        assert (clone.iso, clone.console_log) == (own.iso, own.console_log)
        assert clone.uuid != source.uuid
        assert clone.ssh_port != source.ssh_port
        assert list(other.snapshots()) == []
        for driver in (off, other):
            driver.start()
            wait_until(driver, State.RUNNING)
        other.delete()
        assert off.state() is State.RUNNING

    def test_a_clone_of_nothing_is_not_made(self, driver: Driver, other: Driver, own: Own) -> None:
        with pytest.raises(NotFoundError):
            other.clone(driver, own)
        assert other.state() is State.ABSENT

    def test_a_clone_is_of_a_vm_at_rest_or_of_a_snapshot(
        self, off: Driver, other: Driver, own: Own
    ) -> None:
        off.take_snapshot("one")
        off.start()
        wait_until(off, State.RUNNING)
        with pytest.raises(WrongStateError):
            other.clone(off, own)
        with pytest.raises(NotFoundError):
            other.clone(off, own, snapshot="two")
        assert other.state() is State.ABSENT
        assert not other.has_remains()
        other.clone(off, own, snapshot="one")
        assert other.state() is State.OFF
        assert off.state() is State.RUNNING
        with pytest.raises(WrongStateError):
            other.clone(off, own, snapshot="one")

    def test_what_a_linked_clone_builds_on_stays(
        self, off: Driver, other: Driver, own: Own
    ) -> None:
        off.take_snapshot("one")
        off.take_snapshot("two")
        assert list(off.linked_clones()) == []
        other.clone(off, own, snapshot="one", is_linked=True)
        assert list(off.linked_clones()) == [other.describe().name]
        off.delete_snapshot("two")
        for call in (off.delete, lambda: off.delete_snapshot("one")):
            with pytest.raises(WrongStateError):
                call()
        with pytest.raises(WrongStateError):
            off.replace_disk(b"seed", 1000)
        other.start()
        wait_until(other, State.RUNNING)
        other.delete()
        assert list(off.linked_clones()) == []
        off.delete_snapshot("one")
        off.delete()
        assert off.state() is State.ABSENT

    def test_a_renamed_vm_is_there_by_its_new_name_alone(
        self, off: Driver, other: Driver, other_paths: VMPaths
    ) -> None:
        off.take_snapshot("one")
        before = off.describe()
        off.rename(other_paths)
        after = other.describe()
        assert off.state() is State.ABSENT
        assert other.state() is State.OFF
        assert [one.name for one in other.snapshots()] == ["one"]
        assert after.name != before.name
        assert (after.memory_mb, after.ssh_port) == (before.memory_mb, before.ssh_port)
        other.start()
        wait_until(other, State.RUNNING)
        other.power_off()
        other.restore_snapshot("one")
        other.delete()

    def test_a_copy_has_a_place_of_its_own_on_the_internal_network(
        self, driver: Driver, spec: VMSpec, other: Driver, own: Own, tmp_path: Path
    ) -> None:
        driver.create(spec._replace(internal_network=InternalNetwork("cable", 1)))
        there = own._replace(internal_network=InternalNetwork("cable", 2))
        other.clone(driver, there)
        assert other.describe().internal_network == there.internal_network
        assert set(driver.numbers_on("cable")) == {1, 2}
        other.delete()
        other.clone(driver, own)
        assert other.describe().internal_network is None
        other.delete()
        driver.export(tmp_path / "exported.vm")
        other.import_(tmp_path / "exported.vm", own)
        assert other.describe().internal_network is None
        assert set(driver.numbers_on("cable")) == {1}

    def test_a_renamed_vm_keeps_its_place_on_the_internal_network(
        self, driver: Driver, spec: VMSpec, other: Driver, other_paths: VMPaths
    ) -> None:
        place = InternalNetwork("cable", 3)
        driver.create(spec._replace(internal_network=place))
        driver.rename(other_paths)
        assert other.describe().internal_network == place
        assert set(other.numbers_on("cable")) == {3}

    def test_neither_a_running_vm_is_renamed_nor_another_written_over(
        self, off: Driver, other: Driver, own: Own, other_paths: VMPaths
    ) -> None:
        other.clone(off, own)
        with pytest.raises(WrongStateError):
            off.rename(other_paths)
        other.delete()
        off.start()
        wait_until(off, State.RUNNING)
        with pytest.raises(WrongStateError):
            off.rename(other_paths)
        assert off.state() is State.RUNNING
        assert other.state() is State.ABSENT

    def test_an_exported_vm_is_made_again(
        self, off: Driver, other: Driver, own: Own, tmp_path: Path
    ) -> None:
        file = tmp_path / "exported.vm"
        told = []
        off.export(file, lambda so_far, in_all: told.append((so_far, in_all)))
        assert told[-1][0] == told[-1][1] > 0
        with pytest.raises(StorageError):
            off.export(file)
        other.import_(file, own)
        source, made = off.describe(), other.describe()
        assert other.state() is State.OFF
        assert (made.memory_mb, made.disk_mb) == (source.memory_mb, source.disk_mb)
        assert made.uuid != source.uuid
        with pytest.raises(WrongStateError):
            other.import_(file, own)
        other.start()
        wait_until(other, State.RUNNING)

    def test_a_running_vm_is_not_exported(self, running: Driver, tmp_path: Path) -> None:
        with pytest.raises(WrongStateError):
            running.export(tmp_path / "exported.vm")
        assert list(tmp_path.glob("exported*")) == []

    def test_nothing_is_made_of_something_else(
        self, driver: Driver, own: Own, tmp_path: Path
    ) -> None:
        file = tmp_path / "something.else"
        for missing in (file, tmp_path, file / "below", *a_pipe(tmp_path)):
            self.refuses(driver, missing, own)
        for content in (b"", b"short", b"something else\n" * 1000, bytes(1 << 20)):
            file.write_bytes(content)
            self.refuses(driver, file, own)

    def test_nothing_is_made_of_an_exported_vm_that_is_cut_short(
        self, off: Driver, other: Driver, own: Own, tmp_path: Path
    ) -> None:
        whole, cut = tmp_path / "exported.vm", tmp_path / "cut"
        off.export(whole)
        other.demand_importable(whole)
        content = whole.read_bytes().rstrip(b"\0")  # an archive may end with more than it needs
        for part in (0.001, 0.1, 0.5, 0.9):
            cut.write_bytes(content[: int(len(content) * part)])
            self.refuses(other, cut, own)

    def refuses(self, driver: Driver, file: Path, own: Own) -> None:
        """Assert that it is refused, and before anything is asked for or made."""
        with pytest.raises(UsageError) as early:
            driver.demand_importable(file)
        with pytest.raises(UsageError) as late:
            driver.import_(file, own)
        for raised in (early, late):
            assert str(file) in raised.value.brief
        assert driver.state() is State.ABSENT
        assert not driver.has_remains()


class HostContract(DriverContract):
    """The rules for a driver of a real hypervisor, with files, ports and limits."""

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"memory_mb": 0}, "--memory 0 "),
            ({"memory_mb": 1 << 30}, "--memory 1073741824 .* MB; "),
            ({"cpus": 0}, "--cpus 0 "),
            ({"cpus": 100_000}, r"--cpus 100000 .* \d+; "),
            ({"disk_mb": 0}, "--disksize 0 "),
            ({"ssh_port": -1}, "--sshport -1 "),
            ({"ssh_port": 65536}, "--sshport 65536 "),
            ({"docker_port": 65536}, "--dockerport 65536 "),
            ({"ssh_port": 2345, "docker_port": 2345}, "--sshport and --dockerport .* 2345"),
        ],
        ids=str,
    )
    def test_a_spec_out_of_range_makes_nothing(
        self, driver: Driver, spec: VMSpec, wrong: dict[str, int], told: str
    ) -> None:
        with pytest.raises(UsageError, match=told):
            driver.create(spec._replace(**wrong))  # type: ignore[arg-type]
        assert driver.state() is State.ABSENT

    @pytest.mark.parametrize("which", ["ssh_port", "docker_port"])
    def test_a_wanted_port_that_is_taken_is_an_error(
        self, driver: Driver, spec: VMSpec, which: str
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as squatter:
            port = squatter.getsockname()[1]
            with pytest.raises(NetworkError, match=str(port)):
                driver.create(spec._replace(**{which: port}))
        assert driver.state() is State.ABSENT

    def test_ports_taken_since_creation_are_replaced_for_good(
        self, driver: Driver, spec: VMSpec, caplog: pytest.LogCaptureFixture
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as squatter:
            port = squatter.getsockname()[1]
        driver.create(spec._replace(ssh_port=port))
        with socket.create_server(("127.0.0.1", port)):
            driver.start()
        assert driver.ssh_address().port != port
        assert str(port) in caplog.text, "the user is told"
        moved = driver.ssh_address()
        driver.power_off()
        driver.start()
        assert driver.ssh_address() == moved

    def test_a_running_vm_listens_at_its_ports(self, driver: Driver, spec: VMSpec) -> None:
        with socket.create_server(("127.0.0.1", 0)) as squatter:
            docker_port = squatter.getsockname()[1]
        driver.create(spec._replace(docker_port=docker_port))
        driver.start()
        address = driver.ssh_address()
        for port in (address.port, docker_port):
            socket.create_connection((address.host, port)).close()

    def test_a_vm_is_never_made_twice(self, off: Driver, spec: VMSpec) -> None:
        before = off.describe()
        with pytest.raises(Exception, match="already"):
            off.create(spec)
        assert off.describe() == before
        assert before.disk.is_file()

    def test_a_data_disk_without_a_vm_is_never_written_over(
        self, off: Driver, spec: VMSpec
    ) -> None:
        disk = off.describe().disk
        off.delete()
        disk.parent.mkdir(parents=True, exist_ok=True)
        disk.write_bytes(b"precious")
        with pytest.raises(StorageError, match="disk"):
            off.create(spec)
        off.delete()
        assert disk.read_bytes() == b"precious"

    def test_delete_keeps_the_image_and_what_others_put_there(
        self, off: Driver, spec: VMSpec
    ) -> None:
        info = off.describe()
        foreign = info.folder / "notes.txt"
        foreign.write_text("mine")
        off.delete()
        assert spec.iso.is_file()
        assert list(info.folder.iterdir()) == [foreign]

    def test_a_missing_image_is_named(self, off: Driver, spec: VMSpec) -> None:
        spec.iso.unlink()
        with pytest.raises(NotFoundError) as caught:
            off.start()
        assert str(spec.iso) in caught.value.brief
        assert "download" in caught.value.resolution
        assert off.state() is State.OFF

    def test_the_host_meets_the_preconditions(self, driver: Driver) -> None:
        certain = [check for check in driver.checks() if not check.is_guess]
        reasons = {check.what: check.probe(Deadline(TIMEOUT_S)) for check in certain}
        assert reasons
        assert not any(reasons.values()), reasons
        assert all(check.hint for check in driver.checks())
