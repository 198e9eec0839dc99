"""How a VM of VirtualBox is started: what has changed around it is put right first."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from boot2docker_py.drivers.base import HostOnly
from boot2docker_py.drivers.virtualbox import (
    diagnosis,
    failures,
    media,
    nat,
    network,
    sessions,
    versions,
)
from boot2docker_py.drivers.virtualbox.api import API
from boot2docker_py.errors import (
    Boot2DockerError,
    BusyError,
    HypervisorError,
    NetworkError,
    NotFoundError,
    StorageError,
)

log = logging.getLogger(__name__)

HOST_ONLY = "boot2docker-py/host-only"  # extra data: the network that the VM was made with


def set_host_only(api: API, machine: Any, wanted: HostOnly) -> None:
    """Give the machine its host-only adapter; one that cannot be had is an error when required."""
    if wanted.mode == "off":
        return
    machine.setExtraData(HOST_ONLY, json.dumps(dataclasses.asdict(wanted)))
    try:
        network.attach(api, machine, network.ensure(api, wanted))
    except NetworkError as error:
        if wanted.mode == "required":
            raise
        log.warning("The VM has no host-only network: %s (%s).", error.brief, error.details)
        network.detach(api, machine)


def start(api: API, machine: Any, *, is_saved: bool) -> None:
    """Boot the machine, or restore its saved state."""
    _demand_image(machine)
    taken = nat.taken(api, machine)
    if taken:
        with sessions.changed(api, machine) as changing:
            nat.move(api, changing, taken)
        sessions.wait_until_free(api, machine)
    if not is_saved and network.is_attached(api, machine):
        _repair_host_only(api, machine)
    if not is_saved:
        console_log = Path(machine.getSerialPort(0).path or ".")
        if console_log.is_file():
            console_log.unlink()
    try:
        _launch(api, machine)
    except (HypervisorError, NetworkError) as error:
        if is_saved or not _is_of_host_only(api, machine, error):
            raise
        log.warning("The VM starts without its host-only network: %s", error.details.split("\n")[0])
        with sessions.changed(api, machine) as changing:
            network.detach(api, changing)
        sessions.wait_until_free(api, machine)
        _launch(api, machine)


def _wanted_host_only(machine: Any) -> HostOnly | None:
    found = machine.getExtraData(HOST_ONLY)
    return HostOnly(**json.loads(found)) if found else None


def _repair_host_only(api: API, machine: Any) -> None:
    """Put right what sleep, Windows, or another program have done to the adapter."""
    wanted = _wanted_host_only(machine)
    if wanted is None:  # of the original: its adapter is its own business
        return
    try:
        name = network.ensure(api, wanted)
    except NetworkError as error:
        if wanted.mode == "required":
            raise
        log.warning("The host-only network is not repaired: %s (%s).", error.brief, error.details)
        return
    if machine.getNetworkAdapter(1).hostOnlyInterface != name:
        with sessions.changed(api, machine) as changing:
            network.attach(api, changing, name)
        sessions.wait_until_free(api, machine)


def _is_of_host_only(api: API, machine: Any, error: Boot2DockerError) -> bool:
    wanted = _wanted_host_only(machine)
    return (
        network.is_attached(api, machine)
        and (wanted is None or wanted.mode == "auto")
        and ("HostInterfaceNetworking" in error.details or "VERR_INTNET" in error.details)
    )


def _demand_image(machine: Any) -> None:
    iso = media.attached(machine, media.ISO_PORT)
    if iso is None or not Path(iso.location).is_file():
        place = iso.location if iso else f"{media.CONTROLLER} port {media.ISO_PORT}"
        raise NotFoundError(
            f"there is no image at '{place}'", resolution="Fetch it: boot2docker download"
        )


def _launch(api: API, machine: Any) -> None:
    session = api.new_session()
    began_s = time.time()
    try:
        with failures.translated():
            failures.wait(versions.launch(api, machine, session, "headless"))
    except BusyError as error:
        error.details += sessions.holder(machine)
        raise
    except (failures.APIError, StorageError) as error:
        raise diagnosis.of_failed_start(
            machine.name, error.details, Path(machine.logFolder), began_s, sys.platform
        ) from error
    finally:
        sessions.unlock(api, session)
