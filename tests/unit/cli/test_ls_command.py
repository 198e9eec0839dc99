"""`boot2docker ls`, with VMs of QEMU that are only files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.qemu.files import Files, Settings, write_settings
from boot2docker_py.paths import make_private_folder
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession


@pytest.fixture
def of_qemu(home: Path) -> Path:
    """Make VMs of QEMU in every state that files alone can say."""
    for name in ("off", "saved", "broken"):
        files = Files(home / "vms" / name)
        make_private_folder(files.folder)
        (files.folder / "driver").write_text("qemu\n")
        console = str(files.folder / "console.log")
        write_settings(files.settings, Settings("id", "x.iso", 1000, 256, 1, 2022, 0, console))
        if name != "broken":
            files.disk.write_bytes(b"x" * (1 << 20))
        if name == "saved":
            files.saved_state.write_bytes(b"memory")
    return home


def test_vms_are_listed_with_their_states(boot2docker: Boot2Docker, of_qemu: Path) -> None:
    answer = boot2docker(["ls", "--driver", "qemu"])
    assert answer.status == 0, answer
    rows = [line.split() for line in answer.out.splitlines()[1:]]
    assert [row[:3] for row in rows] == [
        ["broken", "broken", "qemu"],
        ["off", "poweroff", "qemu"],
        ["saved", "saved", "qemu"],
    ]


def test_json_has_what_is_wrong_and_what_the_disk_takes(
    boot2docker: Boot2Docker, of_qemu: Path
) -> None:
    told = json.loads(boot2docker(["ls", "--driver", "qemu", "--json"]).out)["vms"]
    found = {vm["name"]: vm for vm in told}
    assert "disk" in found["broken"]["problem"]
    assert found["off"]["disk_bytes"] >= 1 << 20
    assert found["off"]["docker_host"] is None


def test_a_running_vm_has_an_address(boot2docker: Boot2Docker) -> None:
    session = FakeSession(FakeDriver(State.RUNNING), FakeEndpoint())
    told = json.loads(boot2docker(["ls", "--json"], session).out)["vms"]
    assert "docker" in told[0]["docker_host"]


def test_quiet_prints_names_alone(boot2docker: Boot2Docker, of_qemu: Path) -> None:
    assert boot2docker(["ls", "-q", "--driver", "qemu"]).out == "broken\noff\nsaved\n"


def test_no_vm_is_no_error(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["ls", "--driver", "qemu"])
    assert (answer.status, answer.out) == (0, "")
    assert "boot2docker --driver qemu up" in answer.err
