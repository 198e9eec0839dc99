"""The folders that the VM shares, as VirtualBox of every version tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.model import Boot, Share, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.errors import NotFoundError


def test_they_are_told_as_they_were_wanted(
    driver: VirtualBoxDriver, spec: VMSpec, tmp_path: Path
) -> None:
    driver.create(spec)
    assert driver.shares() == ()
    wanted = (Share("c/Users", tmp_path), Share("d", tmp_path.parent))
    driver.start(Boot(shares=wanted))
    assert sorted(driver.shares()) == sorted(wanted)


def test_without_a_vm_there_are_none_to_tell(driver: VirtualBoxDriver) -> None:
    with pytest.raises(NotFoundError):
        driver.shares()
