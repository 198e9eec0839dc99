"""When a started VM is ready, as checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable

from boot2docker_py.drivers.base import IS_ON, Driver, VMInfo
from boot2docker_py.errors import GuestError
from boot2docker_py.wait import Check, Deadline

if TYPE_CHECKING:
    from boot2docker_py.machine.collaborators import Endpoint

# Asking the hypervisor costs a connection; a VM that died may be noticed this much later.
ASK_HYPERVISOR_S = 1.0


def checks(driver: Driver, endpoint: Endpoint) -> list[Check]:
    """Return the checks in their order: SSH, then the engine; a VM that has died ends the wait."""
    hint = f"See {words_of(driver.describe())}, or give more time with --timeout."
    alive = _Alive(driver)
    return [
        Check("SSH", alive.unless(endpoint.unready), hint),
        Check("the Docker Engine", alive.unless(endpoint.ping), hint),
    ]


def words_of(info: VMInfo) -> Path:
    """Return where to read what the VM said: its console, or the logs beside its settings."""
    return info.console_log or info.folder


class _Alive:
    """Puts an end to a wait when the VM itself has died."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._asked_at_s = float("-inf")

    def unless(self, probe: Callable[[], str | None]) -> Callable[[Deadline], str | None]:
        """Return `probe`, made to raise when it is not true and the VM does not run any more."""

        def probe_of_living(deadline: Deadline) -> str | None:
            reason = probe()
            now_s = deadline.clock.monotonic()
            if reason is not None and now_s - self._asked_at_s >= ASK_HYPERVISOR_S:
                self._asked_at_s = now_s
                self._refuse_dead()
            return reason

        return probe_of_living

    def _refuse_dead(self) -> None:
        state = self._driver.state()
        if state not in IS_ON:
            info = self._driver.describe()
            raise GuestError(
                f"VM '{info.name}' stopped while it was starting",
                details=f"it is {state.value}; {self._driver.problem()}".rstrip("; "),
                resolution=f"See {words_of(info)}.",
            )
