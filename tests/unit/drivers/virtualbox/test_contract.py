"""The rules for every driver, on VirtualBox of every version."""

from __future__ import annotations

from tests.driver_contract import HostContract


class TestContract(HostContract):
    """The rules for every driver."""
