"""What clones build on: it goes away when none does any more."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers.qemu import copies, disk
from boot2docker_py.drivers.qemu.files import Files, remove_all
from boot2docker_py.errors import StorageError, WrongStateError


@pytest.fixture
def source(tmp_path: Path) -> Files:
    (tmp_path / "dev").mkdir()
    return Files(tmp_path / "dev")


@pytest.fixture
def base(source: Files) -> Path:
    base = source.base("tag")
    base.write_bytes(b"a disk")
    copies.protect(base)
    return base


def test_a_protected_base_of_no_clone_is_removed(source: Files, base: Path) -> None:
    copies.remove_unused_bases(source)
    assert not base.exists()


def test_a_protected_base_goes_with_its_vm(base: Path) -> None:
    remove_all([base])
    assert not base.exists()


def test_a_clone_whose_settings_are_damaged_still_builds_on_the_other(
    source: Files, tmp_path: Path
) -> None:
    name = b"../dev/base-tag.qcow2"
    clone = Files(tmp_path / "clone")
    clone.folder.mkdir()
    clone.settings.write_text("{")
    clone.disk.write_bytes(struct.pack(">4sIQI", b"QFI\xfb", 3, 512, len(name)).ljust(512) + name)
    assert copies.linked_to(source) == [("clone", "tag")]
    with pytest.raises(WrongStateError, match="other VMs build on it"):
        copies.demand_none_linked("dev", source, "delete")


@pytest.mark.parametrize(
    "content", [b"", b"QFI\xfb", b"not a disk", b"QFI\xfb" + b"\xff" * 16 + bytes(4)]
)
def test_what_is_no_disk_builds_on_nothing(source: Files, tmp_path: Path, content: bytes) -> None:
    other = Files(tmp_path / "other")
    other.folder.mkdir()
    other.settings.write_text("{")
    other.disk.write_bytes(content)
    assert copies.linked_to(source) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_a_copy_onto_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As qemu-img does it: what could not be made is taken away."""
    words = "qemu-img: error while converting qcow2: Could not write: No space left on device"
    program = tmp_path / "bin" / "qemu-img"
    program.parent.mkdir()
    script = f'#!/bin/sh\nfor last; do :; done\nrm "$last"\necho "{words}" >&2\nexit 1\n'
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("BOOT2DOCKER_QEMU", str(program))  # the tool beside it counts
    with pytest.raises(StorageError, match="no space"):
        disk.copy(tmp_path / "disk", tmp_path / "copy", disk.Bounds(1))
