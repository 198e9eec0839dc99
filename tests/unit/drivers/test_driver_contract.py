"""The fake hypervisor obeys the contract, so what is tested on it holds for real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.base import Driver, VMSpec
from tests.driver_contract import SnapshotContract
from tests.fakes import FakeDriver, a_spec


class TestFakeDriver(SnapshotContract):
    @pytest.fixture
    def driver(self) -> Driver:
        return FakeDriver()

    @pytest.fixture
    def spec(self, tmp_path: Path) -> VMSpec:
        return a_spec(tmp_path / "boot2docker.iso")
