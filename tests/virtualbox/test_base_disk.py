"""The data disk as a copy of another, in a real VirtualBox."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.errors import UsageError
from tests.virtualbox.test_driver import _vboxmanage, api, driver, paths, spec  # noqa: F401

CONTENT = b"a filesystem with a key in it".ljust(4096, b".")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    raw, base = tmp_path / "base.raw", tmp_path / "base, of mine.vmdk"
    raw.write_bytes(CONTENT + bytes((2 << 20) - len(CONTENT)))
    _vboxmanage("convertfromraw", str(raw), str(base), "--format", "VMDK")
    return base


def _known(api: API) -> list[str]:  # noqa: F811
    return [disk.location for disk in api.virtualbox.hard_disks]


@pytest.mark.parametrize("disk_format", ["VMDK", "VDI"])
def test_the_disk_is_a_copy_with_an_identity_of_its_own(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    api: API,  # noqa: F811
    base: Path,
    disk_format: str,
) -> None:
    before = hashlib.sha256(base.read_bytes()).digest()
    copied = spec._replace(seed=b"", base_disk=base, disk_format=disk_format)
    driver.create(copied)
    info = driver.describe()
    assert info.disk != base
    assert info.disk_mb == 2
    raw = info.disk.with_suffix(".raw")
    _vboxmanage("clonemedium", str(info.disk), str(raw), "--format", "RAW")
    assert raw.read_bytes()[: len(CONTENT)] == CONTENT
    _vboxmanage("closemedium", str(raw), "--delete")
    assert hashlib.sha256(base.read_bytes()).digest() == before
    assert str(base) not in _known(api)
    driver.start()
    assert driver.state() is State.RUNNING
    driver.delete()
    assert base.is_file()
    assert not info.disk.exists()


def test_a_disk_that_virtualbox_knows_stays_known(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    api: API,  # noqa: F811
    base: Path,
) -> None:
    hard_disk, mode = api.library.DeviceType.hard_disk, api.library.AccessMode.read_write
    known = api.virtualbox.open_medium(str(base), hard_disk, mode, False)
    driver.create(spec._replace(seed=b"", base_disk=base))
    assert str(base) in _known(api)
    known.close()


@pytest.mark.parametrize("content", [b"#!/bin/sh\n", None, b""])
def test_what_is_no_disk_is_refused_and_nothing_is_made(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    tmp_path: Path,
    content: bytes | None,
) -> None:
    wrong = tmp_path / "wrong.vmdk"
    if content is not None:
        wrong.write_bytes(content)
    with pytest.raises(UsageError, match=str(wrong)):
        driver.create(spec._replace(seed=b"", base_disk=wrong))
    assert driver.state() is State.ABSENT
