"""`boot2docker swarm`, with VMs of QEMU that are only files; the real ones are in tests/swarm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boot2docker_py import paths
from boot2docker_py.drivers.qemu.files import Files, Settings, write_settings
from boot2docker_py.paths import make_private_folder
from tests.conftest import Boot2Docker


@pytest.fixture
def demo(home: Path) -> Path:
    """Make two VMs of a swarm, and one of none."""
    for number, name in enumerate(("demo-1", "demo-2", "mine"), start=1):
        files = Files(home / "vms" / name)
        make_private_folder(files.folder)
        (files.folder / "driver").write_text("qemu\n")
        console = str(files.folder / "console.log")
        network = "" if name == "mine" else "demo"
        settings = Settings(
            "id", "x.iso", 1000, 256, 1, 2022, 0, console, network=network, network_number=number
        )
        write_settings(files.settings, settings)
        files.disk.write_bytes(b"x")
    return home


QEMU = ("--driver", "qemu")


def test_swarms_are_listed_with_their_vms(boot2docker: Boot2Docker, demo: Path) -> None:
    answer = boot2docker(["swarm", *QEMU])
    assert answer.out.splitlines()[1].split() == ["demo", "demo-1,", "demo-2"]
    told = json.loads(boot2docker(["swarm", "ls", "--json", *QEMU]).out)
    assert told == {"swarms": [{"name": "demo", "vms": ["demo-1", "demo-2"]}]}


def test_nodes_that_are_off_are_listed(boot2docker: Boot2Docker, demo: Path) -> None:
    told = json.loads(boot2docker(["swarm", "ls", "demo", "--json", *QEMU]).out)
    facts = [(node["name"], node["state"], node["address"]) for node in told["nodes"]]
    assert facts == [
        ("demo-1", "poweroff", "192.168.60.1"),
        ("demo-2", "poweroff", "192.168.60.2"),
    ]
    assert "unknown" in boot2docker(["swarm", "ls", "demo", *QEMU]).out


def test_a_swarm_is_deleted_and_other_vms_stay(boot2docker: Boot2Docker, demo: Path) -> None:
    place = paths.find({"BOOT2DOCKER_DIR": str(demo)}).swarm_socket("demo")
    place.parent.mkdir(parents=True)
    place.touch()  # a forwarder that was killed has left it
    answer = boot2docker(["swarm", "delete", "demo", *QEMU])
    assert not place.parent.exists()
    assert answer.status == 0, answer
    assert [one.parent.name for one in demo.glob("vms/*/vm.json")] == ["mine"]
    assert "is not there" in boot2docker(["swarm", "delete", "demo", *QEMU]).err


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_what_a_broken_node_needs_is_advised_for_that_node(
    boot2docker: Boot2Docker, demo: Path, as_json: list[str]
) -> None:
    (demo / "vms" / "demo-1" / "disk.qcow2").unlink()
    answer = boot2docker(["swarm", "snapshot", "demo", "clean", *as_json])
    assert answer.status == 4, answer
    assert "boot2docker --vm demo-1 delete" in " ".join((answer.out + answer.err).split())


@pytest.mark.parametrize(
    ("words", "status", "brief"),
    [
        (["dance"], 2, "does not know 'dance'"),
        (["create"], 2, "which swarm?"),
        (["create", "new", "5"], 2, "swarm create takes no argument '5'"),
        (["down", "demo", "demo-1"], 2, "swarm down takes no argument 'demo-1'"),
        (["create", "a/b"], 2, "the name of a swarm must be"),
        (["create", "-"], 2, "the name of a swarm must be"),
        (["create", ""], 2, "the name of the swarm is empty"),
        (["delete", " "], 2, "the name of the swarm is empty"),
        (["create", "x" * 41], 2, "the name of a swarm must be"),
        (["create", "demo", "--nodes", "0"], 2, "1 to 50 nodes"),
        (["create", "demo", "--managers", "9"], 2, "cannot be managers"),
        (["create", "new", "--memory", "1t"], 2, "of memory, and this machine has"),
        (["up", "demo", "--registry", "x"], 2, "--registry goes with create"),
        (["ls", "--registry"], 2, "--registry goes with create"),
        (["add", "demo", "--nodes", "2"], 2, "--nodes goes with create"),
        (["up", "demo", "--managers", "3"], 2, "--managers goes with create or add"),
        (["reset", "demo", "clean", "--force"], 2, "--force goes with down"),
        (["add", "demo", "many"], 2, "the number of new nodes"),
        (["remove", "demo"], 2, "needs a name: NODE"),
        (["remove", "demo", "demo-9"], 3, "has no node 'demo-9'"),
        (["reset", "demo"], 2, "needs a name: SNAPSHOT"),
        (["reset", "demo", "clean"], 3, "no snapshot 'clean' of: demo-1, demo-2"),
        (["up", "other"], 3, "there is no swarm 'other'"),
        (["ls", "other"], 3, "there is no swarm 'other'"),
    ],
)
def test_what_cannot_be_done_is_refused(
    boot2docker: Boot2Docker, demo: Path, words: list[str], status: int, brief: str
) -> None:
    answer = boot2docker(["swarm", *words, *QEMU])
    assert answer.status == status, answer
    assert brief in answer.err
    assert len(list(demo.glob("vms/*/vm.json"))) == 3
