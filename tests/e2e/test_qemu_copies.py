"""What the real qemu-img makes of a VM's disk: grown, copied, linked, packed; nothing boots."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import Changes, Own, State, VMSpec
from boot2docker_py.drivers.new_seed import NEW_SEED_AT_BYTES
from boot2docker_py.drivers.qemu import archive
from boot2docker_py.drivers.qemu.driver import QEMUDriver
from boot2docker_py.drivers.qemu.files import Files
from boot2docker_py.errors import (
    Boot2DockerError,
    HypervisorError,
    StorageError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.paths import Paths
from tests.fakes import a_spec

NEW_SEED = b"boot2docker, new identity".ljust(100, b"\0") + bytes(range(256)) * 8


class House:
    """VMs of one home."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.iso = home / "blank.iso"
        self.iso.write_bytes(bytes(1 << 20))
        self.paths = Paths(home=home, user_home=home)

    def driver(self, name: str) -> QEMUDriver:
        return QEMUDriver(self.paths.vm(name))

    def files(self, name: str) -> Files:
        return Files(self.paths.vm(name).folder)

    def spec(self, name: str) -> VMSpec:
        return a_spec(self.iso)._replace(console_log=self.paths.vm(name).console_log)

    def own(self, name: str, seed: bytes = b"") -> Own:
        return Own(self.iso, self.paths.vm(name).console_log, seed)

    def made(self, name: str = "first") -> QEMUDriver:
        driver = self.driver(name)
        driver.create(self.spec(name))
        return driver

    def write(self, name: str, value: int, at: str = "8M", length: str = "64k") -> None:
        self._io(name, f"write -P {value:#x} {at} {length}")

    def has(self, name: str, value: int, at: str = "8M") -> bool:
        return self._io(name, f"read -P {value:#x} {at} 64k", check=False) == 0

    def start_of(self, name: str) -> bytes:
        """Return the first 64 KB of the disk."""
        disk = self.files(name).disk
        raw = disk.with_name("start.raw")
        words = ["qemu-img", "dd", "-O", "raw", f"if={disk}", f"of={raw}", "bs=64k", "count=1"]
        subprocess.run(words, check=True)
        return raw.read_bytes()

    def _io(self, name: str, command: str, *, check: bool = True) -> int:
        words = ["qemu-io", "-c", command, str(self.files(name).disk)]
        return subprocess.run(words, check=check, stdout=subprocess.DEVNULL).returncode


@pytest.fixture
def small(tmp_path: Path) -> Iterator[House]:
    """Return a home on a file system that has room for one disk, and half another."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        house = House(folder / "home")
        house.made()
        house.write("first", 0x11, length="12M")
        yield house
        house.driver("first").delete()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "a home, with = odd letters ö")


def test_what_is_on_a_disk_outlives_its_growing_and_its_way_back(house: House) -> None:
    driver = house.made()
    house.write("first", 0x11)
    driver.take_snapshot("small")
    driver.change(Changes(disk_mb=3000))
    assert house.has("first", 0x11)
    house.write("first", 0x22, "2500M")
    driver.take_snapshot("large")
    driver.restore_snapshot("small")
    assert driver.describe().disk_mb == 1000
    driver.restore_snapshot("large")
    assert driver.describe().disk_mb == 3000
    assert house.has("first", 0x11)
    assert house.has("first", 0x22, "2500M")


@pytest.mark.parametrize("is_linked", [False, True], ids=["whole", "linked"])
def test_a_clone_is_what_the_snapshot_was_and_both_go_their_own_ways(
    house: House, *, is_linked: bool
) -> None:
    first, second, third = house.made(), house.driver("second"), house.driver("third")
    house.write("first", 0x11)
    first.take_snapshot("one")
    first.change(Changes(disk_mb=2000))
    house.write("first", 0x22)
    for clone in (second, third):
        clone.clone(first, house.own("second"), snapshot="one", is_linked=is_linked)
        assert clone.describe().disk_mb == first.describe().disk_mb == 2000
    house.write("second", 0x33)
    assert [house.has(name, 0x11) for name in ("first", "second", "third")] == [0, 0, 1]
    assert house.has("first", 0x22)
    second.take_snapshot("of the clone")
    second.change(Changes(disk_mb=2500))
    third.delete()
    assert house.has("second", 0x33)


def test_a_linked_clone_takes_no_room_and_its_base_goes_with_the_snapshot(house: House) -> None:
    first, second = house.made(), house.driver("second")
    house.write("first", 0x11)
    first.take_snapshot("one")
    second.clone(first, house.own("second"), snapshot="one", is_linked=True)
    assert house.files("second").disk.stat().st_size < 1 << 20
    bases = list(house.files("first").folder.glob("base-*"))
    assert len(bases) == 1
    second.rename(house.paths.vm("renamed"))
    assert house.has("renamed", 0x11)
    assert list(first.linked_clones()) == ["renamed"]
    with pytest.raises(WrongStateError, match="other VMs build on it"):
        first.rename(house.paths.vm("elsewhere"))
    house.driver("renamed").delete()
    first.delete_snapshot("one")
    assert not bases[0].exists()


def test_a_renamed_vm_has_its_files_where_it_is_now(house: House) -> None:
    house.made().rename(house.paths.vm("second"))
    info = house.driver("second").describe()
    assert info.console_log == house.paths.vm("second").console_log
    assert house.driver("second").state() is State.OFF
    assert house.driver("first").state() is State.ABSENT


def test_a_new_seed_is_laid_where_nothing_is(house: House) -> None:
    first, second = house.made(), house.driver("second")
    old_seed = house.start_of("first")[:4096]
    second.clone(first, house.own("second", NEW_SEED))
    start = house.start_of("second")
    assert start[:4096] == old_seed
    assert start[NEW_SEED_AT_BYTES:].startswith(NEW_SEED)
    shorter = NEW_SEED[:200]
    second.reseed(shorter)
    assert house.start_of("second")[NEW_SEED_AT_BYTES:] == shorter.ljust(32 * 1024, b"\0")


def test_a_file_system_that_begins_there_is_left_alone(house: House) -> None:
    driver, clone = house.made(), house.driver("second")
    house.write("first", 0x53, "32k")
    with pytest.raises(WrongStateError, match="no room"):
        driver.reseed(NEW_SEED)
    with pytest.raises(WrongStateError, match="no room"):
        clone.clone(driver, house.own("second", NEW_SEED))
    assert clone.state() is State.ABSENT
    assert house.has("first", 0x53, "32k")


def test_a_vm_goes_through_a_file_whole(house: House, tmp_path: Path) -> None:
    first, second, file = house.made(), house.driver("second"), tmp_path / "vm.tar"
    house.write("first", 0x11)
    first.take_snapshot("stays here")
    first.export(file)
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["vm.tar"]
    assert file.stat().st_mode & 0o777 == 0o600
    second.import_(file, house.own("second", NEW_SEED))
    assert house.has("second", 0x11)
    assert house.start_of("second")[NEW_SEED_AT_BYTES:].startswith(NEW_SEED)
    assert list(second.snapshots()) == []


def exported(house: House, tmp_path: Path) -> bytes:
    house.made().export(tmp_path / "good.tar")
    return (tmp_path / "good.tar").read_bytes()


def refused(house: House, file: Path, content: bytes) -> Boot2DockerError:
    """Return the error of an import that leaves nothing behind."""
    file.write_bytes(content)
    driver = house.driver("second")
    with pytest.raises((UsageError, StorageError, HypervisorError)) as caught:
        driver.import_(file, house.own("second"))
    assert driver.state() is State.ABSENT
    assert not driver.has_remains()
    folder = house.files("second").folder
    assert not folder.exists() or list(folder.iterdir()) == []
    return caught.value


def test_a_file_that_is_cut_or_changed_anywhere_is_refused(house: House, tmp_path: Path) -> None:
    whole = exported(house, tmp_path)
    for length in (0, 100, 512, 1500, 5000, len(whole) // 2, len(whole) - 2048):
        assert "no VM" in refused(house, tmp_path / "cut", whole[:length]).brief
    for place in (0, 130, 600, 1100, 5000, len(whole) // 2, len(whole) - 1500):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        assert "no VM" in refused(house, tmp_path / "changed", bytes(changed)).brief


def packed(description: dict[str, object], disk: bytes, disk_name: str = archive.DISK) -> bytes:
    """Return an archive as an attacker writes it: its digest is right."""
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in (
            (archive.DESCRIPTION, json.dumps(description).encode()),
            (disk_name, disk),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
        target.truncate(target.tell())
        digest = hashlib.sha256(target.getvalue()).hexdigest().encode() + b"\n"
        entry = tarfile.TarInfo(archive.DIGEST)
        entry.size = len(digest)
        tar.addfile(entry, BytesIO(digest))
    return target.getvalue()


def described(disk: bytes, **changed: object) -> dict[str, object]:
    return {
        "format": 1,
        "memory_mb": 256,
        "cpus": 1,
        "disk_mb": 100,
        "has_docker_port": False,
        "content_bytes": len(disk),
        **changed,
    }


def qcow2(folder: Path, *options: str) -> bytes:
    file = folder / "made.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, file, "100M"], check=True)
    return file.read_bytes()


def test_what_an_attacker_packs_is_an_import_like_any_other(house: House, tmp_path: Path) -> None:
    disk = qcow2(tmp_path)
    (tmp_path / "good").write_bytes(packed(described(disk), disk))
    house.driver("second").import_(tmp_path / "good", house.own("second"))
    assert house.driver("second").state() is State.OFF


def test_a_disk_that_would_read_files_of_this_machine_is_refused(
    house: House, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret" * 1000)
    disk = qcow2(tmp_path, "-b", str(secret), "-F", "raw")
    error = refused(house, tmp_path / "bad", packed(described(disk), disk))
    assert "builds on another file" in error.details
    disk = qcow2(tmp_path, "-o", f"data_file={secret},data_file_raw=on")
    error = refused(house, tmp_path / "bad", packed(described(disk), disk))
    assert "builds on another file" in error.details


def test_a_disk_that_holds_more_than_it_says_is_refused(house: House, tmp_path: Path) -> None:
    """Many parts of it are one and the same part of its file."""
    file = tmp_path / "bomb.qcow2"
    words = ["qemu-img", "create", "-q", "-f", "qcow2", str(file), "100M"]
    subprocess.run(words, check=True)
    subprocess.run(["qemu-io", "-c", "write -P 7 0 64k", file], check=True, capture_output=True)
    content = bytearray(file.read_bytes())
    first_table = int.from_bytes(content[40:48], "big")
    table = int.from_bytes(content[first_table : first_table + 8], "big") & ((1 << 56) - 1)
    content[table : table + 8 * 1600] = content[table : table + 8] * 1600
    bomb = bytes(content)
    error = refused(house, tmp_path / "bad", packed(described(bomb), bomb))
    assert "more than its file says" in error.brief


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 2},
        {"format": None},
        {"memory_mb": 0},
        {"memory_mb": 1 << 40},
        {"memory_mb": "256"},
        {"cpus": True},
        {"cpus": -1},
        {"disk_mb": 99},
        {"disk_mb": 1 << 40},
        {"content_bytes": 5},
    ],
    ids=str,
)
def test_a_description_out_of_range_is_refused(
    house: House, tmp_path: Path, changed: dict[str, object]
) -> None:
    disk = qcow2(tmp_path)
    assert (
        "no VM" in refused(house, tmp_path / "bad", packed(described(disk, **changed), disk)).brief
    )


@pytest.mark.parametrize("name", ["../../disk.qcow2", "/etc/passwd", "other", archive.DESCRIPTION])
def test_a_file_with_other_names_in_it_is_refused(house: House, tmp_path: Path, name: str) -> None:
    disk = qcow2(tmp_path)
    error = refused(house, tmp_path / "bad", packed(described(disk), disk, name))
    assert "not where it has to be" in error.details


def test_a_file_that_is_something_else_is_refused(house: House, tmp_path: Path) -> None:
    deep = b"[" * 100_000
    for content in (b"\x1f\x8b" * 999, b"PK\x03\x04" * 999, qcow2(tmp_path), bytes(99999), deep):
        assert "no VM" in refused(house, tmp_path / "bad", content).brief
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(UsageError):
        house.driver("second").import_(folder, house.own("second"))
    with pytest.raises(UsageError):
        house.driver("second").import_(tmp_path / "not there", house.own("second"))


class TestFullDisk:
    def test_a_copy_leaves_nothing_and_the_vm_is_what_it_was(self, small: House) -> None:
        first, second = small.driver("first"), small.driver("second")
        before = first.describe()
        with pytest.raises(StorageError, match="no space"):
            second.clone(first, small.own("second"))
        assert second.state() is State.ABSENT
        assert not second.has_remains()
        first.take_snapshot("one")
        with pytest.raises(StorageError, match="no space"):
            second.clone(first, small.own("second"), snapshot="one", is_linked=True)
        assert list(small.files("first").folder.glob("base-*")) == []
        assert first.describe() == before
        assert small.has("first", 0x11)

    def test_a_file_leaves_nothing(self, small: House, tmp_path: Path) -> None:
        file = small.iso.parent / "work.vm"
        with pytest.raises(StorageError, match="no space"):
            small.driver("first").export(file)
        assert list(file.parent.glob("work.vm*")) == []
        small.driver("first").export(tmp_path / "work.vm")
        with pytest.raises(StorageError, match="no space"):
            small.driver("second").import_(tmp_path / "work.vm", small.own("second"))
        assert small.driver("second").state() is State.ABSENT
        assert not small.driver("second").has_remains()

    def test_a_snapshot_and_a_larger_disk_are_whole_or_not_there(self, small: House) -> None:
        first = small.driver("first")
        (small.iso.parent / "filling").write_bytes(bytes(free_bytes(small.iso.parent)))
        with contextlib.suppress(StorageError):
            first.take_snapshot("one")
        with contextlib.suppress(StorageError):
            first.change(LARGE)
        (small.iso.parent / "filling").unlink()
        assert small.has("first", 0x11)
        assert first.describe().disk_mb == virtual_mb(small, "first")
        first.change(LARGE)
        if not first.snapshots():
            first.take_snapshot("one")
        first.restore_snapshot("one")
        assert small.has("first", 0x11)


LARGE = Changes(disk_mb=1 << 20)  # whose tables take some room


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def virtual_mb(house: House, name: str) -> int:
    words = ["qemu-img", "info", "--output=json", str(house.files(name).disk)]
    described = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return int(described["virtual-size"]) >> 20


def test_a_chain_of_thirty_snapshots_is_gone_through(house: House) -> None:
    driver = house.made()
    names = [f"number {number}" for number in range(30)]
    for number, name in enumerate(names):
        house.write("first", number + 1)
        driver.take_snapshot(name)
    found = list(driver.snapshots())
    assert [one.name for one in found] == names
    assert [one.parent for one in found] == [None, *names[:-1]]
    for name in names[1:-1:2]:
        driver.delete_snapshot(name)
    driver.restore_snapshot(names[0])
    assert house.has("first", 1)
    driver.restore_snapshot(names[-1])
    assert house.has("first", 30)
