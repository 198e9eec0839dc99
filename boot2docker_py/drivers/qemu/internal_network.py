"""The network that VMs of QEMU have among themselves: a socket for each, a switch for all."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from boot2docker_py.drivers.model import InternalNetwork
from boot2docker_py.drivers.qemu import command_line, switch
from boot2docker_py.drivers.qemu.files import Settings, read_settings
from boot2docker_py.errors import HypervisorError, StorageError, UsageError
from boot2docker_py.host import detached
from boot2docker_py.paths import SOCKET_PATH_BYTES, VMPaths, make_private_folder
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

MODULE = "boot2docker_py.drivers.qemu.switch"
START_TIMEOUT_S = 20.0
PAUSE_S = 0.02
_WORDS_BYTES = 2000


class Place(NamedTuple):
    """Where a VM is on its network."""

    folder: Path  # of the network
    port: Path  # the socket of the VM


def of(settings: Settings) -> InternalNetwork | None:
    """Return the network that the VM is on, None if on none."""
    if not settings.network:
        return None
    return InternalNetwork(settings.network, settings.network_number)


def numbers_on(network: str, folder: Path) -> set[int]:
    """Return the numbers on a network of the VMs whose folders are in `folder`."""
    numbers = set()
    for path in (*folder.glob("*/vm.json"), *folder.glob("*/unfinished.json")):
        try:
            settings = read_settings(path)
        except (OSError, StorageError) as error:
            log.debug("not asked for its number: %s", error)
            continue
        if settings.network == network:
            numbers.add(settings.network_number)
    return numbers


def place_of(settings: Settings, paths: VMPaths) -> Place | None:
    """Return where the VM is on its network, None if it is on none."""
    if not settings.network:
        return None
    # Beside the folders of the VMs, whose name says it where that of the home is too long for it.
    network = _digest(f"{paths.folder.parent}\0{settings.network}")
    folder = paths.run.parent / f"net-{network}"
    return Place(folder, folder / f"{_digest(paths.name)}.port")


def demand_possible(network: InternalNetwork | None, *, uses_port: bool) -> None:
    """Raise UsageError when QEMU cannot have such a network here."""
    if network and uses_port:
        raise UsageError(
            "QEMU has no internal network on Windows",
            details="It would be made of Unix sockets, which Python does not have there.",
            resolution="VirtualBox has one: boot2docker --driver virtualbox init",
        )


def options(network: InternalNetwork, place: Place) -> list[str]:
    """Return the options of QEMU for the adapter on the network."""
    own, peers = (
        command_line.value(str(path)) for path in (place.port, place.folder / switch.SWITCH)
    )
    backend = f"dgram,id=internal,local.type=unix,local.path={own}"
    return [
        *("-netdev", f"{backend},remote.type=unix,remote.path={peers}"),
        *("-device", f"virtio-net-pci,netdev=internal,mac={network.mac}"),
    ]


def prepare(place: Place) -> None:
    """Make the folder in which QEMU makes the socket of the VM.

    Raises:
        StorageError: its name is too long for a socket, or it cannot be made.
    """
    if len(os.fsencode(place.port)) > SOCKET_PATH_BYTES:
        raise StorageError(
            f"the name of the folder for the internal network is too long: '{place.folder}'",
            resolution="Name a shorter folder with BOOT2DOCKER_DIR.",
        )
    make_private_folder(place.folder)


def is_served(place: Place) -> bool:
    """Tell whether frames are handed on."""
    return switch.is_served(place.folder)


def serve(place: Place) -> None:
    """Start the switch of the network if there is none; for when the VM's socket is there.

    Raises:
        HypervisorError: it ended at once; the details are its own words.
    """
    if is_served(place):
        return
    import tempfile

    deadline = Deadline(START_TIMEOUT_S)
    with tempfile.TemporaryFile() as words:
        child = detached.start(
            [sys.executable, "-m", MODULE, os.fspath(place.folder)],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
        )
        threading.Thread(target=child.wait, daemon=True).start()
        while not switch.is_served(place.folder):
            has_ended = child.poll() is not None
            if has_ended and not switch.is_served(place.folder) or deadline.has_passed():
                words.seek(0)
                raise HypervisorError(
                    "the switch of the VM's internal network does not run",
                    details=words.read()[-_WORDS_BYTES:].decode(errors="replace").strip(),
                    resolution="The VM runs, without that network; then: boot2docker up",
                )
            deadline.clock.sleep(PAUSE_S)


def leave(place: Place) -> None:
    """Remove the socket of a VM that is deleted; the switch ends when it finds none."""
    place.port.unlink(missing_ok=True)


def _digest(text: str) -> str:
    import hashlib  # slow to load, and most VMs are on no such network

    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
