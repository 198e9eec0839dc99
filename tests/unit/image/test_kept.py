"""Images that are kept to go back to."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from boot2docker_py.errors import DownloadError
from boot2docker_py.image import read_image
from boot2docker_py.image.kept import Kept, folder_of
from tests.unit.image.iso_bytes import make_iso

OLD, NEW = "26.1.5-20261101", "26.1.5-20261115"


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    path = tmp_path / "boot2docker.iso"
    path.write_bytes(make_iso(OLD))
    return path


def put(iso: Path, version: str, filling: int = 0) -> Path:
    """Put another file in place, as an exchange does."""
    other = iso.with_name("other")
    other.write_bytes(make_iso(version, filling=filling))
    other.replace(iso)
    return iso


def keep(iso: Path, version: str, filling: int = 0) -> Path:
    return Kept(iso).keep(read_image(put(iso, version, filling))).path


def versions(iso: Path) -> list[str]:
    return [image.version for image in Kept(iso).all()]


def test_nothing_is_kept_at_first(iso: Path) -> None:
    assert list(Kept(iso).all()) == []
    assert Kept(iso).find(OLD) is None
    Kept(iso).clear()
    assert not folder_of(iso).exists()


def test_a_kept_image_outlives_the_one_in_place(iso: Path) -> None:
    kept = keep(iso, OLD)
    put(iso, NEW)
    assert kept.read_bytes() == make_iso(OLD)
    assert versions(iso) == [OLD]


def test_nothing_is_copied_where_there_are_hard_links(iso: Path) -> None:
    assert keep(iso, OLD).samefile(iso)


def test_a_file_system_without_hard_links_gets_a_copy(
    iso: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # of vfat and exfat

    monkeypatch.setattr(os, "link", refuse)
    kept = keep(iso, OLD)
    assert not kept.samefile(iso)
    assert kept.read_bytes() == iso.read_bytes()


def test_without_space_nothing_is_left(iso: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(DownloadError, match="too full"):
        Kept(iso).keep(read_image(iso))
    assert list(folder_of(iso).iterdir()) == []
    assert read_image(iso).version == OLD


def test_the_last_kept_comes_first(iso: Path) -> None:
    for number, version in enumerate((NEW, OLD, NEW)):
        record = Path(f"{keep(iso, version)}.json")
        os.utime(record, (number, number))
    assert versions(iso) == [NEW, OLD]
    assert json.loads(record.read_text())["version"] == NEW


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (OLD, OLD),
        (f"v{OLD}", OLD),
        ("26.1.5", NEW),
        ("26.1.5-2026", None),
        ("26.1", None),
        ("26", None),
        ("", None),
        ("..", None),
        ("v", None),
    ],
)
def test_an_image_is_found_by_its_version(iso: Path, wanted: str, found: str | None) -> None:
    keep(iso, NEW)
    keep(iso, OLD)
    image = Kept(iso).find(wanted)
    assert (image and image.version) == found


def test_two_builds_of_one_version_are_two(iso: Path) -> None:
    keep(iso, OLD, filling=1)
    last = keep(iso, OLD, filling=2)
    os.utime(Path(f"{last}.json"), (2_000_000_000, 2_000_000_000))
    assert versions(iso) == [OLD, OLD]
    found = Kept(iso).find(OLD)
    assert found is not None
    assert found.path == last


def test_half_an_image_is_named_and_passed_over(
    iso: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, half = keep(iso, OLD), keep(iso, NEW)
    half.unlink()
    half.write_bytes(b"half")
    assert [image.path for image in Kept(iso).all()] == [whole]
    assert "passed over" in caplog.text


def test_a_damaged_copy_is_kept_anew(iso: Path) -> None:
    kept = keep(iso, OLD)
    kept.unlink()
    kept.write_bytes(b"half")
    Kept(iso).keep(read_image(iso))
    assert kept.read_bytes() == make_iso(OLD)


def test_a_version_that_is_no_file_name_stays_in_the_folder(tmp_path: Path) -> None:
    iso = tmp_path / "boot2docker.iso"
    iso.write_bytes(make_iso(volume_id="b2d-v1/../../x y"))
    kept = Kept(iso).keep(read_image(iso))
    assert kept.path.parent == folder_of(iso)
    assert Kept(iso).all()[0].sha256 == kept.sha256


def test_what_killed_commands_have_left_goes(iso: Path) -> None:
    kept = keep(iso, OLD)
    for left in ("x.iso.part", "gone.iso.json"):
        (folder_of(iso) / left).write_text("left")
    Kept(iso).clear()
    assert {path.name for path in folder_of(iso).iterdir()} == {kept.name, f"{kept.name}.json"}
    Kept(iso).remove(Kept(iso).all()[0])
    Kept(iso).clear()
    assert not folder_of(iso).exists()
