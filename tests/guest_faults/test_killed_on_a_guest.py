"""Commands on a guest that runs, killed with -9 after their durable steps, and typed again.

Each begins with the VM as it was at one live snapshot, which costs no boot: a container runs, a
file is on the disk, and another one in memory alone. FAULTS_SAMPLE and
FAULTS_SEED choose the steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.faults.test_killed_anywhere import ROOT, Case, House, dies_at_every_step

ISO = ROOT / "build" / "boot2docker.iso"
WITHIN = ("--timeout", "900")
BASE = "base"
PREPARE = (
    "echo known > /tmp/in-memory",
    "echo known | sudo tee /var/lib/boot2docker/on-disk",
    "tar -c -C / bin/busybox | docker import - box",
    "docker run -d --name lives box /bin/busybox sleep 1000000",
    "sync",
)
ASK = "cat /tmp/in-memory; sudo cat /var/lib/boot2docker/on-disk; docker ps --format {{.Names}}"
ASK_DISK = "sudo cat /var/lib/boot2docker/on-disk; docker ps -a --format {{.Names}}"


class GuestHouse(House):
    """A home with one VM whose guest answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ISO)

    def prepare(self) -> None:
        """Bring the VM up, and take the snapshot that each command begins with."""
        self.must("init", "--memory", "512", "--disksize", "4000")
        self.must("up", *WITHIN)
        for command in PREPARE:
            self.must("ssh", command)
        self.must("snapshot", "take", BASE)

    def back(self) -> None:
        """Let the VM be as it was at the snapshot, running, and have no other snapshot."""
        self.must("reset", "--to", BASE, *WITHIN)
        for name in self.snapshots():
            if name != BASE:
                self.must("snapshot", "delete", name)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuestHouse]:
    assert ISO.exists(), "make iso"
    house = GuestHouse(tmp_path_factory.mktemp("guest"))
    try:
        house.prepare()
        yield house
    finally:
        house.clear()
        house.close()


def back(house: House) -> None:
    assert isinstance(house, GuestHouse)
    house.back()


def saved(house: House) -> None:
    back(house)
    house.must("save")


def off(house: House) -> None:
    back(house)
    house.must("down", *WITHIN)


def as_then(house: House) -> None:
    """Demand the VM as it was at the snapshot: its memory, its disk, its container, its engine."""
    assert house.state() == "running"
    assert house.must("ssh", ASK).split() == ["known", "known", "lives"]


def has_another_snapshot(house: House) -> None:
    as_then(house)
    assert house.snapshots() == [BASE, "one"]
    assert house.tags() == 2


def is_saved(house: House) -> None:
    assert house.state() == "saved"
    house.must("up", *WITHIN)
    as_then(house)


def is_down(house: House) -> None:
    assert house.state() == "poweroff"
    assert house.tags() == 1


def has_booted(house: House) -> None:
    assert house.state() == "running"
    assert house.must("ssh", ASK_DISK).split() == ["known", "lives"]


CASES = {
    "save": Case(("save",), back, is_saved),
    "up from saved": Case(("up", *WITHIN), saved, as_then),
    "down": Case(("down", *WITHIN), back, is_down),
    "snapshot take": Case(("snapshot", "take", "one"), back, has_another_snapshot, done_already=2),
    "snapshot restore": Case(
        ("snapshot", "restore", BASE, "--force", *WITHIN), back, as_then, ends=0
    ),
    "reset --to": Case(("reset", "--to", BASE, *WITHIN), back, as_then),
    "up": Case(("up", *WITHIN), off, has_booted),
    "restart": Case(("restart", *WITHIN), back, has_booted),
    "reset": Case(("reset", *WITHIN), back, has_booted),
}


@pytest.mark.parametrize("name", CASES)
def test_a_killed_command_is_typed_again_and_the_guest_is_whole(
    name: str, house: GuestHouse
) -> None:
    dies_at_every_step(house, f"{name} on a guest", CASES[name])
