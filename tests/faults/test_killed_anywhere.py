"""Commands that are killed with -9 after any of their durable steps, and typed again.

The steps are what others could see: a file opened for writing, renamed or removed, a folder made, a
program started, a connection to QEMU. `make faults` tries every one of them; with FAULTS_SAMPLE=N
it is N of each command, chosen by FAULTS_SEED, which is printed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple

import pytest

from tests.unit.image import iso_bytes

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("FAULTS_SEED") or str(random.randrange(10**6))
SAMPLE = int(os.environ.get("FAULTS_SAMPLE") or 0)

# Runs a command, and kills itself before its n-th durable step; says at its end how many it had.
FATAL = """
import os, signal, sys
fatal, steps = int(sys.argv.pop(1)), 0
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def audit(event, arguments):
    global steps
    is_open = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
    if is_open and str(arguments[0]).endswith(("boot2docker.log", ".pyc")):
        return
    if is_open or event in (
        "os.rename", "os.remove", "os.mkdir", "os.link", "subprocess.Popen", "socket.connect"
    ):
        steps += 1
        if steps == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
from boot2docker_py.cli import boundary
from boot2docker_py.cli.session import Session
status = boundary.run(sys.argv[1:], Session())
print("steps", steps, file=sys.stderr)
boundary.leave(status)
"""


SOURCE = "the source of images"


class House:
    """A home with VMs of QEMU, whose image is blank: they are made and kept, not booted."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.iso = folder / "blank.iso"
        self.iso.write_bytes(iso_bytes.make_iso())
        self.environ = {
            **os.environ,
            "BOOT2DOCKER_DIR": str(self.home),
            "HOME": str(folder),
            "DOCKER_CONFIG": str(folder / "docker"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *words: str, fatal: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command, killed before its `fatal`-th step; 0: to its end."""
        named = [str(self.iso) if word == SOURCE else word for word in words]
        program = [sys.executable, "-c", FATAL, str(fatal), "--driver", "qemu", *named]
        return subprocess.run(
            program, env=self.environ, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def must(self, *words: str) -> str:
        """Run a command that has to succeed; return what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def disk(self) -> Path:
        return self.home / "vms" / "boot2docker-vm" / "disk.qcow2"

    def write(self, value: int) -> None:
        """Write known bytes to the disk, far from the seed."""
        words = ["qemu-io", "-c", f"write -P {value:#x} 8M 1M", str(self.disk)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    def has(self, value: int) -> bool:
        words = ["qemu-io", "-r", "-c", f"read -P {value:#x} 8M 1M", str(self.disk)]
        return subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode == 0

    def snapshots(self) -> list[str]:
        told = json.loads(self.must("snapshot", "list", "--json"))
        return [one["name"] for one in told["snapshots"]]

    def tags(self) -> int:
        """Return how many snapshots the disk itself has."""
        words = ["qemu-img", "info", "--output=json", str(self.disk)]
        answer = subprocess.run(words, check=True, capture_output=True)
        return len(json.loads(answer.stdout).get("snapshots", ()))

    def files(self) -> set[str]:
        folder = self.disk.parent
        return {one.name for one in folder.iterdir()} if folder.exists() else set()


def made(house: House) -> None:
    house.run("delete", "--force")
    house.must("init", "--iso-url", str(house.iso), "--memory", "256", "--disksize", "1000")
    house.write(0x11)


def absent(house: House) -> None:
    house.run("delete", "--force")


def with_snapshot(house: House) -> None:
    made(house)
    house.must("snapshot", "take", "one")
    house.write(0x22)


def is_made(house: House) -> None:
    assert house.must("status").strip() == "poweroff"
    assert house.files() <= {"vm.json", "disk.qcow2", "driver", "known_hosts", "qemu.lock"}


def is_gone(house: House) -> None:
    assert house.files() == set()
    assert not (house.home / "run" / "boot2docker-vm").exists()


def is_taken(house: House) -> None:
    assert house.snapshots() == ["one"]
    assert house.tags() == 1
    assert house.has(0x11)


def is_restored(house: House) -> None:
    is_taken(house)
    assert house.must("status").strip() == "poweroff"


def is_deleted(house: House) -> None:
    assert house.snapshots() == []
    assert house.tags() == 0
    assert house.has(0x22), "the VM stays what it is"


NEWER = "26.1.5-20261201"


def upgradable(house: House) -> None:
    """Have a VM on the older image, with the newer one at the source, and nothing kept."""
    if not house.disk.exists():
        made(house)
    shutil.rmtree(house.home / "boot2docker.iso.kept", ignore_errors=True)
    house.disk.with_name("pin").unlink(missing_ok=True)
    in_place = house.home / "boot2docker.iso"
    in_place.unlink()
    in_place.write_bytes(iso_bytes.make_iso())
    house.iso.write_bytes(iso_bytes.make_iso(NEWER))


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


class Case(NamedTuple):
    """A command, what it begins with, what is to be true when it has been typed again."""

    words: tuple[str, ...]
    before: Callable[[House], None]
    after: Callable[[House], None]
    done_already: int = 0  # the exit status, besides 0, when the killed one had done its work


CASES = {
    "init": Case(("init", "--memory", "256", "--disksize", "1000"), absent, is_made),
    "delete": Case(("delete", "--force"), made, is_gone),
    "snapshot take": Case(("snapshot", "take", "one"), made, is_taken, done_already=2),
    "snapshot restore": Case(("snapshot", "restore", "one", "--force"), with_snapshot, is_restored),
    "snapshot delete": Case(
        ("snapshot", "delete", "one"), with_snapshot, is_deleted, done_already=3
    ),
    "upgrade": Case(("upgrade", "--iso-url", SOURCE), upgradable, is_upgraded),
    "rollback": Case(("rollback",), upgraded, has_an_image_that_can_go_back),
    "upgrade --pin": Case(("upgrade", "--pin"), upgradable, is_pinned),
    "images prune": Case(("images", "prune"), upgraded, is_pruned),
}


def chosen(steps: int, name: str) -> list[int]:
    """Return the steps to die at: all, or a sample."""
    every = list(range(1, steps + 1))
    if not SAMPLE:
        return every
    print(f"FAULTS_SEED={SEED}")
    return sorted(random.Random(f"{SEED} {name}").sample(every, min(SAMPLE, steps)))


@pytest.mark.parametrize("name", CASES)
def test_a_killed_command_is_typed_again_and_ends_well(name: str, tmp_path: Path) -> None:
    case, house = CASES[name], House(tmp_path)
    house.must("download", "--iso-url", str(house.iso))
    case.before(house)
    whole = house.run(*case.words)
    assert whole.returncode == 0, whole.stderr
    case.after(house)
    steps = int(whole.stderr.rpartition("steps ")[2])
    assert steps > 3
    for step in chosen(steps, name):
        case.before(house)
        killed = house.run(*case.words, fatal=step)
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
        again = house.run(*case.words)
        assert again.returncode in (0, case.done_already), (step, again.stderr)
        case.after(house)
