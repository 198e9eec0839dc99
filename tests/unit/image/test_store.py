"""The image in place: read quickly and truly, swapped and swapped back without a gap."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from boot2docker_py.errors import DownloadError, NotFoundError, StorageError
from boot2docker_py.image import StagedImage, files, read_image
from boot2docker_py.image.kept import Kept
from tests.fakes import FakeClock
from tests.unit.image.iso_bytes import make_iso

OLD, NEW = make_iso("1.8.0"), make_iso("19.03.12")


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    path = tmp_path / "boot2docker.iso"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def staged(iso: Path) -> StagedImage:
    path = iso.with_name("boot2docker.iso.new")
    path.write_bytes(NEW)
    return StagedImage(read_image(iso), read_image(path), iso)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_no_image_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no image at '.*none.iso'") as caught:
        read_image(tmp_path / "none.iso")
    assert caught.value.exit_status == 3
    assert "boot2docker download" in caught.value.resolution


def test_an_image_of_unknown_origin_is_described(iso: Path) -> None:
    image = read_image(iso)
    assert (image.version, image.volume_id, image.source) == ("1.8.0", "b2d-v1.8.0", "")
    assert (image.size_bytes, image.sha256) == (len(OLD), hashlib.sha256(OLD).hexdigest())


def test_only_our_own_image_is_ours(iso: Path) -> None:
    assert not read_image(iso).is_ours
    iso.write_bytes(make_iso("26.1.5-20261101"))
    assert read_image(iso).is_ours


def test_reading_again_is_quick(iso: Path) -> None:
    """The checksum is remembered, so that no command reads the whole file twice."""
    sha256 = read_image(iso).sha256
    record = iso.with_name("boot2docker.iso.json")
    remembered = json.loads(record.read_text())
    assert remembered["sha256"] == sha256
    record.write_text(json.dumps({**remembered, "sha256": "remembered"}))
    assert read_image(iso).sha256 == "remembered"


@pytest.mark.parametrize("how", ["size", "time", "damaged record", "empty record", "list"])
def test_the_record_is_not_believed_when_it_does_not_fit(iso: Path, how: str) -> None:
    read_image(iso)
    record = iso.with_name("boot2docker.iso.json")
    record.write_text(record.read_text().replace(hashlib.sha256(OLD).hexdigest(), "stale"))
    status = iso.stat()
    if how == "size":
        iso.write_bytes(OLD + bytes(2048))
        os.utime(iso, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif how == "time":
        os.utime(iso, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    else:
        record.write_text({"damaged record": "{", "empty record": "{}", "list": "[]"}[how])
    assert read_image(iso).sha256 == hashlib.sha256(iso.read_bytes()).hexdigest()


def test_a_damaged_image_is_noticed_although_its_record_fits(iso: Path) -> None:
    read_image(iso)
    status = iso.stat()
    iso.write_bytes(b"<html>".ljust(len(OLD)))
    os.utime(iso, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(DownloadError, match="web page"):
        read_image(iso)


def test_swapping_in_keeps_the_old_image(staged: StagedImage, iso: Path) -> None:
    assert staged.swap_in().version == "19.03.12"
    assert iso.read_bytes() == NEW
    kept = Kept(iso).all()
    assert [(image.version, image.path.read_bytes()) for image in kept] == [("1.8.0", OLD)]
    assert names_in(iso.parent) == {
        "boot2docker.iso",
        "boot2docker.iso.json",
        "boot2docker.iso.kept",
    }


def test_rolling_back_brings_the_old_image_with_its_record(staged: StagedImage, iso: Path) -> None:
    staged.swap_in()
    assert staged.roll_back().version == "1.8.0"
    assert iso.read_bytes() == OLD
    assert read_image(iso) == staged.before


def test_there_is_nothing_to_roll_back_to_without_a_swap(staged: StagedImage, iso: Path) -> None:
    with pytest.raises(NotFoundError):
        staged.roll_back()
    assert iso.read_bytes() == OLD


def test_a_kept_image_that_was_changed_is_not_put_back(staged: StagedImage, iso: Path) -> None:
    staged.swap_in()
    kept = Kept(iso).all()[0].path
    kept.unlink()
    kept.write_bytes(make_iso("1.8.0", filling=1))
    with pytest.raises(DownloadError, match="has been changed"):
        staged.roll_back()
    assert iso.read_bytes() == NEW


class HeldPath(type(Path())):  # type: ignore[misc]
    """A file that another program of Windows holds open for the first few tries."""

    tries_left = 3

    def replace(self, target: object) -> object:
        if type(self).tries_left > 0:
            type(self).tries_left -= 1
            error = PermissionError(13, "The process cannot access the file", str(target))
            error.winerror = 32  # type: ignore[attr-defined]
            raise error
        return super().replace(target)


def test_a_virus_scanner_is_waited_for(tmp_path: Path) -> None:
    source = HeldPath(tmp_path / "new")
    source.write_bytes(NEW)
    HeldPath.tries_left = 3
    files.replace(source, tmp_path / "iso", FakeClock())
    assert (tmp_path / "iso").read_bytes() == NEW


def test_a_vm_that_holds_the_image_is_not_waited_for_long(tmp_path: Path) -> None:
    source = HeldPath(tmp_path / "new")
    source.write_bytes(NEW)
    HeldPath.tries_left = 1_000_000
    with pytest.raises(StorageError, match="cannot replace") as caught:
        files.replace(source, tmp_path / "iso", FakeClock())
    assert "boot2docker down" in caught.value.resolution
    assert source.read_bytes() == NEW
