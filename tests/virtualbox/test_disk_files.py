"""Disks whose files we write, as for VirtualBox 5.2, in the hands of a real VirtualBox."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import media, versions
from tests.virtualbox.test_driver import api  # noqa: F401 - a fixture

CONTENT = bytes(number * 7 % 251 for number in range(70_000))


@pytest.mark.parametrize(("size_mb", "length"), [(20_000, 8192), (33, 70_000)])
@pytest.mark.parametrize("suffix", [".vmdk", ".vdi"])
def test_virtualbox_reads_and_writes_the_disk(
    api: API,  # noqa: F811
    tmp_path: Path,
    suffix: str,
    size_mb: int,
    length: int,
) -> None:
    path = tmp_path / f"Jörg's disk{suffix}"
    disk = media.make_disk_file(api, path, CONTENT[:length], size_mb)
    assert disk.logical_size == size_mb << 20
    assert disk.format_p == suffix[1:].upper()
    far = (size_mb << 20) - 512
    content = disk.open_for_io(True, "")
    assert _read(content, 0, length) == CONTENT[:length]
    assert not any(_read(content, far, 512))
    versions.write(content, far, b"the end " * 64)
    content.close()
    disk.close()
    again = api.virtualbox.open_medium(
        str(path),
        api.library.DeviceType.hard_disk,
        api.library.AccessMode.read_write,
        False,
    )
    content = again.open_for_io(False, "")
    assert _read(content, far, 512) == b"the end " * 64
    content.close()
    again.close()


@pytest.mark.parametrize("suffix", [".vmdk", ".vdi"])
def test_vboxmanage_clones_the_disk(api: API, tmp_path: Path, suffix: str) -> None:  # noqa: F811
    path, raw = tmp_path / f"disk{suffix}", tmp_path / "disk.raw"
    disk = media.make_disk_file(api, path, CONTENT, 33)
    disk.close()
    for words in (
        ["clonemedium", str(path), str(raw), "--format", "RAW"],
        ["closemedium", str(raw)],
    ):
        subprocess.run(["VBoxManage", *words], check=True, capture_output=True)
    whole = raw.read_bytes()
    assert whole[: len(CONTENT)] == CONTENT
    assert len(whole) == 33 << 20
    assert not any(whole[len(CONTENT) :])


def _read(content: object, offset: int, length: int) -> bytes:
    found = b""
    while len(found) < length:
        found += bytes(content.read(offset + len(found), length - len(found)))  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("suffix", [".vmdk", ".vdi"])
def test_a_machine_takes_the_disk(api: API, tmp_path: Path, suffix: str) -> None:  # noqa: F811
    name, path = f"with{suffix}", tmp_path / f"disk{suffix}"
    media.make_disk_file(api, path, CONTENT, 33)
    for words in (
        ["createvm", "--name", name, "--basefolder", tmp_path, "--register"],
        ["storagectl", name, "--name", "SATA", "--add", "sata"],
        [
            *("storageattach", name, "--storagectl", "SATA", "--port", "1"),
            *("--type", "hdd", "--medium", path),
        ],
    ):
        subprocess.run(["VBoxManage", *words], check=True, capture_output=True)
    disk = media.attached(api.virtualbox.find_machine(name), 1)
    assert disk is not None
    assert (Path(disk.location), disk.logical_size) == (path, 33 << 20)
    subprocess.run(
        ["VBoxManage", "unregistervm", name, "--delete"], check=True, capture_output=True
    )
    assert not path.exists()
