"""`python -m tests.soak ISO [--seconds S] [--seed N]`: a VM under load, reset, saved, suspended."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.status import Phase
from boot2docker_py.paths import VMPaths, find
from tests.e2e.conftest import VM
from tests.e2e.test_resets import load_busybox
from tests.soak.load import Load

DISTURBED_EVERY_S = 40.0
# A machine that has other things to do is slow, which is no fault.
PATIENCE_S = "1800"
QUIET_WITHIN_S = 900.0
# Python's memory is not given back to the byte; what leaks grows without end.
MORE_MEMORY_KB, MORE_DESCRIPTORS, MORE_THREADS = 24_000, 4, 2


class Figures(NamedTuple):
    """What a process has, out of Linux' /proc."""

    pid: int
    memory_kb: int
    descriptors: int
    threads: int


def figures(pid: int) -> Figures:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    memory_kb, threads = int(facts["VmRSS"].split()[0]), int(facts["Threads"])
    return Figures(pid, memory_kb, len(os.listdir(f"/proc/{pid}/fd")), threads)


def paths_of(vm: VM) -> VMPaths:
    return find({"BOOT2DOCKER_DIR": str(vm.home)}, vm.home.parent).vm(vm.name)


def quiet(vm: VM) -> Figures:
    """Wait until the forwarder forwards without a client; return what it has."""
    end = time.monotonic() + QUIET_WITHIN_S
    calm = 0
    while calm < 5:
        status = process.status(paths_of(vm))
        is_calm = status is not None and status.phase is Phase.FORWARDING
        calm = calm + 1 if is_calm and status and status.open_connections <= 1 else 0
        if time.monotonic() > end:
            raise SystemExit(f"the forwarder does not come to rest: {status}")
        time.sleep(2)
    assert status is not None
    return figures(status.pid)


def disturb(vm: VM, chance: random.Random) -> str:
    """Do to the VM, or to the forwarder, what happens in a day."""
    what = chance.choice(["restart", "save", "poweroff", "suspend"])
    if what == "suspend":
        status = process.status(paths_of(vm))
        if status is not None:
            os.kill(status.pid, signal.SIGSTOP)
            time.sleep(8)
            os.kill(status.pid, signal.SIGCONT)
    else:
        vm.try_run(what, "--timeout", PATIENCE_S)
        vm.run("up", "--timeout", PATIENCE_S)
    return what


def main() -> int:
    reader = argparse.ArgumentParser(prog="python -m tests.soak")
    reader.add_argument("iso", type=Path)
    reader.add_argument("--seconds", type=float, default=3600.0)
    reader.add_argument("--seed", type=int, default=int(time.time()))
    given = reader.parse_args()
    chance = random.Random(given.seed)
    folder = Path(tempfile.mkdtemp(prefix="boot2docker-soak."))
    vm = VM(folder / "home", given.iso.resolve())
    try:
        words = ["--memory", "1024", "--cpus", "2", "--disksize", "6000"]
        vm.run("init", "--iso-url", str(vm.iso), *words)
        vm.run("up", "--timeout", PATIENCE_S)
        (folder / "image").mkdir()
        load_busybox(vm, folder / "image")
        with Load(vm, vm.run_folder / "docker.sock", given.seed):
            time.sleep(20)  # what is made once, is made
        start = quiet(vm)
        print(f"seed {given.seed}, at the start {start}", flush=True)
        done: list[str] = []
        end = time.monotonic() + given.seconds
        with Load(vm, vm.run_folder / "docker.sock", given.seed) as load:
            while time.monotonic() < end:
                time.sleep(min(DISTURBED_EVERY_S, max(0.0, end - time.monotonic())))
                done.append(disturb(vm, chance))
        stop = quiet(vm)
        print(f"disturbed by {done}; {dict(load.counted)}")
        for reason, count in load.reasons.most_common(8):
            print(f"  {count} times {reason}")
        print(f"at the end {stop}", flush=True)
        return int(not is_as_before(start, stop))
    finally:
        vm.try_run("delete", "--force")
        shutil.rmtree(folder, ignore_errors=True)


def is_as_before(start: Figures, stop: Figures) -> bool:
    """Tell whether the same process has what it had; say what it has more."""
    more = {
        "memory": (stop.memory_kb - start.memory_kb, MORE_MEMORY_KB),
        "descriptors": (stop.descriptors - start.descriptors, MORE_DESCRIPTORS),
        "threads": (stop.threads - start.threads, MORE_THREADS),
    }
    wrong = {name: found for name, (found, allowed) in more.items() if found > allowed}
    if wrong:
        print(f"it has more of {wrong}")
    if start.pid != stop.pid:
        print("another forwarder took its place")
    return not wrong and start.pid == stop.pid


sys.exit(main())
