"""VMs made of others on a real VirtualBox, disks that grow, single files; killed, and bad ones."""

from __future__ import annotations

import hashlib
import io
import signal
import struct
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from boot2docker_py.drivers import host
from boot2docker_py.drivers.model import Changes, Own, State, VMSpec
from boot2docker_py.drivers.new_seed import NEW_SEED_AT_BYTES, NEW_SEED_LIMIT_BYTES
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import (
    appliance,
    copies,
    growth,
    machines,
    media,
    versions,
)
from boot2docker_py.errors import StorageError, UsageError, WrongStateError
from boot2docker_py.paths import Paths, VMPaths
from tests.virtualbox.test_driver import (  # noqa: F401 - fixtures
    api,
    driver,
    other,
    other_paths,
    own,
    paths,
    spec,
)

if TYPE_CHECKING:
    from virtualbox.library import IMachine

    from boot2docker_py.drivers.virtualbox.binding.api import API

NEW_SEED = b"boot2docker-new-seed".ljust(600, b".")
READ_BYTES = 1 << 16


def machine_of(vm: VirtualBoxDriver) -> IMachine:
    found = machines.find(vm.api, vm.describe().name)
    assert found is not None
    return found


def content(vm: VirtualBoxDriver) -> bytes:
    """Return the first bytes of the data disk as it is now."""
    opened = copies.disk_of(machine_of(vm), "").open_for_io(False, "")
    try:
        found = b""
        while len(found) < READ_BYTES:
            found += versions.read(opened, len(found), READ_BYTES - len(found))
        return found
    finally:
        opened.close()


def disks_named_like(vm: VirtualBoxDriver) -> list[str]:
    """Return the disks in VirtualBox's list that lie in the folder of a VM of this name."""
    folder = machines.settings_file(vm.api, vm.paths.name).parent
    return [
        one.location for one in vm.api.virtualbox.hard_disks if folder in Path(one.location).parents
    ]


def vboxmanage(*words: str) -> None:
    subprocess.run(["VBoxManage", *words], check=True, capture_output=True)


# -- seeds


def test_a_new_seed_lies_where_the_guest_looks_and_all_else_stays(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.take_snapshot("before")  # what is written then is in a disk of its own
    before = content(driver)
    driver.reseed(NEW_SEED)
    after = content(driver)
    assert after[NEW_SEED_AT_BYTES:] == NEW_SEED.ljust(NEW_SEED_LIMIT_BYTES, b"\0")
    assert after[:NEW_SEED_AT_BYTES] == before[:NEW_SEED_AT_BYTES]
    driver.reseed(NEW_SEED)  # in place of one that was never taken
    driver.reseed(b"")
    with pytest.raises(WrongStateError, match="no room"):
        driver.reseed(b"of another kind".ljust(600, b"."))
    assert content(driver) == after
    driver.restore_snapshot("before")
    assert content(driver) == before


@pytest.mark.parametrize("is_linked", [False, True], ids=["whole", "linked"])
def test_a_clone_has_the_content_of_the_snapshot_and_a_seed_of_its_own(
    driver: VirtualBoxDriver,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    own: Own,  # noqa: F811
    *,
    is_linked: bool,
) -> None:
    driver.create(spec)
    driver.take_snapshot("one")
    before = content(driver)
    driver.reseed(NEW_SEED)
    seed = b"another-seed".ljust(600, b".")
    other.clone(driver, own._replace(new_seed=seed), snapshot="one", is_linked=is_linked)
    found = content(other)
    assert found[:NEW_SEED_AT_BYTES] == before[:NEW_SEED_AT_BYTES]
    assert found[NEW_SEED_AT_BYTES:].rstrip(b"\0") == seed
    assert content(driver)[NEW_SEED_AT_BYTES:].rstrip(b"\0") == NEW_SEED
    disk = other.describe().disk
    assert disk.parent == other.describe().folder
    other.delete()
    assert not disk.exists()
    assert driver.describe().disk.exists()


# -- growth


def test_a_larger_disk_keeps_its_content_and_can_be_copied(
    driver: VirtualBoxDriver,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    own: Own,  # noqa: F811
    tmp_path: Path,
) -> None:
    """VirtualBox copies and exports no disk that is larger than what it builds on."""
    driver.create(spec)
    driver.reseed(NEW_SEED)
    driver.take_snapshot("one")
    before, larger_mb = content(driver), spec.disk_mb + 500
    driver.change(Changes(disk_mb=larger_mb))
    assert content(driver) == before
    driver.export(tmp_path / "grown.ova")
    for is_linked in (None, False, True):
        if is_linked is None:
            other.import_(tmp_path / "grown.ova", own)
        else:
            snapshot = "one" if is_linked else ""
            other.clone(driver, own, snapshot=snapshot, is_linked=is_linked)
        assert other.describe().disk_mb == larger_mb
        assert content(other) == before
        other.delete()


def test_a_disk_that_cannot_grow_becomes_another_and_is_kept_until_the_engine_answers(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.reseed(NEW_SEED)
    put_in_streamed_disk(driver)
    before, old = content(driver), driver.describe().disk
    driver.change(Changes(memory_mb=200, disk_mb=spec.disk_mb + 500))
    new = driver.describe()
    assert (new.disk_mb, new.memory_mb, new.disk.suffix) == (spec.disk_mb + 500, 200, ".vdi")
    assert content(driver) == before
    assert old.exists()
    driver.start()
    driver.drop_old_disk()
    driver.power_off()
    assert not old.exists()
    assert content(driver) == before
    driver.delete()
    assert disks_named_like(driver) == []
    assert not new.folder.exists()


def put_in_streamed_disk(vm: VirtualBoxDriver) -> None:
    """Exchange the data disk for a copy in a format that VirtualBox cannot let grow."""
    info = vm.describe()
    copy = info.disk.with_name(f"{info.name}-7.vmdk")
    words = ("--format", "VMDK", "--variant", "Stream")
    vboxmanage("clonemedium", str(info.disk), str(copy), *words)
    place = ("--storagectl", "SATA", "--port", "1", "--type", "hdd", "--medium", str(copy))
    vboxmanage("storageattach", info.name, *place)
    vboxmanage("closemedium", str(info.disk), "--delete")


def test_snapshots_outlive_a_disk_that_becomes_another(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.take_snapshot("one")
    before = content(driver)
    driver.reseed(NEW_SEED)
    machine, after = machine_of(driver), content(driver)
    disk = copies.disk_of(machine, "")
    note = driver.paths.folder / "disks.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    from boot2docker_py.drivers.virtualbox.vm import sessions

    with sessions.changed(driver.api, machine) as changing:
        larger = growth.converted(driver.api, machine, disk, spec.disk_mb + 500, note)
        media.exchange(driver.api, changing, larger)
    driver.drop_old_disk()
    assert content(driver) == after
    driver.restore_snapshot("one")
    assert content(driver) == before
    folder = driver.describe().folder
    driver.delete_snapshot("one")
    driver.drop_old_disk()
    assert [one.suffix for one in folder.glob("*.v*") if "vbox" not in one.suffix] == [".vmdk"]
    driver.delete()
    assert not folder.exists()
    assert disks_named_like(driver) == []


def test_a_linked_clone_that_grows_builds_on_nothing_any_more(
    driver: VirtualBoxDriver,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    own: Own,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.take_snapshot("one")
    other.clone(driver, own, snapshot="one", is_linked=True)
    before = content(other)
    other.change(Changes(disk_mb=spec.disk_mb + 500))
    other.drop_old_disk()
    assert content(other) == before
    assert list(driver.linked_clones()) == []
    driver.delete()
    other.start()
    assert other.state() is State.RUNNING


def test_the_disk_of_somebody_else_does_not_grow(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    tmp_path: Path,
) -> None:
    driver.create(spec)
    info, foreign = driver.describe(), tmp_path / "foreign.vdi"
    vboxmanage("createmedium", "disk", "--filename", str(foreign), "--size", "10")
    place = ("--storagectl", "SATA", "--port", "1", "--type", "hdd", "--medium", str(foreign))
    vboxmanage("storageattach", info.name, *place)
    with pytest.raises(WrongStateError, match="not its own"):
        driver.change(Changes(memory_mb=200, disk_mb=100))
    assert driver.describe().memory_mb == spec.memory_mb
    vboxmanage("storageattach", info.name, *place[:-1], str(info.disk))


# -- names


def test_the_files_of_a_renamed_vm_follow_and_go_with_it(
    api: API,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    other_paths: VMPaths,  # noqa: F811
    tmp_path: Path,
) -> None:
    # VirtualBox lets a folder follow that has just the name of its VM.
    old_paths = Paths(home=tmp_path, user_home=tmp_path).vm(f"plain {other_paths.name}")
    plain = VirtualBoxDriver(old_paths, api)
    plain.create(spec._replace(console_log=old_paths.console_log))
    old_paths.known_hosts.write_text("a pin")
    old = plain.describe()
    plain.rename(other_paths)
    new = other.describe()
    assert (new.name, new.folder.name) == (other_paths.name, other_paths.name)
    assert new.console_log == other_paths.console_log
    assert other_paths.known_hosts.read_text() == "a pin"
    assert not old.folder.exists()
    assert not old_paths.folder.exists()
    other.start()
    other.power_off()
    other_paths.known_hosts.unlink()
    other.delete()
    assert not new.folder.exists()


# -- killed

KILLED = """
import os, signal, sys
from pathlib import Path
from boot2docker_py.drivers.model import Changes, Own
from boot2docker_py.drivers.virtualbox import driver
from boot2docker_py.paths import Paths

verb, names, homes = sys.argv[1], sys.argv[2:4], sys.argv[4:6]
iso, last = Path(sys.argv[6]), int(sys.argv[7])
all_paths = [Paths(home=Path(h), user_home=Path(h)).vm(n) for h, n in zip(homes, names)]
vm, other = (driver.VirtualBoxDriver(one) for one in all_paths)
own = Own(iso, all_paths[1].console_log)
file = Path(homes[1]) / "exported.ova"
calls = {
    "clone": lambda: other.clone(vm, own),
    "link": lambda: other.clone(vm, own, snapshot="one", is_linked=True),
    "rename": lambda: vm.rename(all_paths[1]),
    "export": lambda: vm.export(file),
    "import": lambda: other.import_(file, own),
    "grow": lambda: vm.change(Changes(disk_mb=vm.describe().disk_mb + 500)),
}
count, ready = 0, False

def trace(frame, event, arg):
    # Each function of ours that ends is a point at which the process may be killed.
    global count
    if event == "return" and "/drivers/virtualbox/" in frame.f_code.co_filename and ready:
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

vm.api.library, other.api.library
ready = True
sys.setprofile(trace)
calls[verb]()
sys.setprofile(None)
"""


@pytest.mark.parametrize("verb", ["clone", "link", "rename", "export", "import", "grow"])
def test_a_copy_killed_anywhere_is_made_when_it_is_asked_for_again(
    driver: VirtualBoxDriver,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    own: Own,  # noqa: F811
    other_paths: VMPaths,  # noqa: F811
    tmp_path: Path,
    verb: str,
) -> None:
    home = other_paths.folder.parent.parent
    home.mkdir(parents=True, exist_ok=True)
    file = home / "exported.ova"
    words = [verb, driver.paths.name, other.paths.name, str(tmp_path), str(home), str(spec.iso)]

    def again() -> None:
        if verb in ("clone", "link", "import") and other.state() is State.ABSENT:
            if verb == "import":
                other.import_(file, own)
            else:
                is_linked = verb == "link"
                other.clone(driver, own, snapshot="one" if is_linked else "", is_linked=is_linked)
        if verb == "rename" and driver.state() is not State.ABSENT:
            driver.rename(other_paths)
        if verb == "export" and not file.exists():
            driver.export(file)
        if verb == "grow":
            driver.change(Changes(disk_mb=spec.disk_mb + 500))

    made, step = 0, 1
    while True:
        driver.create(spec)
        if verb == "import" and not file.exists():
            driver.export(file)
        driver.reseed(NEW_SEED)
        if verb == "link":
            driver.take_snapshot("one")
        if verb == "grow":
            put_in_streamed_disk(driver)
        before = content(driver)
        command = [sys.executable, "-c", KILLED, *words, str(step)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        again()
        result = other if verb in ("clone", "link", "rename", "import") else driver
        assert result.state() in (State.OFF, State.ABORTED)
        if verb != "import":
            assert content(result) == before
        if verb == "grow":
            assert driver.describe().disk_mb == spec.disk_mb + 500
        for vm in (other, driver):
            folder = machines.settings_file(vm.api, vm.paths.name).parent
            vm.delete()
            assert not folder.exists(), list(folder.rglob("*"))
            assert disks_named_like(vm) == []
        if verb == "export":
            appliance.read(file)
            file.unlink()
        assert list(home.glob("*.part*")) == []
        if ended.returncode == 0:
            break
        made += 1
        step = 2 * step + 1  # a few of each, as each takes a second
    assert made > 3


# -- files that are none of ours


def an_ova(target: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(target, "w") as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target


def parts_of(ova: Path) -> dict[str, bytes]:
    with tarfile.open(ova) as archive:
        return {
            Path(one.name).suffix: archive.extractfile(one).read()  # type: ignore[union-attr]
            for one in archive.getmembers()
        }


def header(capacity_sectors: int) -> bytes:
    return struct.pack("<4sIIQ", b"KDMV", 3, 0x30001, capacity_sectors).ljust(1024, b"\0")


Bad = Callable[[bytes, bytes], "list[tuple[str, bytes]]"]
BAD: dict[str, Bad] = {
    "no description": lambda _ovf, disk: [("x.vmdk", disk)],
    "two disks": lambda ovf, disk: [("x.ovf", ovf), ("x.vmdk", disk), ("y.vmdk", disk)],
    "a disk of text, which names a file of this machine": lambda ovf, _disk: [
        ("x.ovf", ovf),
        ("x.vmdk", b'# Disk DescriptorFile\nRW 2048 FLAT "/etc/passwd" 0\n'.ljust(4096)),
    ],
    "a disk without end": lambda ovf, _disk: [("x.ovf", ovf), ("x.vmdk", header((1 << 63) - 1))],
    "a disk of nothing": lambda ovf, _disk: [("x.ovf", ovf), ("x.vmdk", header(0))],
    "a disk that is only a header": lambda ovf, _disk: [("x.ovf", ovf), ("x.vmdk", header(2048))],
    "no memory": lambda ovf, disk: [
        ("x.ovf", ovf.replace(b"<rasd:VirtualQuantity>256<", b"<rasd:VirtualQuantity>0<")),
        ("x.vmdk", disk),
    ],
    "memory without end": lambda ovf, disk: [
        ("x.ovf", ovf.replace(b"Quantity>256<", b"Quantity>" + b"9" * 5000 + b"<")),
        ("x.vmdk", disk),
    ],
    "a description without end": lambda ovf, disk: [
        ("x.ovf", ovf + b" " * (1 << 21)),
        ("x.vmdk", disk),
    ],
    "many files": lambda ovf, disk: [
        ("x.ovf", ovf),
        ("x.vmdk", disk),
        *((f"{n}.txt", b"") for n in range(40)),
    ],
    "a wrong checksum of the disk": lambda ovf, disk: [
        ("x.ovf", ovf),
        ("x.vmdk", disk),
        ("x.mf", f"SHA256 (x.vmdk) = {hashlib.sha256(b'another').hexdigest()}\n".encode()),
    ],
    "a wrong checksum of the description": lambda ovf, disk: [
        ("x.ovf", ovf),
        ("x.vmdk", disk),
        ("x.mf", f"SHA256 (x.ovf) = {'0' * 64}\n".encode()),
    ],
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_bad_makes_nothing(
    driver: VirtualBoxDriver,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    own: Own,  # noqa: F811
    tmp_path: Path,
    what: str,
) -> None:
    driver.create(spec)
    driver.export(tmp_path / "good.ova")
    parts = parts_of(tmp_path / "good.ova")
    bad = an_ova(tmp_path / "bad.ova", *BAD[what](parts[".ovf"], parts[".vmdk"]))
    with pytest.raises(UsageError):
        other.import_(bad, own)
    assert other.state() is State.ABSENT
    assert not other.has_remains()
    assert disks_named_like(other) == []


def test_names_in_a_file_lead_nowhere(
    driver: VirtualBoxDriver,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    own: Own,  # noqa: F811
    tmp_path: Path,
) -> None:
    driver.create(spec)
    driver.export(tmp_path / "good.ova")
    parts = parts_of(tmp_path / "good.ova")
    hidden = tmp_path / "deep" / "deeper"
    hidden.mkdir(parents=True)
    names = ("../../x.ovf", "/tmp/../../x.vmdk")
    description = parts[".ovf"].replace(b"Quantity>256<", b"Quantity>999999<")
    odd = an_ova(hidden / "odd.ova", (names[0], description), (names[1], parts[".vmdk"]))
    other.import_(odd, own)
    assert other.describe().memory_mb == host.host_memory_mb()
    assert other.describe().disk.parent == other.describe().folder
    assert sorted(one.name for one in hidden.iterdir()) == ["odd.ova"]
    assert not (tmp_path / "x.ovf").exists()


def test_a_cut_file_makes_nothing(
    driver: VirtualBoxDriver,  # noqa: F811
    other: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    own: Own,  # noqa: F811
    tmp_path: Path,
) -> None:
    driver.create(spec)
    file = tmp_path / "cut.ova"
    driver.export(file)
    whole = file.read_bytes()
    for length in (100, 600, len(whole) // 2, len(whole) - 20_000):
        file.write_bytes(whole[:length])
        with pytest.raises(UsageError):
            other.import_(file, own)
        assert other.state() is State.ABSENT
        assert not other.has_remains()


def test_an_export_that_finds_no_space_leaves_nothing(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    tmp_path: Path,
) -> None:
    driver.create(spec)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], check=True)
    try:
        with pytest.raises(StorageError):
            driver.export(small / "vm.ova")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert driver.state() is State.OFF
