"""Commands that are killed with -9 after any of their durable steps, and typed again.

The steps are what others could see: a file opened for writing, renamed or removed, a folder made, a
program started, a connection to QEMU. `make faults` tries every one of them; with FAULTS_SAMPLE=N
it is N of each command, with FAULTS_CASES=N it is N commands, chosen by FAULTS_SEED, which is
printed.
"""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import pytest

from boot2docker_py.drivers.qemu import archive
from boot2docker_py.drivers.qemu.driver import QEMUDriver
from boot2docker_py.paths import Paths
from tests.faults import processes
from tests.faults.forks import Forks
from tests.unit.image import iso_bytes

FIRST, SECOND = "boot2docker-vm", "second"
ROOT = Path(__file__).parents[2]
SEED = os.environ.get("FAULTS_SEED") or str(random.randrange(10**6))
SAMPLE = int(os.environ.get("FAULTS_SAMPLE") or 0)  # of the steps of each command; 0: all
TRIED = int(os.environ.get("FAULTS_CASES") or 0)  # of the commands; 0: all
SOURCE = "the source of images"


class House:
    """A home with VMs of QEMU, whose image is blank: they are made and kept, not booted."""

    def __init__(self, folder: Path, iso: Path | None = None) -> None:
        self.home = folder / "home"
        self.kept = folder / "kept"  # copies of all that is beside it
        self.iso = folder / "blank.iso"
        self.iso.write_bytes(iso_bytes.make_iso())
        self.of_image: list[str] = []  # the files beside it, when nothing is at work
        self.environ = {
            **os.environ,
            "BOOT2DOCKER_ISO_URL": str(iso or self.iso),
            "BOOT2DOCKER_DIR": str(self.home),
            "HOME": str(folder),
            "DOCKER_CONFIG": str(folder / "docker"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.forks = Forks(self.environ, ROOT, self.kept)

    def close(self) -> None:
        """Run no more commands."""
        self.forks.close()

    def run(self, *words: str, fatal: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command, killed before its `fatal`-th step; 0: to its end."""
        named = [str(self.iso) if word == SOURCE else word for word in words]
        return self.forks.run(["--driver", "qemu", *named], fatal)

    def must(self, *words: str) -> str:
        """Run a command that has to succeed; return what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def disk(self) -> Path:
        return self.folder() / "disk.qcow2"

    def folder(self, vm: str = FIRST) -> Path:
        return self.home / "vms" / vm

    def write(self, value: int) -> None:
        """Write known bytes to the disk, far from the seed."""
        words = ["qemu-io", "-c", f"write -P {value:#x} 8M 1M", str(self.folder() / "disk.qcow2")]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    def has(self, value: int, vm: str = FIRST) -> bool:
        disk = self.folder(vm) / "disk.qcow2"
        words = ["qemu-io", "-r", "-U", "-c", f"read -P {value:#x} 8M 1M", str(disk)]
        return subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode == 0

    def start(self) -> None:
        """Let the VM run, whose guest is blank, and never answers."""
        QEMUDriver(Paths(self.home, self.home).vm(FIRST)).start()

    def snapshots(self) -> list[str]:
        told = json.loads(self.must("snapshot", "list", "--json"))
        return [one["name"] for one in told["snapshots"]]

    def tags(self) -> int:
        """Return how many snapshots the disk itself has."""
        disk = str(self.folder() / "disk.qcow2")
        words = ["qemu-img", "info", "--force-share", "--output=json", disk]
        answer = subprocess.run(words, check=True, capture_output=True)
        return len(json.loads(answer.stdout).get("snapshots", ()))

    def files(self, vm: str = FIRST) -> set[str]:
        folder = self.folder(vm)
        return {one.name for one in folder.iterdir()} if folder.exists() else set()

    def state(self, vm: str = FIRST) -> str:
        return self.must("status", "--vm", vm).strip()

    def keep(self, name: str) -> None:
        """Keep a copy of all files, while no VM runs."""
        copy(self.entries(), self.kept / name)

    def put_back(self, name: str) -> None:
        """Have all files as they were when `name` was kept, and no process."""
        processes.end_all_of(self.home, but=self.forks.pid)
        for one in self.entries():
            shutil.rmtree(one) if one.is_dir() else one.unlink()
        copy(list((self.kept / name).iterdir()), self.home.parent)

    def entries(self) -> list[Path]:
        return [one for one in self.home.parent.iterdir() if one != self.kept]

    def clear(self) -> None:
        """Delete all VMs, and what else the last turn has left."""
        for vm in (SECOND, FIRST):
            self.must("delete", "--force", "--vm", vm)
        for left in self.home.parent.glob("exported.vm*"):
            left.unlink()


def copy(files: list[Path], folder: Path) -> None:
    """Copy files and folders, with their holes, times and hard links."""
    folder.mkdir(exist_ok=True)
    words = ["cp", "-a", "--sparse=always", *map(str, files), str(folder)]
    subprocess.run(words, check=True)


def prepared_once(prepare: Callable[[House], None]) -> Callable[[House], None]:
    """Make what a command begins with by commands the first time, and by a copy from then on."""

    @functools.wraps(prepare)
    def again(house: House) -> None:
        if not (house.kept / prepare.__name__).exists():
            prepare(house)
            house.keep(prepare.__name__)
        house.put_back(prepare.__name__)

    return again


@prepared_once
def made(house: House) -> None:
    house.clear()
    house.must("init", "--memory", "256", "--disksize", "1000")
    house.write(0x11)


@prepared_once
def absent(house: House) -> None:
    house.clear()


@prepared_once
def with_snapshot(house: House) -> None:
    made(house)
    house.must("snapshot", "take", "one")
    house.write(0x22)


def running(house: House) -> None:
    made(house)
    house.start()


def running_with_snapshot(house: House) -> None:
    with_snapshot(house)
    house.start()


@prepared_once
def exported(house: House) -> None:
    made(house)
    house.must("export", str(house.home.parent / "exported.vm"))
    house.must("delete", "--force")


OF_EVERY_VM = {"vm.json", "disk.qcow2", "driver", "known_hosts", "qemu.lock"}
OF_STARTED = {"console.log", "qemu.log"}


def is_made(house: House) -> None:
    assert house.state() == "poweroff"
    assert house.files() <= OF_EVERY_VM


def is_gone(house: House) -> None:
    assert house.files() == set()
    assert not (house.home / "run" / FIRST).exists()
    assert list(house.home.glob(f"vms/{FIRST}*")) == []


def is_taken(house: House) -> None:
    assert house.snapshots() == ["one"]
    assert house.tags() == 1
    assert house.has(0x11)


def is_taken_and_goes_on(house: House) -> None:
    assert house.state() == "running"
    is_taken(house)


def is_restored(house: House) -> None:
    is_taken(house)
    assert house.state() == "poweroff"


def is_deleted(house: House) -> None:
    assert house.snapshots() == []
    assert house.tags() == 0
    assert house.has(0x22), "the VM stays what it is"


NEWER = "26.1.5-20261201"


def upgradable(house: House) -> None:
    """Have a VM on the older image, with the newer one at the source."""
    made(house)
    house.iso.write_bytes(iso_bytes.make_iso(NEWER))


@prepared_once
def upgraded(house: House) -> None:
    upgradable(house)
    house.must("upgrade", "--iso-url", str(house.iso))


def images(house: House) -> list[tuple[str, str]]:
    told = json.loads(house.must("images", "--json"))["images"]
    return [(one["place"], one["version"]) for one in told]


def is_upgraded(house: House) -> None:
    assert images(house)[0] == ("in place", NEWER)
    assert len(images(house)) == 2
    assert house.must("status").strip() == "poweroff"
    assert house.has(0x11)


def has_an_image_that_can_go_back(house: House) -> None:
    """A rollback that was killed behind its exchange has been done, and a second one undoes it."""
    assert images(house)[0][0] == "in place"
    assert len({version for _place, version in images(house)}) == 2
    house.must("rollback")


def is_pinned(house: House) -> None:
    assert ("kept", "26.1.5-20261101") in images(house)
    assert house.must("upgrade", "--unpin", "--json").count("26.1.5-20261101") == 1


def is_pruned(house: House) -> None:
    assert images(house) == [("in place", NEWER)]
    assert not (house.home / "boot2docker.iso.kept").exists()


def is_cloned(house: House) -> None:
    assert house.state(SECOND) == "poweroff"
    assert house.files(SECOND) <= OF_EVERY_VM
    assert house.has(0x11, SECOND)
    assert house.files() <= {*OF_EVERY_VM, "snapshots.json"} | set(base_names(house))
    house.must("snapshot", "list")


def base_names(house: House) -> list[str]:
    return [one.name for one in house.folder().glob("base-*.qcow2")]


def is_renamed(house: House) -> None:
    is_gone(house)
    assert house.state(SECOND) == "poweroff"
    assert house.files(SECOND) <= OF_EVERY_VM
    assert house.has(0x11, SECOND)


def is_exported(house: House) -> None:
    folder = house.home.parent
    assert [one.name for one in folder.glob("exported.vm*")] == ["exported.vm"]
    archive.read(folder / "exported.vm", lambda _so_far, _in_all: None)
    is_made(house)


def is_imported(house: House) -> None:
    is_made(house)
    assert house.has(0x11)


def is_set(house: House) -> None:
    info = json.loads(house.must("info"))
    assert (info["Memory"], info["DiskSize"]) == (300, 2000)
    assert house.files() <= {*OF_EVERY_VM, "settings"}
    assert house.has(0x11)


def is_saved(house: House) -> None:
    assert house.state() == "saved"
    assert house.files() <= OF_EVERY_VM | OF_STARTED | {"saved.state", "saved.json"}


def is_up(house: House) -> None:
    assert house.state() == "running"
    house.must("poweroff")
    assert house.has(0x11)


def is_up_and_as_then(house: House) -> None:
    assert house.state() == "running"
    assert house.tags() == 1
    house.must("poweroff")
    is_taken(house)


def is_down(house: House) -> None:
    assert house.state() == "poweroff"
    assert house.has(0x11)


def is_wiped(house: House) -> None:
    assert house.state() == "running"
    house.must("poweroff")
    assert house.has(0x00), "the disk is a new one"
    assert house.files() <= OF_EVERY_VM | OF_STARTED


def is_downloaded(house: House) -> None:
    is_made(house)
    assert house.has(0x11)
    assert sorted(one.name for one in house.home.glob("*.iso*")) == house.of_image


class Case(NamedTuple):
    """A command, what it begins with, what is to be true when it has been typed again."""

    words: tuple[str, ...]
    before: Callable[[House], None]
    after: Callable[[House], None]
    done_already: int = 0  # the exit status, besides 0, when the killed one had done its work
    ends: int = 0  # the exit status; a guest that is blank never answers


WITHIN = ("--timeout", "3")
CASES = {
    "init": Case(("init", "--memory", "256", "--disksize", "1000"), absent, is_made),
    "delete": Case(("delete", "--force"), made, is_gone),
    "snapshot take": Case(("snapshot", "take", "one"), made, is_taken, done_already=2),
    "snapshot take live": Case(
        ("snapshot", "take", "one"), running, is_taken_and_goes_on, done_already=2
    ),
    "snapshot restore": Case(("snapshot", "restore", "one", "--force"), with_snapshot, is_restored),
    "snapshot delete": Case(
        ("snapshot", "delete", "one"), with_snapshot, is_deleted, done_already=3
    ),
    "upgrade": Case(("upgrade", "--iso-url", SOURCE), upgradable, is_upgraded),
    "rollback": Case(("rollback",), upgraded, has_an_image_that_can_go_back),
    "upgrade --pin": Case(("upgrade", "--pin"), upgradable, is_pinned),
    "images prune": Case(("images", "prune"), upgraded, is_pruned),
    "clone": Case(("clone", SECOND), made, is_cloned, done_already=4),
    "clone --linked": Case(
        ("clone", SECOND, "--from", "one", "--linked"), with_snapshot, is_cloned, done_already=4
    ),
    "rename": Case(("rename", SECOND), made, is_renamed, done_already=4),
    "export": Case(("export", "{folder}/exported.vm"), made, is_exported, done_already=1),
    "import": Case(("import", "{folder}/exported.vm"), exported, is_imported, done_already=4),
    "set": Case(("set", "--memory", "300", "--disksize", "2000"), made, is_set),
    "save": Case(("save",), running, is_saved),
    "up": Case(("up", *WITHIN), made, is_up, ends=5),
    "down": Case(("down", "--force", *WITHIN), running, is_down),
    "reset --to": Case(
        ("reset", "--to", "one", *WITHIN), running_with_snapshot, is_up_and_as_then, ends=5
    ),
    "reset --wipe": Case(("reset", "--wipe", *WITHIN), running, is_wiped, ends=5),
    "download": Case(("download", "--force-upgrade-download"), made, is_downloaded),
}


def chosen(steps: int, name: str) -> list[int]:
    """Return the steps to die at: all, or a sample."""
    every = list(range(1, steps + 1))
    if not SAMPLE:
        return every
    print(f"FAULTS_SEED={SEED}")
    return sorted(random.Random(f"{SEED} {name}").sample(every, min(SAMPLE, steps)))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    try:
        yield house
        house.clear()
    finally:
        house.close()


def tried() -> list[str]:
    """Return the commands to try: all, or a sample."""
    every = list(CASES)
    return sorted(random.Random(f"{SEED} commands").sample(every, min(TRIED, len(every)))) or every


@pytest.mark.parametrize("name", tried())
def test_a_killed_command_is_typed_again_and_ends_well(name: str, house: House) -> None:
    house.must("download")
    house.of_image = sorted(one.name for one in house.home.glob("*.iso*"))
    dies_at_every_step(house, name, CASES[name])


def dies_at_every_step(house: House, name: str, case: Case) -> None:
    """Run a command as a whole, then once for each of its steps, killed there and typed again."""
    words = [word.format(folder=house.home.parent) for word in case.words]
    case.before(house)
    whole = house.run(*words)
    assert whole.returncode == case.ends, whole.stderr
    case.after(house)
    steps = int(whole.stderr.rpartition("steps ")[2])
    assert steps > 3
    tried = chosen(steps, name)
    print(f"{name}: {len(tried)} of {steps} steps")
    for step in tried:
        case.before(house)
        killed = house.run(*words, fatal=step)
        assert killed.returncode in (case.ends, -signal.SIGKILL), (step, killed.stderr)
        again = house.run(*words)
        assert again.returncode in (case.ends, 0, case.done_already), (step, again.stderr)
        case.after(house)
