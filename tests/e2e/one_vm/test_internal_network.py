"""A VM on an internal network has its address there from the boot on; nothing else is on it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from boot2docker_py.drivers.qemu import internal_network, switch
from boot2docker_py.drivers.qemu.files import Files, read_settings
from boot2docker_py.paths import find
from tests.e2e.conftest import VM

LONG_S = 60.0


def place_of(vm: VM) -> internal_network.Place:
    paths = find({"BOOT2DOCKER_DIR": str(vm.home)}, vm.home.parent).vm(vm.name)
    place = internal_network.place_of(read_settings(Files(paths.folder).settings), paths)
    assert place is not None
    return place


def test_the_vm_has_the_address_of_its_number(vm: VM) -> None:
    told = vm.run("ssh", "ip -4 -oneline addr show")
    assert [line.split()[3] for line in told.splitlines() if "192.168.60." in line] == [
        "192.168.60.1/24"
    ]


def test_up_brings_a_switch_back_that_was_killed(vm: VM) -> None:
    folder = place_of(vm).folder
    vm.run("ssh", "true")
    assert folder.stat().st_mode & 0o077 == 0
    assert switch.is_served(folder)
    kill_switch(str(folder))
    end = time.monotonic() + LONG_S
    while switch.is_served(folder):
        assert time.monotonic() < end
        time.sleep(0.05)
    vm.run("up")
    assert switch.is_served(folder)


def kill_switch(folder: str) -> None:
    """Kill the process whose command names the folder."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            words: list[bytes] = []
            with contextlib.suppress(OSError):  # it has ended
                words = (process / "cmdline").read_bytes().split(b"\0")
            if internal_network.MODULE.encode() in words and folder.encode() in words:
                os.kill(int(process.name), signal.SIGKILL)
