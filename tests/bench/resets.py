"""Resets, many VMs and growing, against what QEMU itself needs for its own kind of each.

python -m tests.bench.resets    with a VM that runs, in BOOT2DOCKER_DIR
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

from boot2docker_py.drivers.qemu import qmp
from boot2docker_py.paths import find
from tests.bench.run import command, medians, run, seconds, show

TURNS = 5
OTHERS = [f"bench-{number}" for number in range(1, 10)]  # ten VMs with the one that runs
SMALL_MB, LARGE_MB = "20000", "40000"
RESET_GOAL_S = 3.0
AT_REST = 0.1  # of a CPU
REST_WITHIN_S = 120.0


def qemu_job(socket: Path, name: str, **arguments: object) -> None:
    """Run a job of QEMU to its end; it answers nothing while it works."""
    with qmp.connect(socket, 120) as monitor:
        job: dict[str, Any] = {"job-id": "bench", "tag": "bench", "devices": ["disk"], **arguments}
        monitor.execute(name, **job)
        while True:
            (found,) = [one for one in monitor.execute("query-jobs") if one["id"] == "bench"]
            if found["status"] == "concluded":
                break
            time.sleep(0.01)
        monitor.execute("job-dismiss", id="bench")
        if "error" in found:
            raise RuntimeError(found["error"])
        monitor.execute("cont")


def show_more(what: str, measured_s: float, reference_s: float, goal_s: float) -> None:
    """Print how much longer it takes than its reference, and what was to be reached."""
    print(f"{what:<34} {measured_s - reference_s:9.2f} s more   (goal: at most {goal_s} s more)")


def cpu_s(process: int) -> float:
    """Return the seconds of CPU that a process has used (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def let_rest() -> None:
    """Wait until the guest has nothing to do; it goes on after a boot, and after a load.

    A snapshot of a guest that works is one that works on while it is to answer: 1 s of an emulated
    CPU, which QEMU's own load does not wait for.
    """
    qemu = int((find(os.environ).vm("boot2docker-vm").folder / "running").read_text())
    end = time.monotonic() + REST_WITHIN_S
    while time.monotonic() < end:
        before_s = cpu_s(qemu)
        time.sleep(1.0)
        if cpu_s(qemu) - before_s < AT_REST:
            return
    raise RuntimeError("the guest does not come to rest")


def measure_resets() -> None:
    """Take a live snapshot and go back to it, in turns with QEMU's own."""
    socket = find(os.environ).vm("boot2docker-vm").qmp_socket
    times: dict[str, list[float]] = {"take": [], "save": [], "reset": [], "load": []}
    for _turn in range(TURNS):
        own = lambda: qemu_job(socket, "snapshot-save", vmstate="disk")  # noqa: E731
        times["save"].append(seconds(own))
        load = lambda: qemu_job(socket, "snapshot-load", vmstate="disk")  # noqa: E731
        times["load"].append(seconds(load))
        qemu_job(socket, "snapshot-delete")
        command("up")()  # the forwarder has lost its connection by QEMU's load
        let_rest()
        times["take"].append(seconds(command("snapshot", "take", "bench")))
        times["reset"].append(seconds(command("reset", "--to", "bench")))
        command("snapshot", "delete", "bench")()
    middle = {name: statistics.median(row) for name, row in times.items()}
    show("snapshot take, live", middle["take"], "QEMU's snapshot-save", middle["save"])
    show_more("snapshot take, live", middle["take"], middle["save"], 0.5)
    show("reset --to live, to /_ping", middle["reset"], "QEMU's snapshot-load", middle["load"])
    show_more("reset --to live, to /_ping", middle["reset"], middle["load"], 1.0)
    print(f"{'':<34} (goal: at most {RESET_GOAL_S} s in all)")


def measure_many() -> None:
    """List ten VMs, and let the disks of nine that are off grow."""
    for vm in OTHERS:
        command("init", "--vm", vm, "--disksize", SMALL_MB)()
    try:
        listed_s, status_s = medians([command("ls"), command("status")], turns=9)
        show("ls, ten VMs (goal: ratio 1.5)", listed_s, "status", status_s)
        times: dict[str, list[float]] = {"set": [], "resize": []}
        for grown, resized in zip(OTHERS[::2], OTHERS[1::2]):
            disk = str(find(os.environ).vm(resized).folder / "disk.qcow2")
            own = lambda disk=disk: run("qemu-img", "resize", disk, f"{LARGE_MB}M")  # noqa: E731
            times["resize"].append(seconds(own))
            times["set"].append(seconds(command("set", "--vm", grown, "--disksize", LARGE_MB)))
        middle = {name: statistics.median(row) for name, row in times.items()}
        show("set --disksize, 20 to 40 GB, off", middle["set"], "qemu-img resize", middle["resize"])
    finally:
        for vm in OTHERS:
            command("delete", "--vm", vm, "--force")()


def measure_growing() -> None:
    """Let the disk of the VM that runs grow, and its file system, against a restart alone."""
    restart_s = seconds(command("restart"))
    grown_s = seconds(command("set", "--disksize", LARGE_MB, "--restart"))
    show("set --disksize --restart, 20 to 40", grown_s, "restart", restart_s)


def main() -> None:
    """Measure all of it; the VM has a larger disk then."""
    measure_resets()
    measure_many()
    measure_growing()


if __name__ == "__main__":
    main()
