"""The rules for every driver, on VirtualBox of every version."""

from __future__ import annotations

from tests.driver_contract import ChangeContract, CopyContract, HostContract, SnapshotContract


class TestContract(HostContract, SnapshotContract, ChangeContract, CopyContract):
    """The rules for every driver."""

    can_leave_memory_out = False
