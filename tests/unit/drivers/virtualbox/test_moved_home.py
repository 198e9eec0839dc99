"""A home folder that was moved or renamed: the machine lies elsewhere, and names files in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.model import VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.errors import NotFoundError
from boot2docker_py.paths import Paths
from tests.unit.drivers.virtualbox.server import Connection


def test_the_machine_finds_its_files_in_the_new_place(
    virtualbox: Connection, spec: VMSpec, tmp_path: Path
) -> None:
    before, after = Paths(tmp_path / "before", tmp_path), Paths(tmp_path / "after", tmp_path)
    before.home.mkdir()
    spec.iso.rename(before.iso)
    spec = spec._replace(iso=before.iso, console_log=before.vm("vm").console_log)
    VirtualBoxDriver(before.vm("vm"), virtualbox.api).create(spec)
    before.home.rename(after.home)
    moved = VirtualBoxDriver(after.vm("vm"), virtualbox.api)
    moved.start()
    info = moved.describe()
    assert (info.iso, info.console_log) == (after.iso, after.vm("vm").console_log)


def test_an_image_that_is_nowhere_is_still_named(driver: VirtualBoxDriver, spec: VMSpec) -> None:
    driver.create(spec)
    spec.iso.unlink()
    with pytest.raises(NotFoundError, match=spec.iso.name):
        driver.start()
