"""How a VM of VirtualBox is started: what has changed around it is put right first."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.drivers.model import Boot, HostOnly
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import (
    diagnosis,
    internal_network,
    leases,
    machines,
    media,
    nat,
    network,
    sessions,
    shares,
    status,
    versions,
)
from boot2docker_py.errors import (
    Boot2DockerError,
    BusyError,
    HypervisorError,
    NetworkError,
    NotFoundError,
    StorageError,
)
from boot2docker_py.paths import make_private_file

if TYPE_CHECKING:
    from virtualbox.library import IMachine

log = logging.getLogger(__name__)

HOST_ONLY = "boot2docker-py/host-only"  # extra data: the network that the VM was made with


def set_host_only(api: API, machine: IMachine, wanted: HostOnly) -> None:
    """Give the machine its host-only adapter; one that cannot be had is an error when required."""
    if wanted.mode == "off":
        if network.is_attached(api, machine):
            network.detach(api, machine)
        return
    machine.set_extra_data(HOST_ONLY, json.dumps(wanted._asdict()))
    try:
        name = network.ensure(api, wanted)
        network.attach(api, machine, name)
        leases.fix(api, machine, name, wanted)
    except NetworkError as error:
        if wanted.mode == "required":
            raise
        log.warning(
            "The VM has no host-only network: %s (%s). %s",
            *(error.brief, error.details, error.resolution),
        )
        network.detach(api, machine)


def start(api: API, machine: IMachine, boot: Boot, *, is_saved: bool) -> None:
    """Boot the machine, or restore its saved state."""
    if not is_saved and boot.iso:
        _set_image(api, machine, boot.iso)
    _demand_image(machine)
    taken = nat.taken(machine)
    if taken:
        with sessions.changed(api, machine) as changing:
            nat.move(api, changing, taken)
        sessions.wait_until_free(api, machine)
    if not is_saved and network.is_attached(api, machine):
        _repair_host_only(api, machine)
    if not is_saved:
        shares.apply(api, machine, boot)
        console_log = machines.console_log(api, machine)
        if console_log:
            console_log.unlink(missing_ok=True)
            make_private_file(console_log)  # VirtualBox would go by the umask
    frontend = "gui" if boot.window else "headless"
    try:
        _launch(api, machine, frontend)
    except (HypervisorError, NetworkError) as error:
        if is_saved and "--discard-saved" not in error.resolution:
            error.resolution = (
                "If the saved memory is damaged: boot2docker up --discard-saved (it is lost then, "
                f"the disk is kept). {error.resolution}"
            )
        if is_saved or not _is_of_host_only(api, machine, error):
            raise
        card = machine.get_network_adapter(1)
        log.warning("The VM starts without its host-only network: %s", error.details.split("\n")[0])
        log.info(
            'To give it back: VBoxManage modifyvm "%s" --nic2 hostonly --hostonlyadapter2 "%s"',
            *(machine.name, card.host_only_interface),
        )
        with sessions.changed(api, machine) as changing:
            network.detach(api, changing)
        sessions.wait_until_free(api, machine)
        _launch(api, machine, frontend)


def wanted_host_only(machine: IMachine) -> HostOnly | None:
    """Return the host-only network that the machine was made for, None when it was not."""
    found = machine.get_extra_data(HOST_ONLY)
    return HostOnly(**json.loads(found)) if found else None


def _repair_host_only(api: API, machine: IMachine) -> None:
    """Put right what sleep, Windows, or another program have done to the adapter."""
    wanted = wanted_host_only(machine)
    if wanted is None:  # of the original: its adapter is its own business
        return
    try:
        name = network.ensure(api, wanted, network.known_id(machine))
    except NetworkError as error:
        if wanted.mode == "required":
            raise
        log.warning(
            "The host-only network is not repaired: %s (%s). %s",
            *(error.brief, error.details, error.resolution),
        )
        return
    leases.fix(api, machine, name, wanted)
    if machine.get_network_adapter(1).host_only_interface != name:
        with sessions.changed(api, machine) as changing:
            network.attach(api, changing, name)
        sessions.wait_until_free(api, machine)


def _is_of_host_only(api: API, machine: IMachine, error: Boot2DockerError) -> bool:
    wanted = wanted_host_only(machine)
    return (
        network.is_attached(api, machine)
        and (wanted is None or wanted.mode == "auto")
        and ("HostInterfaceNetworking" in error.details or "VERR_INTNET" in error.details)
        and not internal_network.is_named(api, machine, error.details)
    )


def _set_image(api: API, machine: IMachine, iso: Path) -> None:
    present = media.attached(machine, media.ISO_PORT)
    if iso.is_file() and not (present and Path(present.location) == iso):
        with sessions.changed(api, machine) as changing:
            media.insert(api, changing, iso)
        sessions.wait_until_free(api, machine)


def _demand_image(machine: IMachine) -> None:
    iso = media.attached(machine, media.ISO_PORT)
    if iso is None or not Path(iso.location).is_file():
        place = iso.location if iso else f"{status.CONTROLLER} port {media.ISO_PORT}"
        raise NotFoundError(
            f"there is no image at '{place}'", resolution="Fetch it: boot2docker download"
        )


def _launch(api: API, machine: IMachine, frontend: str) -> None:
    session = api.new_session()
    began_s = time.time()
    try:
        with failures.translated():
            failures.wait(versions.launch(api, machine, session, frontend))
    except BusyError as error:
        error.details += sessions.holder(machine)
        raise
    except (failures.APIError, StorageError) as error:
        raise diagnosis.of_failed_start(
            machine.name,
            error.details,
            Path(machine.log_folder),
            began_s,
            sys.platform,
            in_window=frontend != "headless",
        ) from error
    finally:
        sessions.unlock(api, session)
