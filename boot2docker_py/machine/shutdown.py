"""Shut a VM down by its power button; containers have the time that they were promised.

The guest waits for its containers as long as their own settings say. What bounds that is the
deadline of the command alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import IS_ON, State
from boot2docker_py.errors import (
    Boot2DockerError,
    DeadlineError,
    GuestError,
    StorageError,
    WrongStateError,
)
from boot2docker_py.guest import stopping
from boot2docker_py.machine.readiness import held_by_hypervisor
from boot2docker_py.wait import Check, Deadline, Report, wait_for

if TYPE_CHECKING:
    from boot2docker_py.machine.collaborators import Endpoint

log = logging.getLogger(__name__)

# A guest that still boots does not hear its power button, so it is pressed again.
PRESS_AGAIN_S = 5.0
USUAL_S = 5.0


def shut_down(
    driver: Driver, endpoint: Endpoint, deadline: Deadline, report: Report, *, force: bool
) -> Boot2DockerError | None:
    """Press the power button until the VM is off; return what to say of containers cut off.

    Raises:
        DeadlineError: it is still on; with `force`, its power is cut instead.
        WrongStateError: it is broken now; with `force`, the same.
    """
    info = driver.describe()
    pressed_at_s = float("-inf")

    def probe(_deadline: Deadline) -> str | None:
        nonlocal pressed_at_s
        state = driver.state()
        if state is State.BROKEN and driver.hangs():
            raise WrongStateError(
                f"VM '{info.name}' is broken",
                details=driver.problem(),
                resolution="Cut its power: boot2docker poweroff",
            )
        if state not in IS_ON:
            return None
        held = driver.why_paused() if state is State.PAUSED else ""
        if held:
            raise held_by_hypervisor(info.name, held)
        if state is State.RUNNING and deadline.clock.monotonic() - pressed_at_s >= PRESS_AGAIN_S:
            pressed_at_s = deadline.clock.monotonic()
            endpoint.expect_stop()
            try:
                driver.shutdown()
            except Boot2DockerError:  # it may have ended by itself in between
                if driver.state() in IS_ON:
                    raise
        waits_for = stopping.read(info.console_log).waits_for
        if waits_for:
            return f"these containers have time left to stop: {stopping.listed(waits_for)}"
        return f"it is still {state.value}"

    hint = "boot2docker poweroff, or: boot2docker down --force"
    try:
        what = f"VM '{info.name}' to power off"
        check = Check(what, probe, hint, doing="The VM shuts down", usual_s=USUAL_S)
        wait_for([check], deadline, report=report)
    except (DeadlineError, StorageError, WrongStateError):
        if not force:
            raise
        waits_for = stopping.read(info.console_log).waits_for
        log.warning("VM '%s' does not shut down; cutting its power.", info.name)
        driver.power_off()
        return _cut_by_us(info.name, waits_for, deadline)
    return _cut_by_guest(info.name, stopping.read(info.console_log).cut_off)


def _cut_by_us(vm: str, names: tuple[str, ...], deadline: Deadline) -> Boot2DockerError | None:
    if not names:
        return None
    return DeadlineError(
        f"VM '{vm}' is off, but these containers were cut off: {stopping.listed(names)}",
        details=f"they had time left to stop when {deadline.timeout_s:g} s had passed",
        resolution="Give more time with --timeout, or stop them first: docker stop",
    )


def _cut_by_guest(vm: str, names: tuple[str, ...]) -> Boot2DockerError | None:
    if not names:
        return None
    return GuestError(
        f"at the shutdown of VM '{vm}' these containers were cut off: {stopping.listed(names)}",
        details="the engine did not end a minute after the time that they have to stop",
        resolution="Look at what they wrote last. The engine's own words: boot2docker logs engine",
    )
