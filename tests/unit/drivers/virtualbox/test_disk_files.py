"""The files of disks that are written by ourselves, read back by QEMU where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from boot2docker_py.drivers.virtualbox.vm import disk_files
from tests.unit.drivers.virtualbox import media

MB = 1 << 20
SIZES = [(1, 512), (10, 70_000), (33, 8192), (20_000, 8192)]  # MB of the disk, bytes at its start
FORMATS = [".vmdk", ".vdi"]

needs_qemu = pytest.mark.skipif(not shutil.which("qemu-img"), reason="there is no qemu-img")


def content_of(length: int) -> bytes:
    return bytes(number * 7 % 251 for number in range(length))


@pytest.mark.parametrize(("size_mb", "length"), SIZES)
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_file_is_small_and_says_its_size(
    tmp_path: Path, suffix: str, size_mb: int, length: int
) -> None:
    path = tmp_path / "new folder" / f"disk{suffix}"
    disk_files.write(path, size_mb * MB, content_of(length))
    assert media.logical_size(path) == size_mb * MB
    assert path.stat().st_size <= 4 * MB
    assert content_of(length) in path.read_bytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_is_never_written_over(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"disk{suffix}"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        disk_files.write(path, MB, b"")
    assert path.read_bytes() == b"precious"


def test_two_disks_have_two_ids() -> None:
    one, other = (str(disk_files.vmdk(MB, b"", uuid.uuid4())[1][1]) for _ in range(2))
    assert one != other


@needs_qemu
@pytest.mark.parametrize(("size_mb", "length"), SIZES[:3])
@pytest.mark.parametrize("suffix", FORMATS)
def test_qemu_finds_the_content_and_zeros_after_it(
    tmp_path: Path, suffix: str, size_mb: int, length: int
) -> None:
    path, raw = tmp_path / f"disk{suffix}", tmp_path / "raw"
    disk_files.write(path, size_mb * MB, content_of(length))
    subprocess.run(["qemu-img", "check", "-f", suffix[1:], path], check=True, capture_output=True)
    subprocess.run(["qemu-img", "convert", "-O", "raw", path, raw], check=True)
    whole = raw.read_bytes()
    assert len(whole) == size_mb * MB
    assert whole[:length] == content_of(length)
    assert not any(whole[length:])
