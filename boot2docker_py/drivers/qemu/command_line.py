"""The command lines of QEMU, as pure functions of what the VM is made of."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Mapping, Sequence

from boot2docker_py.drivers.model import USUAL_NAT_NETWORK
from boot2docker_py.drivers.qemu import shares, tls
from boot2docker_py.drivers.qemu.files import Files, Settings
from boot2docker_py.drivers.qemu.qmp import Endpoint
from boot2docker_py.drivers.qemu.trial_rom import PORT

PROGRAM_VARIABLE = "BOOT2DOCKER_QEMU"
GUEST_SSH_PORT = 22
GUEST_DOCKER_PORT = 2376
CONSOLE_SOCKET = "console.sock"  # beside the one at which QEMU is asked
EMULATION = "tcg"
CAREFUL_EMULATION = "tcg,thread=single"

# QEMU resolves `pc` to the newest version it has; a saved state names the exact one.
MACHINE = "pc"

# `max` is all that emulation can do. Hypervisors other than WHPX pass the host's own CPU through.
_CPU_MODELS = {EMULATION: "max", "kvm": "host", "hvf": "host", "whpx": "qemu64"}
_ACCELERATORS = {"linux": ["kvm"], "darwin": ["hvf"], "win32": ["whpx"]}


def find_program(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of QEMU, None when it is not installed."""
    return shutil.which(environ.get(PROGRAM_VARIABLE) or "qemu-system-x86_64")


def find_tool(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of `qemu-img` or `qemu-io`: the one beside QEMU, else the one on PATH."""
    program = find_program(environ)
    beside = os.path.dirname(program) if program else None  # noqa: PTH120 - `which` wants text
    return shutil.which(name, path=beside) or shutil.which(name)


def install_hint(platform: str = sys.platform) -> str:
    """Return how to get QEMU on this operating system."""
    if platform == "darwin":
        return "Install QEMU: brew install qemu"
    if platform == "win32":
        return (
            "Install QEMU from https://www.qemu.org/download/#windows and add its folder to PATH, "
            f"or name the program in {PROGRAM_VARIABLE}."
        )
    return "Install QEMU: sudo apt install qemu-system-x86 qemu-utils"


def accelerators(platform: str = sys.platform) -> list[str]:
    """Return what to try on this operating system, the quickest first; emulation is the last."""
    return [*_ACCELERATORS.get(platform, []), EMULATION]


def emulation(version: str) -> str:
    """Return how to emulate CPUs with a QEMU that calls itself `version`.

    Before 8.1 a CPU could go on with the old translation of code that another had just changed,
    and Linux changes its own code: about one guest in fifty died of "Oops: int3" (QEMU commit
    deba78709ae8, "accel/tcg: Always lock pages before translation"). One thread for all CPUs is
    slower, and cannot meet it.
    """
    found = re.search(r"version (\d+)\.(\d+)", version)
    is_safe = found is not None and (int(found[1]), int(found[2])) >= (8, 1)
    return EMULATION if is_safe else CAREFUL_EMULATION


def trial(program: str, accelerator: str, rom: Path) -> list[str]:
    """Return the command line that runs a CPU as a VM would, on the ROM of `trial_rom.py`."""
    return [
        program,
        *("-machine", MACHINE, *_accelerated(accelerator), "-m", "16"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-bios", os.fspath(rom)),
        *("-device", f"isa-debug-exit,iobase={PORT:#x},iosize=1"),
    ]


def machine(
    program: str, name: str, settings: Settings, files: Files, endpoint: Endpoint, version: str
) -> list[str]:
    """Return the command line of the VM; `version` is the machine, as `pc` or `pc-i440fx-7.2`."""
    return [
        program,
        *("-name", value(name), "-uuid", settings.uuid),
        *("-machine", version, *_accelerated(settings.accelerator)),
        *("-global", "PIIX4_PM.disable_s3=1"),  # a guest that sleeps could not be woken
        *("-smp", str(settings.cpus), "-m", str(settings.memory_mb), "-rtc", "base=utc"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-vga", "std"),
        *_disks(settings, files),
        *_network(settings),
        *shares.options(shares.read(settings.shares)),
        *("-device", "virtio-rng-pci"),
        *_credentials(endpoint),
        *("-chardev", _console(settings, endpoint)),
        *("-serial", "chardev:console"),
        *_controls(endpoint),
        *("-pidfile", os.fspath(files.running)),
    ]


def saved_state_uri(path: Path, name: str, *, is_handed_over: bool) -> str:
    """Return what QEMU calls the file of a saved state: by its path, or as the open file `name`.

    Only a Unix socket can hand over open files; `file:` needs QEMU 8.2.
    """
    return f"fd:{name}" if is_handed_over else f"file:{path}"


def incoming(uri: str) -> list[str]:
    """Return what to add to read a saved state, and not yet run it."""
    return ["-S", "-incoming", uri]


def _accelerated(accelerator: str) -> list[str]:
    options = f"{accelerator},thread=multi" if accelerator == EMULATION else accelerator
    return ["-accel", options, "-cpu", _CPU_MODELS.get(accelerator, "max")]


def _disks(settings: Settings, files: Files) -> list[str]:
    return [
        *_block(driver="file", node_name="cd-file", filename=settings.iso, read_only=True),
        *_block(driver="raw", node_name="cd", file="cd-file", read_only=True),
        *("-device", "ide-cd,drive=cd,bootindex=0"),
        *_block(driver="file", node_name="disk-file", filename=str(files.disk), discard="unmap"),
        *_block(driver="qcow2", node_name="disk", file="disk-file", discard="unmap"),
        *("-device", "virtio-blk-pci,drive=disk,discard=on"),
    ]


def _block(**options: object) -> list[str]:
    """Return a block device in JSON, the form in which no character of a path is special."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return ["-blockdev", json.dumps(named, ensure_ascii=False)]


def _network(settings: Settings) -> list[str]:
    forwards: Sequence[tuple[int, int]] = [
        (settings.ssh_port, GUEST_SSH_PORT),
        (settings.docker_port, GUEST_DOCKER_PORT),
    ]
    rules = [
        f"hostfwd=tcp:127.0.0.1:{host_port}-:{guest_port}"
        for host_port, guest_port in forwards
        if host_port
    ]
    network = settings.nat_network
    chosen = [f"net={network}"] if network != USUAL_NAT_NETWORK else []
    return [
        *("-netdev", ",".join(["user", "id=network", *chosen, *rules])),
        *("-device", "virtio-net-pci,netdev=network"),
    ]


def _console(settings: Settings, endpoint: Endpoint) -> str:
    """Return the console: a log, and where it is joined."""
    if isinstance(endpoint, tls.Port):
        place = _secured(settings.console_port)
    else:
        place = f"path={value(os.fspath(endpoint.with_name(CONSOLE_SOCKET)))}"
    logged = f"logfile={value(settings.console_log)},logappend=on"
    return f"socket,id=console,{place},server=on,wait=off,{logged}"


def _controls(endpoint: Endpoint) -> list[str]:
    if isinstance(endpoint, tls.Port):
        places = [_secured(number) for number in endpoint.numbers]
    else:
        places = [f"path={value(os.fspath(endpoint))}"]
    words: list[str] = []
    for number, where in enumerate(places):
        words += ["-chardev", f"socket,id=control{number},{where},server=on,wait=off"]
        words += ["-mon", f"chardev=control{number},mode=control"]
    return words


def _secured(port: int) -> str:
    return f"host={tls.HOST},port={port},tls-creds=control-tls"


def _credentials(endpoint: Endpoint) -> list[str]:
    if not isinstance(endpoint, tls.Port):
        return []
    folder = value(os.fspath(endpoint.credentials))
    return ["-object", f"tls-creds-x509,id=control-tls,endpoint=server,verify-peer=on,dir={folder}"]


def value(text: str) -> str:
    """Return a text as a value in QEMU's lists of options, where a comma is doubled."""
    return text.replace(",", ",,")
