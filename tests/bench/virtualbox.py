"""Our commands beside VBoxManage doing the same steps: medians of whole processes, in one run.

usage, in the test bed: python3 -m tests.bench.virtualbox ISO
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Sequence

ROUNDS = 9
OURS, THEIRS = "boot2docker-bench", "by-vboxmanage"
INIT = ("init", "--disksize", "20000", "--memory", "1024", "--hostonly", "off")
TAKE, GO_BACK = "snapshot take, live", "restore, start"
MOST_MORE_S = {TAKE: 0.5, GO_BACK: 2.0}

# What `reset --to` asks of VirtualBox: it goes on to the engine, which takes the guest, and here,
# where its CPU is interpreted, many minutes.
GO_BACK_BY_DRIVER = """
import os, sys
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.paths import find

driver = VirtualBoxDriver(find(os.environ).vm(sys.argv[1]))
driver.restore_snapshot(sys.argv[2])
driver.start()
"""


def main(iso: str) -> int:
    """Print one line for each command: ours, VBoxManage's, the ratio."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(BOOT2DOCKER_DIR=home, DOCKER_CONFIG=f"{home}/docker")
        boot2docker("download", "--iso-url", iso)  # so that `init` measures the VM alone
        times: dict[str, tuple[list[float], list[float]]] = {}
        for number in range(ROUNDS):
            one_round(times, Path(home))
            round_of_snapshots(times, ours_first=number % 2 == 0)
    print(f"{'':20} {'ours ms':>8} {'VBoxManage ms':>14} {'ratio':>6}")
    for name, (ours, theirs) in times.items():
        mine, other = statistics.median(ours), statistics.median(theirs)
        print(f"{name:20} {mine:8.0f} {other:14.0f} {mine / other:6.2f}")
    for name, goal_s in MOST_MORE_S.items():
        mine, other = (statistics.median(row) for row in times[name])
        print(f"{name:20} {(mine - other) / 1000:8.2f} s more (goal: at most {goal_s} s more)")
    return 0


def one_round(times: dict[str, tuple[list[float], list[float]]], home: Path) -> None:
    """Take both VMs through their lives once."""
    steps: Sequence[tuple[str, Callable[[], object], Callable[[], object]]] = (
        ("init", lambda: boot2docker(*INIT), lambda: make_by_vboxmanage(home)),
        ("status", lambda: boot2docker("status"), show),
        ("info", lambda: boot2docker("info"), show),
        ("", lambda: vboxmanage("startvm", OURS, "--type", "headless"), lambda: None),
        ("", lambda: None, lambda: vboxmanage("startvm", THEIRS, "--type", "headless")),
        (
            "poweroff",
            lambda: boot2docker("poweroff"),
            lambda: vboxmanage("controlvm", THEIRS, "poweroff"),
        ),
        ("", lambda: time.sleep(1), lambda: None),  # VBoxManage returns before the VM is free
        (
            "delete",
            lambda: boot2docker("delete", "--force"),
            lambda: vboxmanage("unregistervm", THEIRS, "--delete"),
        ),
    )
    for name, ours, theirs in steps:
        mine, other = measured_ms(ours), measured_ms(theirs)
        if name:
            ours_all, theirs_all = times.setdefault(name, ([], []))
            ours_all.append(mine)
            theirs_all.append(other)


def round_of_snapshots(
    times: dict[str, tuple[list[float], list[float]]], *, ours_first: bool
) -> None:
    """Take a snapshot of one VM that runs, and go back to it, each in both ways."""
    turns = (0, 1) if ours_first else (1, 0)
    take = (
        lambda: boot2docker("snapshot", "take", "ours"),
        lambda: vboxmanage("snapshot", OURS, "take", "theirs"),
    )
    go_back = (
        lambda: run(sys.executable, "-c", GO_BACK_BY_DRIVER, OURS, "ours"),
        go_back_by_vboxmanage,
    )
    boot2docker(*INIT)
    vboxmanage("startvm", OURS, "--type", "headless")
    for turn in turns:
        times.setdefault(TAKE, ([], []))[turn].append(measured_ms(take[turn]))
    for turn in turns:
        boot2docker("poweroff")  # which returns when the VM is free
        times.setdefault(GO_BACK, ([], []))[turn].append(measured_ms(go_back[turn]))
    boot2docker("delete", "--force")


def go_back_by_vboxmanage() -> None:
    """Restore the snapshot, and start the VM from its memory."""
    vboxmanage("snapshot", OURS, "restore", "theirs")
    vboxmanage("startvm", OURS, "--type", "headless")


def make_by_vboxmanage(home: Path) -> None:
    """Make the VM of the original, its disk empty."""
    disk = str(home / "theirs.vmdk")
    port = ("--storagectl", "SATA", "--port")
    vboxmanage("createvm", "--name", THEIRS, "--ostype", "Linux26_64", "--register")
    vboxmanage("modifyvm", THEIRS, "--memory", "1024", "--boot1", "dvd", "--audio-enabled", "off")
    vboxmanage("modifyvm", THEIRS, "--nic1", "nat", "--natpf1", "ssh,tcp,127.0.0.1,2099,,22")
    vboxmanage("createmedium", "disk", "--filename", disk, "--size", "20000", "--format", "VMDK")
    vboxmanage("storagectl", THEIRS, "--name", "SATA", "--add", "sata", "--portcount", "4")
    image = str(home / "boot2docker.iso")
    vboxmanage("storageattach", THEIRS, *port, "0", "--type", "dvddrive", "--medium", image)
    vboxmanage("storageattach", THEIRS, *port, "1", "--type", "hdd", "--medium", disk)


def show() -> None:
    """Ask VBoxManage for all of the VM."""
    vboxmanage("showvminfo", THEIRS, "--machinereadable")


def boot2docker(*words: str) -> None:
    """Run our command."""
    run("boot2docker", "--vm", OURS, "--driver", "virtualbox", *words)


def vboxmanage(*words: str) -> None:
    """Run VirtualBox's."""
    run("VBoxManage", *words)


def run(*words: str) -> None:
    """Run a command; what it says is shown when it fails."""
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(words)}: {ended.stdout}{ended.stderr}")


def measured_ms(step: Callable[[], object]) -> float:
    """Return how long a step takes."""
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
