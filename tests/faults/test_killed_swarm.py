"""`swarm` killed with -9 after any of its durable steps, and typed again, as far as blank VMs go.

Their guests never answer, so `create` ends by its deadline once the VMs run. What comes after that
is in tests/unit/machine/swarm (`TestKilled`), with engines that are stand-ins. `make faults` runs
these, and CI does not.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Iterator

import pytest

from tests.faults.test_killed_anywhere import (
    OF_EVERY_VM,
    OF_STARTED,
    House,
    chosen,
    prepared_once,
)

NODES = ("demo-1", "demo-2")
SIZES = ("--memory", "256", "--disksize", "1000")
CREATE = ("swarm", "create", "demo", "--nodes", "2", *SIZES, "--timeout", "3")
DELETE = ("swarm", "delete", "demo")
NO_ANSWER = 5


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    try:
        house.must("download")
        yield house
        house.must(*DELETE)
    finally:
        house.close()


@prepared_once
def made_nodes(house: House) -> None:
    """Have the VMs of a swarm that never became one."""
    for node in NODES:
        house.must("init", *SIZES, "--internal-network", "demo", "--vm", node)


def test_a_killed_create_is_typed_again_and_has_each_vm_once(house: House) -> None:
    whole = house.run(*CREATE)
    assert whole.returncode == NO_ANSWER, whole.stderr
    for step in tried(whole.stderr, "swarm create"):
        house.must(*DELETE)
        killed = house.run(*CREATE, fatal=step)
        assert killed.returncode in (NO_ANSWER, -signal.SIGKILL), (step, killed.stderr)
        again = house.run(*CREATE)
        assert again.returncode == NO_ANSWER, (step, again.stderr)
        nodes = json.loads(house.must("swarm", "ls", "demo", "--json"))["nodes"]
        assert [(one["name"], one["address"], one["state"]) for one in nodes] == [
            ("demo-1", "192.168.60.1", "running"),
            ("demo-2", "192.168.60.2", "running"),
        ], step
        for node in NODES:
            assert house.files(node) <= OF_EVERY_VM | OF_STARTED | {"running"}, step


def test_a_killed_delete_is_typed_again_and_leaves_nothing(house: House) -> None:
    made_nodes(house)
    whole = house.run(*DELETE)
    assert whole.returncode == 0, whole.stderr
    for step in tried(whole.stderr, "swarm delete"):
        made_nodes(house)
        killed = house.run(*DELETE, fatal=step)
        assert killed.returncode in (0, -signal.SIGKILL), (step, killed.stderr)
        house.must(*DELETE)
        assert json.loads(house.must("swarm", "--json"))["swarms"] == []
        assert [one.name for one in (house.home / "vms").glob("demo-*")] == [], step
        assert list((house.home / "run").glob("demo-*")) == [], step


def tried(words: str, name: str) -> list[int]:
    """Return the steps to die at, of as many as the whole command has said."""
    steps = int(words.rpartition("steps ")[2])
    assert steps > 3
    steps_to_try = chosen(steps, name)
    print(f"{name}: {len(steps_to_try)} of {steps} steps")
    return steps_to_try
