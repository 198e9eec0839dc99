"""A real swarm whose `create` is killed again and again, and which then loses nodes for good.

In the order of the file: each test begins with the swarm that the one before has left.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from tests.e2e.conftest import ROOT
from tests.faults.processes import all_of, words_of
from tests.swarm.conftest import LONG_S, NAMES, Nodes, eventually

SIZES = ("--nodes", "3", "--managers", "3", "--memory", "640m", "--cpus", "1")

# Whether it is the moment, by the words of a command so far.
Moment = Callable[[str], bool]


def machines_of(nodes: Nodes) -> int:
    """Return how many VMs run, by the processes of this home."""
    return sum(b"qemu-system" in words_of(one).split(b"\0", 1)[0] for one in all_of(nodes.home))


def forwarders_of(nodes: Nodes) -> int:
    return sum(b"boot2docker_py.endpoint" in words_of(one) for one in all_of(nodes.home))


def create_until(nodes: Nodes, moment: Moment, log: Path) -> bool:
    """Type `swarm create`, and kill it at a moment; tell whether that was before its end."""
    program = [sys.executable, "-m", "boot2docker_py", "--driver", "qemu"]
    with log.open("wb") as words:
        creating = subprocess.Popen(
            [*program, "swarm", "create", "demo", *SIZES, "--timeout", str(LONG_S)],
            env=nodes.environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )
        while creating.poll() is None:
            if moment(log.read_text(errors="replace")):
                creating.kill()
                break
            time.sleep(0.05)
    print(f"{creating.wait()}: {log.read_text(errors='replace').strip().splitlines()[-1:]}")
    assert creating.returncode in (0, -9), log.read_text(errors="replace")
    return creating.returncode != 0


def demand_whole(nodes: Nodes) -> None:
    """Demand three VMs that are three managers of one swarm, and nothing else."""
    eventually(lambda: nodes.states() == ["ready"] * 3)
    found = nodes.swarm("ls")["nodes"]
    assert [(one["name"], one["address"]) for one in found] == [
        (name, f"192.168.60.{number}") for number, name in enumerate(NAMES, start=1)
    ]
    rows = [json.loads(row) for row in nodes.docker("--context", "demo", "node", "ls", "--format",
                                                    "json").splitlines()]  # fmt: skip
    assert sorted(row["Hostname"] for row in rows) == list(NAMES)
    assert all(row["ManagerStatus"] in ("Leader", "Reachable") for row in rows), rows
    assert machines_of(nodes) == forwarders_of(nodes) == 3


@pytest.fixture(scope="module")
def lossy(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Return the home of a swarm that is yet to be made."""
    nodes = Nodes(tmp_path_factory.mktemp("lossy") / "b2d", iso)
    try:
        yield nodes
    finally:
        nodes.swarm("delete")


def test_create_that_is_killed_again_and_again_ends_well(lossy: Nodes, tmp_path: Path) -> None:
    moments: dict[str, Moment] = {
        "the first VM is made": lambda words: "Creating VM 'demo-2'" in words,
        "all VMs boot": lambda _words: machines_of(lossy) == 3,
        "the swarm is made": lambda words: "VM 'demo-2' joins" in words,
        "another has joined": lambda words: "VM 'demo-3' joins" in words,
    }
    for name, moment in moments.items():
        assert create_until(lossy, moment, tmp_path / "words.txt"), f"not killed when {name}"
    assert not create_until(lossy, lambda _words: False, tmp_path / "words.txt")
    demand_whole(lossy)


def test_a_node_that_was_deleted_by_hand_is_made_anew(lossy: Nodes) -> None:
    lossy.run("poweroff", "--vm", "demo-2")
    shutil.rmtree(lossy.home / "vms" / "demo-2")
    lossy.swarm("create", *SIZES)
    demand_whole(lossy)


def test_a_manager_whose_disk_is_lost_is_named_and_made_anew(lossy: Nodes) -> None:
    lossy.run("poweroff", "--vm", "demo-1")
    (lossy.home / "vms" / "demo-1" / "disk.qcow2").unlink()
    refused = lossy.try_run("swarm", "up", "demo", timeout_s=LONG_S)
    assert refused.returncode == 4, refused
    assert b"VM 'demo-1' is broken" in refused.stderr
    assert b"boot2docker --vm demo-1 delete" in refused.stderr
    lossy.run("delete", "--force", "--vm", "demo-1")
    lossy.swarm("create", *SIZES)
    demand_whole(lossy)


def test_quorum_that_is_lost_comes_back_by_what_is_advised(lossy: Nodes) -> None:
    for lost in ("demo-1", "demo-3"):
        lossy.run("poweroff", "--vm", lost)
        lossy.run("delete", "--force", "--vm", lost)
    refused = lossy.try_run("--timeout", "120", "swarm", "up", "demo", timeout_s=LONG_S)
    assert refused.returncode == 4, refused
    assert b"has no manager that can act" in refused.stderr
    advised = refused.stderr.decode().rpartition("boot2docker --vm demo-2 ")[2].split()
    assert advised[:3] == ["ssh", "docker", "swarm"], refused
    lossy.run("--vm", "demo-2", *advised)
    lossy.swarm("create", *SIZES)
    demand_whole(lossy)


def test_delete_leaves_nothing(lossy: Nodes) -> None:
    lossy.swarm("delete")
    assert [one for one in (lossy.home / "vms").iterdir() if not one.name.startswith(".")] == []
    eventually(lambda: machines_of(lossy) == forwarders_of(lossy) == 0)
    assert json.loads(lossy.run("swarm", "--json"))["swarms"] == []
