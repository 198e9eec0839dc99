"""Images from the command line: listed, exchanged, pinned and pruned, with a VM that is files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.qemu.files import Files, Settings, write_settings
from boot2docker_py.paths import make_private_folder
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeImages, FakeSession
from tests.unit.image.iso_bytes import make_iso

OLD, NEW = "26.1.5-20261101", "26.1.5-20261115"


class Home:
    """A home with an image in place, a newer one at the source, and a VM that is off."""

    def __init__(self, folder: Path, boot2docker: Boot2Docker) -> None:
        self.boot2docker = boot2docker
        self.iso, self.source = folder / "boot2docker.iso", folder / "source.iso"
        make_private_folder(folder)
        self.iso.write_bytes(make_iso(OLD))
        self.source.write_bytes(make_iso(NEW))
        self.add_vm("boot2docker-vm")

    def add_vm(self, name: str, *, is_saved: bool = False) -> None:
        files = Files(self.iso.parent / "vms" / name)
        make_private_folder(files.folder)
        (files.folder / "driver").write_text("qemu\n")
        console = str(files.folder / "console.log")
        settings = Settings("id", str(self.iso), 1000, 256, 1, 2022, 0, console)
        write_settings(files.settings, settings)
        files.disk.write_bytes(b"x")
        if is_saved:
            files.saved_state.write_bytes(b"memory")

    def asked(self, *words: str) -> dict[str, Any]:
        answer = self.boot2docker([*words, *self.flags, "--json"])
        assert answer.status == 0, answer
        told = json.loads(answer.out)
        assert isinstance(told, dict)
        return told

    def refused(self, *words: str) -> tuple[int, str]:
        answer = self.boot2docker([*words, *self.flags])
        assert answer.out == ""
        return answer.status, answer.err

    @property
    def flags(self) -> list[str]:
        return ["--driver", "qemu", "--iso-url", str(self.source)]

    def places(self) -> list[tuple[str, str, list[str]]]:
        found = self.asked("images")["images"]
        return [(one["place"], one["version"], one["used_by"]) for one in found]


@pytest.fixture
def house(home: Path, boot2docker: Boot2Docker) -> Home:
    return Home(home, boot2docker)


def test_a_check_changes_nothing(house: Home) -> None:
    told = house.asked("upgrade", "--check")
    assert (told["present"], told["newest"], told["is_newer"]) == (OLD, NEW, True)
    assert house.places() == [("in place", OLD, ["boot2docker-vm"])]
    house.asked("upgrade")
    assert house.asked("upgrade", "--check")["is_newer"] is False


def test_an_image_is_exchanged_taken_back_and_pruned(house: Home) -> None:
    assert house.asked("upgrade")["after"] == NEW
    assert house.places() == [("in place", NEW, ["boot2docker-vm"]), ("kept", OLD, [])]
    assert house.asked("rollback")["after"] == OLD
    assert house.asked("upgrade", "--to", NEW)["after"] == NEW
    removed = house.asked("images", "prune")["removed"]
    assert len(removed) == 2
    assert house.places() == [("in place", NEW, ["boot2docker-vm"])]
    assert house.refused("rollback")[0] == 3
    names = {path.name for path in house.iso.parent.iterdir()}
    assert {name for name in names if name.startswith("boot2docker.iso")} == {
        "boot2docker.iso",
        "boot2docker.iso.download.lock",
        "boot2docker.iso.json",
    }


def test_a_pinned_vm_keeps_its_image_through_all(house: Home) -> None:
    assert house.asked("upgrade", "--pin")["pinned"] == OLD
    status, words = house.refused("upgrade")
    assert status == 4
    assert "boot2docker --driver qemu upgrade --unpin" in words
    house.add_vm("other")
    house.asked("--vm", "other", "upgrade")
    house.asked("images", "prune")
    assert ("kept", OLD, ["boot2docker-vm"]) in house.places()
    assert house.asked("upgrade", "--unpin")["was_pinned"] == OLD
    assert house.asked("upgrade", "--unpin")["was_pinned"] is None


def test_a_saved_vm_keeps_the_others_from_its_image(house: Home) -> None:
    house.add_vm("saved", is_saved=True)
    status, words = house.refused("upgrade")
    assert status == 4
    assert "VM 'saved' is saved on it" in words
    assert house.places()[0][:2] == ("in place", OLD)


@pytest.mark.parametrize(
    "words",
    [
        ["upgrade", "--check", "--pin"],
        ["upgrade", "--pin", "--unpin"],
        ["upgrade", "--unpin", "--to", "1"],
        ["upgrade", "--check", "--to", "1"],
        ["upgrade", "--to", " "],
        ["images", "burn"],
        ["images", "prune", "all"],
        ["rollback", "1"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(house: Home, words: list[str]) -> None:
    assert house.refused(*words)[0] == 2


def test_a_version_that_nobody_has_is_not_found(house: Home) -> None:
    status, words = house.refused("upgrade", "--to", "99.9\x1b[2J")
    assert status == 3
    assert "\x1b" not in words


def test_no_image_and_no_vm_is_no_error(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["images", "--driver", "qemu"])
    assert (answer.status, answer.out) == (0, "")
    assert "boot2docker --driver qemu download" in answer.err


def test_the_table_names_version_place_and_vm(house: Home) -> None:
    answer = house.boot2docker(["images", *house.flags])
    head, row = answer.out.splitlines()
    assert head.split() == ["VERSION", "PLACE", "SIZE", "USED", "BY", "FILE"]
    assert row.split()[:3] == [OLD, "in", "place"]
    assert "boot2docker-vm" in row


class Newer(FakeImages):
    """Images of which a newer one is known."""

    def newest_known(self) -> Any:
        from boot2docker_py.image.offered import Offered

        return Offered("99.0", "the package boot2docker-image")


@pytest.mark.parametrize(
    ("flags", "is_said"),
    [([], True), (["--no-notices"], False), (["--notices=false"], False), (["--json"], False)],
)
def test_up_says_what_is_newer_unless_that_is_off(
    home: Path, boot2docker: Boot2Docker, flags: list[str], *, is_said: bool
) -> None:
    make_private_folder(home)
    (home / "boot2docker.iso").write_bytes(make_iso(OLD))
    for expected in (is_said, False):
        session = FakeSession(FakeDriver(State.OFF), FakeEndpoint(), Newer())
        answer = boot2docker(["up", *flags], session)
        assert answer.status == 0
        assert ("newer image, 99.0" in answer.err) is expected, answer.err
