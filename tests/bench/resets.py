"""Resets to a live snapshot, against what QEMU itself needs for its own kind of snapshot.

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
from tests.bench.run import command, seconds, show

TURNS = 5


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


def main() -> None:
    """Measure taking and going back, in turns with QEMU's own."""
    socket = find(os.environ).vm("boot2docker-vm").qmp_socket
    times: dict[str, list[float]] = {"take": [], "save": [], "reset": [], "load": []}
    for _turn in range(TURNS):
        own = lambda: qemu_job(socket, "snapshot-save", vmstate="disk")  # noqa: E731
        times["save"].append(seconds(own))
        load = lambda: qemu_job(socket, "snapshot-load", vmstate="disk")  # noqa: E731
        times["load"].append(seconds(load))
        qemu_job(socket, "snapshot-delete")
        times["take"].append(seconds(command("snapshot", "take", "bench")))
        times["reset"].append(seconds(command("reset", "--to", "bench")))
        command("snapshot", "delete", "bench")()
    middle = {name: statistics.median(row) for name, row in times.items()}
    show("snapshot take, live", middle["take"], "QEMU's snapshot-save", middle["save"])
    show("reset --to live, to /_ping", middle["reset"], "QEMU's snapshot-load", middle["load"])


if __name__ == "__main__":
    main()
