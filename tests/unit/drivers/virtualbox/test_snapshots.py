"""Snapshots on VirtualBox of every version: those that others made, and many of them."""

from __future__ import annotations

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import sessions
from boot2docker_py.errors import UsageError
from tests.unit.drivers.virtualbox.server import Connection


def take_by_hand(virtualbox: Connection, driver: VirtualBoxDriver, name: str) -> None:
    """Take a snapshot as the window of VirtualBox does, which describes it."""
    machine = driver.machine()
    with sessions.held(virtualbox.api, machine, shared=True) as session:
        progress, _ = session.machine.take_snapshot(name, "by\nhand", True)
        progress.wait_for_completion(-1)


def test_one_made_in_the_window_is_one_like_ours(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    driver.create(spec)
    driver.take_snapshot("ours")
    driver.start()
    take_by_hand(virtualbox, driver, "Snapshot 1")
    driver.power_off()
    found = [(one.name, one.parent, one.has_memory) for one in driver.snapshots()]
    assert found == [("ours", None, False), ("Snapshot 1", "ours", True)]
    driver.restore_snapshot("ours")
    assert driver.state() is State.OFF
    driver.restore_snapshot("Snapshot 1")
    assert driver.state() is State.SAVED
    driver.start()
    driver.power_off()
    driver.delete_snapshot("Snapshot 1")
    assert [one.name for one in driver.snapshots()] == ["ours"]


def test_two_of_one_name_made_in_the_window_are_not_chosen_from(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    driver.create(spec)
    driver.start()
    for _ in range(2):
        take_by_hand(virtualbox, driver, "twin")
    driver.power_off()
    for act in (driver.restore_snapshot, driver.delete_snapshot):
        with pytest.raises(UsageError, match="2 snapshots named 'twin'"):
            act("twin")
    assert [one.name for one in driver.snapshots()] == ["twin", "twin"]


def test_a_chain_of_thirty_is_gone_through(driver: VirtualBoxDriver, spec: VMSpec) -> None:
    driver.create(spec)
    names = [f"number {number}" for number in range(30)]
    for name in names:
        driver.take_snapshot(name)
    found = {one.name: one.parent for one in driver.snapshots()}
    assert found == dict(zip(names, [None, *names[:-1]]))
    driver.delete_snapshot(names[15])
    driver.restore_snapshot(names[0])
    driver.restore_snapshot(names[-1])
    driver.delete()
    assert driver.state() is State.ABSENT
