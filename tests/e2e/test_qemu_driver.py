"""The QEMU driver on the real QEMU, with a VM that has nothing to boot.

The few bytes of CMOS memory stand for the guest's memory: a restored VM has them, a booted one has
not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import TRANSITIONAL, Own, State, VMSpec
from boot2docker_py.drivers.qemu import disk, qmp
from boot2docker_py.drivers.qemu.driver import QEMUDriver
from boot2docker_py.drivers.qemu.files import Files, temporary
from boot2docker_py.errors import HypervisorError, StorageError, WrongStateError
from boot2docker_py.guest.seed import build_seed
from boot2docker_py.paths import Paths, VMPaths
from boot2docker_py.ssh import keys
from boot2docker_py.wait import Check, Deadline, wait_for
from tests.driver_contract import (
    TIMEOUT_S,
    ChangeContract,
    CopyContract,
    HostContract,
    SnapshotContract,
    wait_until,
)
from tests.fakes import a_spec

assert sys.platform != "win32", "written for POSIX, which the type checker now knows"

ANSWER_TIMEOUT_S = 2.0
MARK = 0x5A


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a home with all the characters that QEMU's options could trip over."""
    folder = tmp_path / "Jörg, file=x;ö 100%"
    folder.mkdir()
    return folder


@pytest.fixture
def paths(folder: Path) -> VMPaths:
    return Paths(home=folder, user_home=folder).vm("my vm, on=off")


@pytest.fixture
def files(paths: VMPaths) -> Files:
    return Files(paths.folder)


@pytest.fixture
def spec(folder: Path, paths: VMPaths) -> VMSpec:
    iso = folder / "blank, really.iso"
    iso.write_bytes(bytes(1 << 20))
    return a_spec(iso)._replace(console_log=paths.console_log)


@pytest.fixture
def driver(paths: VMPaths) -> Iterator[QEMUDriver]:
    driver = QEMUDriver(paths, ANSWER_TIMEOUT_S)
    yield driver
    driver.delete()
    assert not qemus_of(paths), "a QEMU was left behind"


@pytest.fixture
def running(driver: QEMUDriver, spec: VMSpec) -> QEMUDriver:
    driver.create(spec)
    driver.start()
    return driver


@pytest.fixture
def other_paths(folder: Path) -> VMPaths:
    return Paths(home=folder, user_home=folder).vm("its copy, on=off")


@pytest.fixture
def other(driver: QEMUDriver, other_paths: VMPaths) -> Iterator[QEMUDriver]:
    other = QEMUDriver(other_paths, ANSWER_TIMEOUT_S)
    yield other
    other.delete()
    assert not qemus_of(other_paths), "a QEMU was left behind"


@pytest.fixture
def own(spec: VMSpec, other_paths: VMPaths) -> Own:
    return Own(spec.iso, other_paths.console_log)


class TestContract(HostContract, SnapshotContract, ChangeContract, CopyContract):
    """The rules that hold for every driver."""


def qemus_of(paths: VMPaths) -> list[int]:
    """Return the living processes that have the VM's folder on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"qemu" in words[0] and any(os.fsencode(paths.folder) in word for word in words):
                found.append(int(entry.name))
    return found


def qemu_of(paths: VMPaths) -> int:
    (pid,) = qemus_of(paths)
    return pid


def kill(paths: VMPaths, number: int = signal.SIGKILL) -> None:
    os.kill(qemu_of(paths), number)
    while number == signal.SIGKILL and qemus_of(paths):
        time.sleep(0.01)


def write_memory(paths: VMPaths) -> None:
    with stopped(paths) as command:
        command("o/b 0x70 0x50")
        command(f"o/b 0x71 {MARK:#x}")


def memory(paths: VMPaths) -> int:
    with stopped(paths) as command:
        command("o/b 0x70 0x50")
        return int(command("i/b 0x71").split("=")[1], 16)


@contextlib.contextmanager
def stopped(paths: VMPaths) -> Iterator[Callable[[str], str]]:
    """Keep the BIOS from touching the same ports meanwhile."""
    with qmp.connect(paths.qmp_socket) as monitor:
        monitor.execute("stop")
        yield lambda line: str(monitor.execute("human-monitor-command", **{"command-line": line}))
        monitor.execute("cont")


class TestProcess:
    def test_it_outlives_its_starter_and_an_interrupt(
        self, driver: QEMUDriver, spec: VMSpec, paths: VMPaths
    ) -> None:
        """`up` ends, and its terminal with it; the VM does not."""
        driver.create(spec)
        starter = subprocess.Popen(
            [sys.executable, "-c", f"{PREAMBLE}driver.start(); input()", *arguments(paths)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        wait_until(driver, State.RUNNING)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            os.killpg(starter.pid, number)
        starter.communicate()
        assert driver.state() is State.RUNNING
        assert os.getsid(qemu_of(paths)) == qemu_of(paths)

    def test_a_killed_one_leaves_an_aborted_vm_that_starts(
        self, running: QEMUDriver, paths: VMPaths
    ) -> None:
        kill(paths)
        assert running.state() is State.ABORTED
        running.power_off()
        assert running.state() is State.ABORTED
        running.start()
        assert running.state() is State.RUNNING

    def test_one_that_ends_by_itself_leaves_an_off_vm(
        self, running: QEMUDriver, paths: VMPaths
    ) -> None:
        """As when the guest powers itself off unwatched."""
        with qmp.connect(paths.qmp_socket) as monitor:
            monitor.execute("quit")
        wait_until(running, State.OFF)

    def test_one_that_hangs_is_broken_and_can_be_powered_off(
        self, running: QEMUDriver, paths: VMPaths
    ) -> None:
        pid = qemu_of(paths)
        kill(paths, signal.SIGSTOP)
        assert running.state() is State.BROKEN
        assert str(pid) in running.problem()
        running.power_off()
        assert running.state() is State.OFF
        running.start()
        assert running.state() is State.RUNNING

    def test_one_without_its_socket_is_not_taken_for_off(
        self, running: QEMUDriver, paths: VMPaths
    ) -> None:
        """A runtime folder that was cleared must not lead to a second QEMU on the disk."""
        hidden = paths.qmp_socket.with_name("hidden")
        paths.qmp_socket.rename(hidden)
        assert running.state() is State.BROKEN
        with pytest.raises(WrongStateError):
            running.start()
        assert len(qemus_of(paths)) == 1
        hidden.rename(paths.qmp_socket)
        assert running.state() is State.RUNNING
        paths.qmp_socket.unlink()
        running.power_off()
        assert running.state() is State.OFF

    def test_many_may_ask_at_once(self, running: QEMUDriver) -> None:
        states: list[State] = []
        threads = [
            threading.Thread(target=lambda: states.append(running.state()), daemon=True)
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert states == [State.RUNNING] * 20

    def test_a_client_that_stays_for_a_while_is_waited_for(
        self, running: QEMUDriver, paths: VMPaths
    ) -> None:
        with qmp.connect(paths.qmp_socket):
            asking = threading.Thread(target=running.state, daemon=True)
            asking.start()
            asking.join(0.3)
            assert asking.is_alive()
        asking.join()
        assert running.state() is State.RUNNING

    def test_two_starts_at_once_make_one_process(
        self, driver: QEMUDriver, spec: VMSpec, paths: VMPaths
    ) -> None:
        """Even when no command holds the VM's lock."""
        driver.create(spec)
        code = f"{PREAMBLE}driver.start()"
        starters = [
            subprocess.Popen(
                [sys.executable, "-c", code, *arguments(paths)], stderr=subprocess.DEVNULL
            )
            for _ in range(3)
        ]
        statuses = [starter.wait() for starter in starters]
        assert 0 in statuses
        assert driver.state() is State.RUNNING
        assert len(qemus_of(paths)) == 1

    def test_a_paused_vm_goes_on(self, running: QEMUDriver, paths: VMPaths) -> None:
        with qmp.connect(paths.qmp_socket) as monitor:
            monitor.execute("stop")
        assert running.state() is State.PAUSED
        running.start()
        assert running.state() is State.RUNNING

    def test_its_own_words_are_in_the_error(self, running: QEMUDriver, files: Files) -> None:
        running.power_off()
        files.disk.write_bytes(b"no qcow2 at all")
        with pytest.raises(HypervisorError) as caught:
            running.start()
        assert "qcow2" in caught.value.details
        assert running.state() is State.OFF

    def test_a_disk_that_another_program_holds_is_named_as_the_reason(
        self, driver: QEMUDriver, spec: VMSpec, files: Files
    ) -> None:
        driver.create(spec)
        holder = subprocess.Popen(
            ["qemu-io", str(files.disk)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdin
        assert holder.stdout
        holder.stdin.write(b"length\n")
        holder.stdin.flush()
        holder.stdout.readline()
        with pytest.raises(HypervisorError, match="in use"):
            driver.start()
        holder.communicate(b"quit\n")

    def test_without_qemu_the_error_says_how_to_get_it(
        self, driver: QEMUDriver, spec: VMSpec, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        driver.create(spec)
        monkeypatch.setenv("BOOT2DOCKER_QEMU", "/nonexistent/qemu")
        with pytest.raises(HypervisorError) as caught:
            driver.start()
        assert "nstall" in caught.value.resolution
        assert driver.state() is State.OFF


class TestDisk:
    def test_it_is_sparse_begins_with_the_seed_and_is_private(
        self, driver: QEMUDriver, spec: VMSpec, files: Files, tmp_path: Path
    ) -> None:
        seed = b"boot2docker, please format-me" + os.urandom(9000)
        driver.create(spec._replace(seed=seed, disk_mb=20000))
        command = ["dd", "-O", "raw", "bs=512", "count=20", f"if={files.disk}"]
        subprocess.run(["qemu-img", *command, f"of={tmp_path / 'start'}"], check=True)
        assert (tmp_path / "start").read_bytes()[: len(seed)] == seed
        assert files.disk.stat().st_blocks * 512 < 1 << 20
        assert files.disk.stat().st_mode & 0o077 == 0
        answer = subprocess.run(
            ["qemu-img", "info", str(files.disk)], check=True, capture_output=True, text=True
        )
        assert str(20000 << 20) in answer.stdout

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda files: files.disk.rename(files.folder / "elsewhere"), "disk"),
            (lambda files: files.settings.write_text("{"), "vm.json"),
            (lambda files: files.settings.write_text('{"format": 99}'), "99"),
            (lambda files: files.settings.write_text('{"format": 1}'), "ssh_port"),
        ],
        ids=["no disk", "cut settings", "newer settings", "incomplete settings"],
    )
    def test_a_damaged_vm_is_broken_and_can_be_deleted(
        self,
        driver: QEMUDriver,
        spec: VMSpec,
        files: Files,
        spoil: Callable[[Files], None],
        reason: str,
    ) -> None:
        driver.create(spec)
        spoil(files)
        assert driver.state() is State.BROKEN
        assert reason in driver.problem()
        with pytest.raises(WrongStateError):
            driver.start()
        driver.delete()
        assert driver.state() is State.ABSENT

    def test_a_full_disk_leaves_nothing(
        self,
        driver: QEMUDriver,
        spec: VMSpec,
        files: Files,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in ("qemu-img", "qemu-system-x86_64"):
            (tools / name).write_text("#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n")
            (tools / name).chmod(0o755)
        monkeypatch.setenv("BOOT2DOCKER_QEMU", str(tools / "qemu-system-x86_64"))
        with pytest.raises(StorageError, match="space"):
            driver.create(spec)
        assert driver.state() is State.ABSENT
        assert not any(files.folder.iterdir())


class TestSavedState:
    def test_the_memory_comes_back_once(self, running: QEMUDriver, paths: VMPaths) -> None:
        write_memory(paths)
        running.save()
        running.start()
        assert memory(paths) == MARK
        kill(paths)
        assert running.state() is State.ABORTED, "older memory on a newer disk would destroy it"
        running.start()
        assert memory(paths) != MARK

    def test_it_is_private(self, running: QEMUDriver, files: Files) -> None:
        running.save()
        assert files.saved_state.stat().st_mode & 0o077 == 0

    def test_one_that_cannot_be_restored_is_kept(self, running: QEMUDriver, files: Files) -> None:
        running.save()
        damaged = files.saved_state.read_bytes()[: files.saved_state.stat().st_size // 2]
        files.saved_state.write_bytes(damaged)
        with pytest.raises(HypervisorError) as caught:
            running.start()
        assert "--discard-saved" in caught.value.resolution
        assert "tcg" in caught.value.details or "kvm" in caught.value.details
        assert running.state() is State.SAVED
        assert files.saved_state.read_bytes() == damaged
        running.discard_saved()
        running.start()
        assert running.state() is State.RUNNING

    def test_a_full_disk_lets_the_vm_go_on(
        self, running: QEMUDriver, files: Files, paths: VMPaths
    ) -> None:
        write_memory(paths)
        temporary(files.saved_state).symlink_to("/dev/full")
        with pytest.raises(StorageError):
            running.save()
        assert running.state() is State.RUNNING
        assert memory(paths) == MARK
        running.save()
        assert running.state() is State.SAVED

    def test_a_paused_vm_can_be_saved(self, running: QEMUDriver, paths: VMPaths) -> None:
        with qmp.connect(paths.qmp_socket) as monitor:
            monitor.execute("stop")
        running.save()
        assert running.state() is State.SAVED


def write_disk(files: Files, value: int) -> None:
    """Write a known byte, far from the seed, to the disk of a VM that is off."""
    command = ["qemu-io", "-c", f"write -P {value:#x} 8M 1M", str(files.disk)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def disk_has(files: Files, value: int) -> bool:
    """Tell whether the disk of a VM that is off has the byte."""
    command = ["qemu-io", "-r", "-c", f"read -P {value:#x} 8M 1M", str(files.disk)]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


def tags_in_disk(files: Files) -> list[str]:
    return sorted(disk.snapshots(files.disk))


class TestSnapshots:
    def test_the_memory_comes_back_as_often_as_it_is_wanted(
        self, running: QEMUDriver, paths: VMPaths
    ) -> None:
        write_memory(paths)
        running.take_snapshot("live")
        assert memory(paths) == MARK, "the VM goes on"
        for _ in range(2):
            running.power_off()
            running.start()
            assert memory(paths) != MARK
            running.power_off()
            running.restore_snapshot("live")
            running.start()
            assert memory(paths) == MARK

    def test_disk_comes_back(self, driver: QEMUDriver, spec: VMSpec, files: Files) -> None:
        driver.create(spec)
        write_disk(files, 0x11)
        driver.take_snapshot("1")  # in a qcow2 file, digits could be the number of another
        write_disk(files, 0x22)
        driver.take_snapshot("2")
        driver.restore_snapshot("1")
        assert disk_has(files, 0x11)
        driver.restore_snapshot("2")
        assert disk_has(files, 0x22)

    def test_save_leaves_the_memory_of_a_snapshot_alone(
        self, running: QEMUDriver, paths: VMPaths, files: Files
    ) -> None:
        """A restored saved state and a snapshot share a file, which must not be written to."""
        write_memory(paths)
        running.take_snapshot("live")
        (state,) = files.folder.glob("snapshot-*.state")
        before = state.read_bytes()
        running.power_off()
        running.restore_snapshot("live")
        running.start()
        running.save()
        running.start()
        assert state.read_bytes() == before
        assert state.stat().st_mode & 0o077 == 0

    def test_a_paused_vm_stays_paused(self, running: QEMUDriver, paths: VMPaths) -> None:
        with qmp.connect(paths.qmp_socket) as monitor:
            monitor.execute("stop")
        running.take_snapshot("one")
        running.take_snapshot("two")
        assert running.state() is State.PAUSED
        running.delete_snapshot("one")
        assert running.state() is State.PAUSED
        running.start()
        assert running.state() is State.RUNNING

    def test_a_full_disk_in_the_middle_leaves_nothing_and_the_vm_goes_on(
        self,
        running: QEMUDriver,
        files: Files,
        paths: VMPaths,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write_memory(paths)
        monkeypatch.setattr(os, "urandom", lambda count: bytes(count))  # the tag is known then
        full = files.snapshot_memory("b2d-" + bytes(6).hex())
        full.symlink_to("/dev/full")
        with pytest.raises(StorageError):
            running.take_snapshot("live")
        assert running.state() is State.RUNNING
        assert memory(paths) == MARK
        assert list(running.snapshots()) == []
        assert not list(files.folder.glob("snapshot-*"))
        running.power_off()
        assert tags_in_disk(files) == []

    def test_one_whose_memory_is_gone_is_named_and_nothing_is_changed(
        self, running: QEMUDriver, files: Files
    ) -> None:
        running.take_snapshot("live")
        running.power_off()
        write_disk(files, 0x33)
        (state,) = files.folder.glob("snapshot-*.state")
        state.unlink()
        assert [one.lost_file for one in running.snapshots()] == [state]
        with pytest.raises(StorageError, match="'live' is not whole") as caught:
            running.restore_snapshot("live")
        assert str(state) in caught.value.details
        assert "snapshot delete live" in caught.value.resolution
        assert disk_has(files, 0x33)
        running.delete_snapshot("live")

    def test_one_that_the_disk_has_lost_is_named(self, driver: QEMUDriver, spec: VMSpec) -> None:
        driver.create(spec)
        driver.take_snapshot("one")
        file = driver.describe().disk
        (tag,) = disk.snapshots(file)
        subprocess.run(["qemu-img", "snapshot", "-d", tag, str(file)], check=True)
        with pytest.raises(StorageError, match="'one' is not whole"):
            driver.restore_snapshot("one")
        driver.delete_snapshot("one")

    def test_one_with_memory_keeps_the_image_that_it_ran_on(
        self, running: QEMUDriver, spec: VMSpec
    ) -> None:
        before = spec.iso.read_bytes()
        running.take_snapshot("live")
        newer = spec.iso.with_name("newer")
        newer.write_bytes(b"another image".ljust(1 << 20, b"!"))
        newer.replace(spec.iso)
        running.power_off()
        running.restore_snapshot("live")
        assert running.describe().iso.read_bytes() == before
        running.start()
        assert running.state() is State.RUNNING

    def test_one_of_another_qemu_is_kept_and_says_what_it_needs(
        self, running: QEMUDriver, files: Files
    ) -> None:
        running.take_snapshot("live")
        running.power_off()
        listed = files.snapshots.read_text().replace("pc-i440fx-7.2", "pc-i440fx-99.9")
        files.snapshots.write_text(listed)
        running.restore_snapshot("live")
        with pytest.raises(HypervisorError) as caught:
            running.start()
        assert "pc-i440fx-99.9" in caught.value.details
        assert [one.name for one in running.snapshots()] == ["live"]

    def test_a_chain_of_thirty(self, driver: QEMUDriver, spec: VMSpec, files: Files) -> None:
        driver.create(spec)
        for number in range(30):
            write_disk(files, number + 1)
            driver.take_snapshot(f"n{number}")
        driver.restore_snapshot("n3")
        assert disk_has(files, 4)
        driver.restore_snapshot("n29")
        for number in range(30):
            driver.delete_snapshot(f"n{number}")
        assert tags_in_disk(files) == []
        assert disk_has(files, 30)

    def test_a_damaged_list_is_said(self, driver: QEMUDriver, spec: VMSpec, files: Files) -> None:
        driver.create(spec)
        for damage in ("{", '{"format": 2}', '{"format": 1, "entries": [{"tag": "x"}]}'):
            files.snapshots.write_text(damage)
            with pytest.raises(StorageError, match="snapshots.json"):
                driver.snapshots()


# A command that kills itself, as kill -9 would, before its n-th deed that others can see.
PREAMBLE = """
import os, pathlib, signal, sys
from boot2docker_py.drivers.model import VMSpec
from boot2docker_py.drivers.qemu.driver import QEMUDriver
from boot2docker_py.paths import VMPaths
folder, run, lock, fatal = sys.argv[1:]
left = int(fatal)
def audit(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "subprocess.Popen", "socket.connect") or (
        event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(folder)
    ):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
paths = VMPaths("my vm, on=off", *map(pathlib.Path, (folder, run, lock)))
driver = QEMUDriver(paths, answer_timeout_s=2.0)
"""
NEVER = 1_000_000


def arguments(paths: VMPaths, fatal: int = NEVER) -> list[str]:
    return [str(paths.folder), str(paths.run), str(paths.lock), str(fatal)]


def dies_at(step: int, code: str, paths: VMPaths) -> bool:
    """Run a command that is killed at the step; tell whether it got as far as that."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + code, *arguments(paths, step)], check=False
    )
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


class TestGuest:
    """What needs a guest that is alive."""

    def test_it_survives_a_save_and_hears_the_power_button(
        self, driver: QEMUDriver, spec: VMSpec, iso: Path, tmp_path: Path
    ) -> None:
        public_key = keys.ensure_key_pair(tmp_path / "id")
        seed = build_seed(public_key, {})
        driver.create(spec._replace(iso=iso, seed=seed, memory_mb=1024))
        driver.start()
        wait_for([Check("the guest's SSH", lambda _: ssh_is_silent(driver))], Deadline(300))
        console = spec.console_log.read_bytes()
        driver.save()
        driver.start()
        wait_for([Check("the guest's SSH", lambda _: ssh_is_silent(driver))], Deadline(30))
        assert spec.console_log.read_bytes().startswith(console), "the log of this boot goes on"
        wait_for([Check("power off", lambda _: press_button(driver))], Deadline(120), pause_s=1)
        assert driver.state() is State.OFF


def ssh_is_silent(driver: QEMUDriver) -> str | None:
    address = driver.ssh_address()
    try:
        with socket.create_connection((address.host, address.port), timeout=5) as connection:
            connection.settimeout(5)
            banner = connection.recv(100)
    except OSError as error:
        return str(error)
    return None if banner.startswith(b"SSH-2.0") else repr(banner)


def press_button(driver: QEMUDriver) -> str | None:
    driver.shutdown()
    return None if driver.state() is not State.RUNNING else "it runs"


def wait_while_in_between(driver: Driver) -> None:
    deadline = Deadline(TIMEOUT_S)
    while driver.state() in TRANSITIONAL and not deadline.has_passed():
        time.sleep(0.01)


class TestKilled:
    """A command may be killed at any moment and run again."""

    def test_create(self, driver: QEMUDriver, spec: VMSpec, paths: VMPaths, files: Files) -> None:
        code = (
            f"driver.create(VMSpec(pathlib.Path({str(spec.iso)!r}), b'seed', 1000, 256, 1, 0, 0, "
            f"pathlib.Path({str(spec.console_log)!r})))"
        )
        step = 1
        while dies_at(step, code, paths):
            if driver.state() is State.ABSENT:
                driver.create(spec)
            assert driver.state() is State.OFF
            assert {file.name for file in files.folder.iterdir()} == {"vm.json", "disk.qcow2"}
            driver.delete()
            step += 1
        assert step > 10

    def test_delete(self, driver: QEMUDriver, spec: VMSpec, paths: VMPaths, files: Files) -> None:
        driver.create(spec)
        step = 1
        while dies_at(step, "driver.delete()", paths):
            assert driver.state() in (State.OFF, State.ABSENT)
            driver.delete()
            assert not files.disk.exists()
            driver.create(spec)
            step += 1
        assert step > 10

    def test_start(self, driver: QEMUDriver, spec: VMSpec, paths: VMPaths) -> None:
        driver.create(spec)
        step = 1
        while dies_at(step, "driver.start()", paths):
            driver.start()
            assert driver.state() is State.RUNNING
            assert len(qemus_of(paths)) == 1
            driver.power_off()
            assert driver.state() is State.OFF
            step += 1
        assert step > 5

    def test_save(self, running: QEMUDriver, paths: VMPaths) -> None:
        """The memory is never lost: the VM has it, or the disk."""
        write_memory(paths)
        step = 1
        while dies_at(step, "driver.save()", paths):
            wait_while_in_between(running)
            running.start()
            assert running.state() is State.RUNNING
            assert memory(paths) == MARK
            step += 1
        assert step > 10

    def test_restore(self, running: QEMUDriver, paths: VMPaths) -> None:
        """The memory comes back, and never twice."""
        write_memory(paths)
        running.save()
        step = 1
        while dies_at(step, "driver.start()", paths):
            wait_while_in_between(running)
            running.start()
            assert running.state() is State.RUNNING
            assert memory(paths) == MARK
            running.save()
            step += 1
        assert step > 10

    def test_take_live(self, running: QEMUDriver, paths: VMPaths, files: Files) -> None:
        """The VM goes on with its memory; what was half taken is gone after the next command."""
        write_memory(paths)
        step = 1
        while dies_at(step, "driver.take_snapshot('one')", paths):
            wait_while_in_between(running)
            if step % 2:  # else the next command of the user is another one
                running.start()
                assert memory(paths) == MARK
            if not running.snapshots():
                running.take_snapshot("one")
            assert running.state() is State.RUNNING
            assert memory(paths) == MARK
            assert [one.name for one in running.snapshots()] == ["one"]
            running.delete_snapshot("one")
            assert not list(files.folder.glob("snapshot-*"))
            step += 1
        assert step > 10
        running.delete_snapshot("one")
        running.power_off()
        assert tags_in_disk(files) == []

    def test_take_cold(
        self, driver: QEMUDriver, spec: VMSpec, paths: VMPaths, files: Files
    ) -> None:
        driver.create(spec)
        write_disk(files, 0x44)
        step = 1
        while dies_at(step, "driver.take_snapshot('one')", paths):
            if not driver.snapshots():
                driver.take_snapshot("one")
            driver.restore_snapshot("one")
            assert disk_has(files, 0x44)
            driver.delete_snapshot("one")
            assert tags_in_disk(files) == []
            step += 1
        assert step > 5

    def test_restore_snapshot(self, running: QEMUDriver, paths: VMPaths, files: Files) -> None:
        """Memory never meets a disk of another time."""
        running.power_off()
        write_disk(files, 0x55)
        running.start()
        write_memory(paths)
        running.take_snapshot("one")
        step = 1
        while True:
            running.power_off()
            write_disk(files, 0x66)
            if not dies_at(step, "driver.restore_snapshot('one')", paths):
                break
            if running.state() is State.SAVED:
                assert disk_has(files, 0x55)
                running.discard_saved()
            running.restore_snapshot("one")
            assert disk_has(files, 0x55)
            running.start()
            assert memory(paths) == MARK
            step += 1
        assert step > 10

    def test_delete_snapshot(self, running: QEMUDriver, paths: VMPaths, files: Files) -> None:
        running.take_snapshot("one")
        step = 1
        while dies_at(step, "driver.delete_snapshot('one')", paths):
            if running.snapshots():
                running.delete_snapshot("one")
            running.take_snapshot("one")
            assert len(list(files.folder.glob("snapshot-*.state"))) == 1
            step += 1
        assert step > 5
        running.power_off()
        assert tags_in_disk(files) == []

    def test_replace_disk(
        self, driver: QEMUDriver, spec: VMSpec, paths: VMPaths, files: Files
    ) -> None:
        driver.create(spec)
        step = 1
        while True:
            write_disk(files, 0x77)
            if not dies_at(step, "driver.replace_disk(b'seed', 1000)", paths):
                break
            assert driver.state() is State.OFF
            assert disk_has(files, 0x77) or disk_has(files, 0)
            driver.replace_disk(b"seed", 1000)
            assert disk_has(files, 0)
            assert {file.name for file in files.folder.iterdir()} <= {
                *("vm.json", "disk.qcow2", "qemu.lock")
            }
            step += 1
        assert step > 8


@pytest.mark.parametrize("is_saved", [False, True])
def test_a_home_that_was_moved_holds_the_vm_as_it_was(
    running: QEMUDriver, spec: VMSpec, folder: Path, paths: VMPaths, is_saved: bool
) -> None:
    if is_saved:
        running.save()
    else:
        running.power_off()
    elsewhere = folder.with_name("moved, and renamed")
    folder.rename(elsewhere)
    moved = Paths(home=elsewhere, user_home=elsewhere).vm(paths.name)
    driver = QEMUDriver(moved, ANSWER_TIMEOUT_S)
    try:
        driver.start()
        assert driver.state() is State.RUNNING
        info = driver.describe()
        assert (info.iso, info.console_log) == (elsewhere / spec.iso.name, moved.console_log)
    finally:
        driver.delete()
    assert not qemus_of(moved), "a QEMU was left behind"
