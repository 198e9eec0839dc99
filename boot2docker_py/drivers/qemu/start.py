"""How a VM that is off or saved becomes a running QEMU."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
from pathlib import Path
from typing import Sequence

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.model import Share
from boot2docker_py.drivers.qemu import (
    acceleration,
    command_line,
    internal_network,
    saved,
    shares,
    tls,
)
from boot2docker_py.drivers.qemu.files import Settings, opened_private, write_settings
from boot2docker_py.drivers.qemu.process import EndedError, Process
from boot2docker_py.errors import (
    Boot2DockerError,
    HypervisorError,
    NetworkError,
    NotFoundError,
)

log = logging.getLogger(__name__)

RESTORE_TIMEOUT_S = 600.0
_PORT_ATTEMPTS = 5
_PORT_TAKEN = re.compile(r"Could not set up host forwarding rule|Failed to find an available port")

# What QEMU says, and what it means for the user.
_KNOWN_FAILURES = (
    (
        re.compile(r"Failed to get .*lock"),
        "its data disk is in use by another program",
        "End the program that holds the disk, or the other QEMU of this VM.",
    ),
    (
        re.compile(r"no option group 'fsdev'|fsdev support is disabled|virtio-9p-pci.*not a valid"),
        "this QEMU was built without shared folders",
        "Install one that has them (virtfs), or: boot2docker up --vbox-share disable",
    ),
    (
        re.compile(r"Cannot allocate memory|cannot set up guest memory"),
        "the host has too little free memory for it",
        "End other programs, or give the VM less: boot2docker set --memory MB",
    ),
    (
        re.compile(r"-netdev dgram"),
        "this QEMU has no internal networks",
        "Install QEMU 7.2 or later.",
    ),
)


def boot(process: Process, settings: Settings, shared: Sequence[Share] | None) -> None:
    """Boot the VM; returns when its CPU runs. `shared` None: the folders of the last boot."""
    if shared is not None:
        shares.demand_possible(shared)
        settings = dataclasses.replace(settings, shares=shares.kept(shared))
    saved.discard_used(process)
    with opened_private(Path(settings.console_log)):
        pass  # emptied; a restored VM goes on writing to it
    choice = acceleration.choose(_program())
    log.info("QEMU runs it with %s.", choice.words)
    settings = dataclasses.replace(settings, accelerator=choice.accelerator)
    try:
        _launch(process, settings, command_line.MACHINE)
    except EndedError as error:
        raise _failure(process, str(error)) from error


def restore(process: Process, settings: Settings) -> None:
    """Put a saved memory back; returns when its CPU runs.

    Raises:
        HypervisorError: that cannot be done; the saved state is kept.
    """
    saved_by = saved.saved_by(process)
    settings = dataclasses.replace(
        settings, accelerator=saved_by["accelerator"], shares=saved_by.get("shares", [])
    )
    shares.demand_there(shares.read(settings.shares))
    try:
        with opened_private(process.files.saved_state, os.O_RDWR) as file_descriptor:
            _launch(process, settings, saved_by["machine"], saved_state=file_descriptor)
        saved.wait_until_restored(process)
    except EndedError as error:
        raise _cannot_restore(process, saved_by, str(error)) from error
    saved.let_run(process)


def _launch(
    process: Process, settings: Settings, machine: str, saved_state: int | None = None
) -> None:
    if not Path(settings.iso).is_file():
        raise NotFoundError(
            f"the image of the VM '{process.name}' is not there: '{settings.iso}'",
            resolution="Fetch it: boot2docker download",
        )
    for _ in range(_PORT_ATTEMPTS):
        settings = with_free_ports(settings, uses_port=process.uses_port)
        write_settings(process.files.settings, settings)
        command = command_line.machine(
            _program(), process.name, settings, process.files, process.endpoint(), machine
        )
        network, place = internal_network.of(settings), process.place_on_network(settings)
        if network and place:
            internal_network.prepare(place)
            command += internal_network.options(network, place)
        try:
            if saved_state is None:
                process.start(command)
            else:
                os.lseek(saved_state, 0, os.SEEK_SET)
                uri = command_line.saved_state_uri(
                    process.files.saved_state,
                    str(saved_state),
                    is_handed_over=not process.uses_port,
                )
                process.start(
                    [*command, *command_line.incoming(uri)],
                    [saved_state],
                    RESTORE_TIMEOUT_S,
                )
            if place:
                internal_network.serve(place)
        except EndedError as error:
            if not _PORT_TAKEN.search(str(error)):
                raise
            log.debug("a port was taken in the last moment: %s", error)
        else:
            return
    raise NetworkError(
        f"no port on {ports.HOST} can be had for the VM '{process.name}'",
        details=process.words(),
    )


def with_free_ports(settings: Settings, *, uses_port: bool) -> Settings:
    """Return the settings with another port in place of each that is taken now."""
    return dataclasses.replace(
        settings,
        ssh_port=_free_instead_of(settings.ssh_port, "SSH"),
        docker_port=settings.docker_port and _free_instead_of(settings.docker_port, "the engine"),
        qmp_port=ports.any_free() if uses_port else 0,
        console_port=ports.any_free() if uses_port else 0,
        qmp_spares=[ports.any_free() for _ in range(tls.SPARES)] if uses_port else [],
    )


def _free_instead_of(port: int, purpose: str) -> int:
    if ports.is_free(port):
        return port
    other = ports.any_free()
    log.warning("port %d is taken; %s is at port %d from now on", port, purpose, other)
    return other


def _program() -> str:
    program = command_line.find_program()
    if program is None:
        raise HypervisorError("QEMU is not installed", resolution=command_line.install_hint())
    return program


def _failure(process: Process, words: str) -> Boot2DockerError:
    for pattern, meaning, resolution in _KNOWN_FAILURES:
        if pattern.search(words):
            return HypervisorError(
                f"the VM '{process.name}' does not start: {meaning}",
                details=words,
                resolution=resolution,
            )
    return HypervisorError(f"QEMU does not start the VM '{process.name}'", details=words)


def _cannot_restore(process: Process, saved_by: dict[str, str], words: str) -> HypervisorError:
    made_with = "QEMU {qemu}, machine {machine}, {accelerator}".format(**saved_by)
    return HypervisorError(
        f"the saved state of the VM '{process.name}' cannot be restored; it is kept",
        details=f"{words}\nIt was saved with {made_with}.",
        resolution="Start without it; the data disk is kept: boot2docker up --discard-saved",
    )
