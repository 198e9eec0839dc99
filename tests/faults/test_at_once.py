"""Sixteen commands at once, of all those that change something, on the same few VMs.

FAULTS_ROUNDS says how often, each time with another choice; `make faults` tries twenty of them.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from tests.faults.test_killed_anywhere import SEED, House

ROUNDS = int(os.environ.get("FAULTS_ROUNDS") or 20)
AT_ONCE = 16
VMS = ("one", "two", "three")
PROGRAM = [sys.executable, "-m", "boot2docker_py", "--driver", "qemu", "--timeout", "600"]

# Each with the exit statuses that say that another command was there before.
COMMANDS: list[tuple[list[str], set[int]]] = [
    (["init", "--memory", "256", "--disksize", "1000"], {0, 2}),  # one that has grown never shrinks
    (["delete", "--force"], {0, 4}),
    (["snapshot", "take", "{name}"], {0, 2, 3}),
    (["snapshot", "restore", "{name}", "--force"], {0, 3}),
    (["snapshot", "delete", "{name}"], {0, 3, 4}),
    (["clone", "{vm}"], {0, 2, 3, 4}),
    (["clone", "{vm}", "--from", "{name}", "--linked"], {0, 2, 3, 4}),
    (["rename", "{vm}"], {0, 2, 3, 4}),
    (["export", "{folder}/{name}.vm"], {0, 1, 3, 4}),
    (["import", "{folder}/{name}.vm"], {0, 2, 4}),
    (["set", "--memory", "300", "--disksize", "1500"], {0, 3}),
    (["set", "--publish", "off"], {0, 3}),
    (["save"], {3, 4}),
    (["poweroff"], {0, 3}),
    (["down"], {0, 3}),
    (["download", "--force-upgrade-download"], {0}),
    (["upgrade"], {0}),
    (["status"], {0, 3}),
    (["ls", "--json"], {0}),
    (["snapshot", "list"], {0, 3}),
]


def one_round(house: House, chance: random.Random) -> None:
    begun = []
    for _ in range(AT_ONCE):
        words, allowed = chance.choice(COMMANDS)
        given = {
            "vm": chance.choice(VMS),
            "name": chance.choice(("a", "b")),
            "folder": house.home.parent,
        }
        command = [*PROGRAM, "--vm", chance.choice(VMS), *(w.format(**given) for w in words)]
        process = subprocess.Popen(
            command, env=house.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        begun.append((process, command, allowed))
    for process, command, allowed in begun:
        out, err = process.communicate(timeout=900)
        assert process.returncode in allowed, (command, process.returncode, out, err)
        assert "Traceback" not in err


def test_sixteen_commands_at_once_leave_every_vm_whole(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        sixteen_at_once(house)
    finally:
        house.close()


def sixteen_at_once(house: House) -> None:
    house.must("download")
    print(f"FAULTS_SEED={SEED}")
    chance = random.Random(f"{SEED} at once")
    for _ in range(ROUNDS):
        one_round(house, chance)
        for vm in json.loads(house.must("ls", "--json"))["vms"]:
            assert vm["state"] == "poweroff", vm
            disk = house.folder(vm["name"]) / "disk.qcow2"
            subprocess.run(["qemu-img", "check", "-q", str(disk)], check=True)
    for _ in VMS:  # linked ones before what they build on
        for vm in VMS:
            house.run("delete", "--force", "--vm", vm)
    assert sorted(one.name for one in (house.home / "vms").iterdir()) == []
    assert "Traceback" not in (house.home / "boot2docker.log").read_text("utf-8")
