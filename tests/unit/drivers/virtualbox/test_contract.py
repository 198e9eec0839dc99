"""The rules for every driver, on VirtualBox of every version."""

from __future__ import annotations

from tests.driver_contract import HostContract, SnapshotContract


class TestContract(HostContract, SnapshotContract):
    """The rules for every driver."""

    can_leave_memory_out = False
