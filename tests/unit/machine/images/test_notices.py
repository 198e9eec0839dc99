"""What is said once a day of newer versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.image import ImageRequest, Images
from boot2docker_py.machine.images import notices
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.test_package import Install, install

__all__ = ["install"]

OLD, NEW = "26.1.5-20261101", "26.1.5-20261115"
DAY_S = 86_400.0


class Home:
    """A home with an image in place, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.file, self.iso = folder / "notices", folder / "boot2docker.iso"
        self.iso.write_bytes(make_iso(OLD))
        self.now_s = 1_000_000_000.0

    def said(self, program: str = "1.0") -> list[str]:
        def images() -> Images:
            return Images(ImageRequest(url="auto", destination=self.iso, offline=True))

        return [*notices.due(self.file, program, images, self.iso, lambda: self.now_s)]


@pytest.fixture
def house(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder)


def test_a_newer_image_is_said_once_a_day(house: Home, install: Install) -> None:
    install(NEW)
    assert "upgrade" in house.said()[0]
    assert house.said() == []
    house.now_s += DAY_S - 1
    assert house.said() == []
    house.now_s += 1
    assert NEW in house.said()[0]


def test_nothing_is_said_where_all_is_current(house: Home, install: Install) -> None:
    install(OLD)
    assert house.said() == []


def test_a_newer_program_that_has_worked_here_is_named(house: Home) -> None:
    assert house.said("1.2") == []
    house.now_s += DAY_S
    assert house.said("1.1") == ["This is boot2docker 1.1; 1.2 has worked here too."]
    house.now_s += DAY_S
    assert house.said("1.2") == []


def test_a_clock_that_was_set_back_does_not_silence_it(house: Home, install: Install) -> None:
    install(NEW)
    assert house.said()
    house.now_s -= 400 * DAY_S
    assert house.said()


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[1]", b'{"said_at_s": "x", "program": 1}', b"[" * 9_000, b"\xff"]
)
def test_a_damaged_memory_is_as_none(house: Home, install: Install, damage: bytes) -> None:
    install(NEW)
    house.file.write_bytes(damage)
    assert house.said()
    assert house.said() == []


def test_no_memory_and_no_image_is_no_error(house: Home) -> None:
    house.file.mkdir()
    house.iso.unlink()
    assert house.said() == []
