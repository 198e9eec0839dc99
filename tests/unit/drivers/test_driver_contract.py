"""The fake hypervisor obeys the contract, so what is tested on it holds for real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import Own, VMSpec
from boot2docker_py.paths import Paths, VMPaths
from tests.driver_contract import ChangeContract, CopyContract, SnapshotContract
from tests.fakes import FakeDriver, a_spec


class TestFakeDriver(SnapshotContract, ChangeContract, CopyContract):
    @pytest.fixture
    def driver(self) -> Driver:
        return FakeDriver()

    @pytest.fixture
    def spec(self, tmp_path: Path) -> VMSpec:
        return a_spec(tmp_path / "boot2docker.iso")

    @pytest.fixture
    def other_paths(self, tmp_path: Path) -> VMPaths:
        return Paths(home=tmp_path, user_home=tmp_path).vm("another")

    @pytest.fixture
    def other(self, driver: FakeDriver) -> Driver:
        return driver.other("another")

    @pytest.fixture
    def own(self, tmp_path: Path) -> Own:
        return Own(tmp_path / "boot2docker.iso", tmp_path / "another.log")
