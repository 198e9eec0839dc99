"""A file is taken for an image only when a BIOS could boot it, and refused in the right words."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from boot2docker_py.errors import DownloadError
from boot2docker_py.image import iso9660
from tests.unit.image.iso_bytes import make_iso


def write(folder: Path, content: bytes) -> Path:
    path = folder / "image.iso"
    path.write_bytes(content)
    return path


def test_a_bootable_image_tells_its_volume_id_and_size(tmp_path: Path) -> None:
    content = make_iso(volume_id="Boot2Docker-v1.8.0")
    disc = iso9660.read_disc(write(tmp_path, content))
    assert disc == iso9660.Disc("Boot2Docker-v1.8.0", len(content))


def test_bytes_behind_the_volume_are_allowed(tmp_path: Path) -> None:
    """The hybrid images of xorriso are padded for USB sticks."""
    content = make_iso() + bytes(100_000)
    assert iso9660.read_disc(write(tmp_path, content)).volume_id == "b2d-v26.1.5-20261101"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an ISO 9660 image"),
        (b"x" * 100_000, "not an ISO 9660 image"),
        (make_iso()[: 16 * 2048 + 100], "not an ISO 9660 image"),
        (make_iso()[:-1], "is truncated"),
        (make_iso()[: 17 * 2048], "is truncated"),
        (make_iso(has_boot_record=False), "is not bootable"),
        (make_iso(boot_indicator=0), "is not bootable"),
        (b"\n<!DOCTYPE html><html>...", "a web page, not an image"),
        (b"\xef\xbb\xbf<HTML>", "a web page, not an image"),
    ],
    ids=str.split("empty noise no-descriptor one-byte-short short no-record not-flagged html bom"),
)
def test_anything_else_is_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DownloadError, match=words) as caught:
        iso9660.read_disc(path)
    assert str(path) in caught.value.brief
    assert caught.value.resolution


def test_a_boot_catalog_beyond_the_end_is_not_bootable(tmp_path: Path) -> None:
    content = bytearray(make_iso())
    content[17 * 2048 + 71 : 17 * 2048 + 75] = b"\xff\xff\xff\x0f"
    with pytest.raises(DownloadError, match="not bootable"):
        iso9660.read_disc(write(tmp_path, bytes(content)))


@pytest.mark.skipif(shutil.which("xorriso") is None, reason="needs xorriso")
@pytest.mark.parametrize("is_bootable", [True, False])
def test_images_of_xorriso_are_understood(tmp_path: Path, is_bootable: bool) -> None:
    """The rules hold for what the tool makes that `make iso` uses."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "boot.img").write_bytes(b"\xeb\xfe".ljust(4096, b"\0"))
    path = tmp_path / "real.iso"
    boot = ["-b", "boot.img", "-c", "boot.cat", "-no-emul-boot"] if is_bootable else []
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-o", str(path), "-V", "b2d-v1.2.3", "-r"]
    subprocess.run([*command, *boot, str(tmp_path / "tree")], check=True, capture_output=True)
    if is_bootable:
        assert iso9660.read_disc(path).volume_id == "b2d-v1.2.3"
    else:
        with pytest.raises(DownloadError, match="not bootable"):
            iso9660.read_disc(path)
