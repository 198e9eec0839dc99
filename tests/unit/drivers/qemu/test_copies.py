"""What clones build on: it goes away when none does any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.qemu import copies
from boot2docker_py.drivers.qemu.files import Files, remove_all


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
