"""Measure what boot2docker adds, each as a ratio to a reference in the same run.

    python -m tests.bench.run ISO

Numbers of one run compare with each other, not with those of another machine or another hour.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

from tests import own_home

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "boot2docker_py"]


def seconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


def medians(actions: list[Callable[[], object]], turns: int) -> list[float]:
    """Return the median of each; they take turns, so that a busy moment meets all of them."""
    times: list[list[float]] = [[] for _ in actions]
    for _turn in range(turns):
        for index, action in enumerate(actions):
            times[index].append(seconds(action))
    return [statistics.median(row) for row in times]


def show(what: str, measured_s: float, reference: str, reference_s: float) -> None:
    """Print one line of the report."""
    ratio = measured_s / reference_s
    print(
        f"{what:<34} {measured_s * 1000:9.1f} ms   {reference:<34} {reference_s * 1000:9.1f} ms"
        f"   ratio {ratio:6.2f}",
        flush=True,
    )


def run(*words: str, quiet: bool = True) -> None:
    """Run a command that must succeed."""
    output = subprocess.DEVNULL if quiet else None
    subprocess.run(words, check=True, stdout=output, stderr=output, cwd=ROOT)


def command(*words: str) -> Callable[[], None]:
    """Return a run of boot2docker."""
    return lambda: run(*PROGRAM, *words)


def measure_init(iso: Path, folder: Path) -> None:
    """`init` for 20 GB, against qemu-img making the disk alone."""
    disk = folder / "reference.qcow2"
    run(*PROGRAM, "download", "--iso-url", str(iso))
    run(*PROGRAM, "init")
    run(*PROGRAM, "delete", "--force")

    def init_and_delete() -> None:
        run(*PROGRAM, "init", "--disksize", "20000")

    def reference() -> None:
        run("qemu-img", "create", "-f", "qcow2", str(disk), "20000M")

    times: list[list[float]] = [[], []]
    for _turn in range(7):
        times[0].append(seconds(init_and_delete))
        times[1].append(seconds(reference))
        run(*PROGRAM, "delete", "--force")
    show("init, 20 GB", statistics.median(times[0]), "qemu-img create", statistics.median(times[1]))


def measure_questions() -> None:
    """`status` and `ip` of a running VM, against a Python that does nothing."""
    nothing = lambda: run(sys.executable, "-c", "pass")  # noqa: E731 - a row of the table below
    status_s, ip_s, nothing_s = medians([command("status"), command("ip"), nothing], 15)
    show("status", status_s, "python -c pass", nothing_s)
    show("ip", ip_s, "python -c pass", nothing_s)


def console_says(log: Path, text: bytes, process: subprocess.Popen[bytes]) -> None:
    """Wait until the serial console has said `text`."""
    while not (log.exists() and text in log.read_bytes()):
        if process.poll() is not None:
            raise RuntimeError("QEMU has ended")
        time.sleep(0.02)


def measure_up(home: Path) -> None:
    """`up` to a forwarded /_ping, against the same QEMU by hand until the guest's own ping."""
    ups, references = [], []
    folder = home / "vms" / "boot2docker-vm"
    for _turn in range(3):
        run(*PROGRAM, "down")
        ups.append(seconds(command("up")))
        words = qemu_words(folder)
        run(*PROGRAM, "down")
        log = folder / "console.log"
        log.unlink()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        references.append(seconds(lambda: console_says(log, b"boot times:", process)))  # noqa: B023
        monitor = home / "run" / "boot2docker-vm" / "qemu.sock"
        press_power_button(monitor)
        process.wait(120)
    line = next(
        line for line in (folder / "console.log").read_text().splitlines() if "boot times" in line
    )
    show(
        "up, to /_ping",
        statistics.median(ups),
        "the same QEMU by hand",
        statistics.median(references),
    )
    print(f"{'the last boot by hand':<34} {line.partition('boot2docker: ')[2]}")
    kernel_s, engine_s = (
        float(line.split(f"{word} ")[1].split()[0]) for word in ("kernel", "engine")
    )
    print(f"{'engine against kernel alone':<34} ratio {engine_s / kernel_s:.2f}")
    run(*PROGRAM, "up")


def qemu_words(folder: Path) -> list[str]:
    """Return the command line of the VM's QEMU, which holds its data disk open."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            except OSError:
                continue
            if b"qemu" in words[0] and str(folder).encode() in b" ".join(words):
                return [os.fsdecode(word) for word in words]
    raise RuntimeError("the VM does not run")


def press_power_button(monitor: Path) -> None:
    """Ask the guest to power off."""
    import socket

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(monitor))
        client.sendall(b'{"execute": "qmp_capabilities"}{"execute": "system_powerdown"}')
        client.settimeout(5)
        answers = b""
        while answers.count(b'"return"') < 2:
            answers += client.recv(4096)


def main() -> None:
    """Run all of it in a home of its own."""
    iso = Path(sys.argv[1]).absolute()
    folder = Path(tempfile.mkdtemp())
    home = folder / "home"
    own_home.move(os.environ, folder)
    os.environ["BOOT2DOCKER_DIR"] = str(home)
    print(f"image: {iso.stat().st_size / 1e6:.1f} MB")
    try:
        measure_init(iso, folder)
        run(*PROGRAM, "up")
        measure_questions()
        measure_up(home)
        run(sys.executable, "-m", "tests.bench.resets", quiet=False)
        run(sys.executable, "-m", "tests.bench.forward", quiet=False)
    finally:
        subprocess.run([*PROGRAM, "delete", "--force"], cwd=ROOT, check=False)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
