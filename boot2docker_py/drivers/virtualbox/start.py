"""How a VM of VirtualBox is started: what has changed around it is put right first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boot2docker_py.drivers.virtualbox import failures, media, nat, sessions, versions
from boot2docker_py.drivers.virtualbox.api import API
from boot2docker_py.errors import HypervisorError, NotFoundError

LOG_LINES = 5


def start(api: API, machine: Any, *, is_saved: bool) -> None:
    """Boot the machine, or restore its saved state."""
    _demand_image(machine)
    taken = nat.taken(api, machine)
    if taken:
        with sessions.changed(api, machine) as changing:
            nat.move(api, changing, taken)
        sessions.wait_until_free(api, machine)
    if not is_saved:
        console_log = Path(machine.getSerialPort(0).path or ".")
        if console_log.is_file():
            console_log.unlink()
    _launch(api, machine)


def _demand_image(machine: Any) -> None:
    iso = media.attached(machine, media.ISO_PORT)
    if iso is None or not Path(iso.location).is_file():
        place = iso.location if iso else f"{media.CONTROLLER} port {media.ISO_PORT}"
        raise NotFoundError(
            f"there is no image at '{place}'", resolution="Fetch it: boot2docker download"
        )


def _launch(api: API, machine: Any) -> None:
    session = api.new_session()
    try:
        failures.wait(versions.launch(api, machine, session, "headless"))
    except failures.APIError as error:
        raise HypervisorError(
            f"VirtualBox does not start the VM '{machine.name}'",
            details="\n".join([error.details, *_end_of_log(machine)]),
            resolution=f"See {machine.logFolder}.",
        ) from error
    finally:
        sessions.unlock(api, session)


def _end_of_log(machine: Any) -> list[str]:
    file = Path(machine.logFolder, "VBox.log")
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    except OSError:  # the VM did not come so far
        return []
