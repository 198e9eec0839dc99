"""When a started VM is ready, as checks; and when it never will be."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import IS_ON, State, VMInfo, in_words
from boot2docker_py.errors import Boot2DockerError, GuestError, StorageError
from boot2docker_py.guest.engine_state import EngineState
from boot2docker_py.machine import console
from boot2docker_py.wait import Check, Deadline, Pauses

if TYPE_CHECKING:
    from boot2docker_py.machine.collaborators import Endpoint

log = logging.getLogger(__name__)

LookAtEngine = Callable[[Deadline], EngineState]

# Asking the hypervisor costs a connection; a VM that died may be noticed this much later.
ASK_HYPERVISOR_S = 1.0
# So does asking the guest, an SSH connection; one that needs long to answer is asked less often,
# and one that does not answer at all ever less: each question may keep it busy for a minute.
ASK_GUEST_S = 5.0
ASK_GUEST_WITHIN_S = 20.0
REST_FACTOR = 5
LONGEST_REST_S = 300.0
# What was asked and not waited for is answered all the same, before what is asked next: a slow
# engine is given more time each time.
PING_WITHIN_S, LONGEST_PING_S = 10.0, 160.0
# An engine that is about to be started again was seen between two steps; an ended one stays so.
TIMES_ENDED = 2
# What lasts no longer needs no reason; emulated CPUs boot in about half a minute.
USUAL_BOOT_S = 45.0
USUAL_S = 15.0
# A guest that boots again after a panic may be well then; one that panics again will not be.
PANICS = 2


def nothing_known(_deadline: Deadline) -> EngineState:
    """Return that nothing can be said of the engine."""
    return EngineState()


def checks(
    driver: Driver,
    endpoint: Endpoint,
    look_at_engine: LookAtEngine = nothing_known,
    *,
    boots: bool = True,
) -> list[Check]:
    """Return the checks in their order: SSH, then the engine; what cannot come ends the wait."""
    hint = f"See {words_of(driver.describe())}, or give more time with --timeout."
    alive = _Alive(driver)
    engine = _Engine(driver.describe().name, endpoint, look_at_engine)
    return [
        Check(
            "SSH",
            alive.unless(lambda _deadline: endpoint.unready()),
            hint,
            doing="The VM boots" if boots else "Connecting to the VM",
            usual_s=USUAL_BOOT_S if boots else USUAL_S,
        ),
        Check(
            "the Docker Engine",
            alive.unless(engine.probe),
            hint,
            doing="The engine starts" if boots else "Asking the engine",
            usual_s=USUAL_S,
        ),
    ]


def words_of(info: VMInfo) -> Path:
    """Return where to read what the VM said: its console, or the logs beside its settings."""
    return info.console_log or info.folder


def engine_has_ended(name: str, state: EngineState) -> GuestError:
    """Return the error for an engine that nothing is about to start again."""
    return GuestError(
        f"the Docker Engine of VM '{name}' has ended",
        details=state.last_words,
        resolution="Correct what it names, in the VM (boot2docker ssh), then: boot2docker restart",
    )


def held_by_hypervisor(name: str, reason: str) -> StorageError:
    """Return the error for a VM that its hypervisor has paused."""
    return StorageError(
        f"VM '{name}' was paused by its hypervisor",
        details=reason,
        resolution="Make space there, then: boot2docker up",
    )


def panicked(info: VMInfo, panic: console.Panic) -> GuestError:
    """Return the error for a VM whose kernel has given up."""
    return GuestError(
        f"the kernel of VM '{info.name}' has panicked",
        details=panic.words,
        resolution=f"See {words_of(info)}, then: boot2docker reset",
    )


class _Engine:
    """Asks the engine, and when it does not answer, now and then the guest."""

    def __init__(self, name: str, endpoint: Endpoint, look: LookAtEngine) -> None:
        self._name = name
        self._endpoint = endpoint
        self._look = look
        self._ask_at_s: float | None = None
        self._ended = 0
        self._unanswered = 0
        self._patience = Pauses(PING_WITHIN_S, LONGEST_PING_S)
        self._state, self._told_at_s = EngineState(), 0.0

    def probe(self, deadline: Deadline) -> str | None:
        """Return why the engine does not answer, None when it does.

        Raises:
            GuestError: it has ended.
        """
        reason = self._ping(deadline)
        if reason is None:
            return None
        now_s = deadline.clock.monotonic()
        if self._ask_at_s is None:
            self._ask_at_s = now_s + ASK_GUEST_S
        if now_s >= self._ask_at_s:
            self._ask(deadline)
            took_s = deadline.clock.monotonic() - now_s
            self._ask_at_s = now_s + max(ASK_GUEST_S, self._rest_s(took_s))
        told_s_ago = int(deadline.clock.monotonic() - self._told_at_s)
        return self._state._replace(script_s=self._state.script_s + told_s_ago).waits or reason

    def _ping(self, deadline: Deadline) -> str | None:
        began_s = deadline.clock.monotonic()
        within_s = max(PING_WITHIN_S, deadline.remaining_s(self._patience.upcoming_s))
        reason = self._endpoint.ping(within_s)
        if reason and deadline.clock.monotonic() - began_s >= within_s:
            self._patience.next()
        return reason

    def _rest_s(self, took_s: float) -> float:
        if self._ended:
            return took_s
        return min(LONGEST_REST_S, REST_FACTOR * took_s * (1 << self._unanswered))

    def _ask(self, deadline: Deadline) -> None:
        try:
            state = self._look(Deadline(deadline.remaining_s(ASK_GUEST_WITHIN_S), deadline.clock))
        except Boot2DockerError as error:
            log.debug("the guest does not tell of its engine: %s: %s", error.brief, error.details)
            self._unanswered += 1
            return
        self._state, self._told_at_s = state, deadline.clock.monotonic()
        self._unanswered = 0
        self._ended = self._ended + 1 if state.has_ended else 0
        # It may have come up since, and be well.
        if self._ended >= TIMES_ENDED and self._endpoint.ping() is not None:
            raise engine_has_ended(self._name, state)


class _Alive:
    """Puts an end to a wait when the VM itself has died, or will not come further."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._asked_at_s = float("-inf")
        found = console.last_panic(driver.describe().console_log)
        self._known_panics = found.told if found else 0

    def unless(self, probe: Callable[[Deadline], str | None]) -> Callable[[Deadline], str | None]:
        """Return `probe`, made to raise when it is not true and cannot become so any more."""

        def probe_of_living(deadline: Deadline) -> str | None:
            reason = probe(deadline)
            now_s = deadline.clock.monotonic()
            if reason is not None and now_s - self._asked_at_s >= ASK_HYPERVISOR_S:
                self._asked_at_s = now_s
                self._refuse_dead()
                reason = self._refuse_panicked() or reason
            return reason

        return probe_of_living

    def _refuse_dead(self) -> None:
        state = self._driver.state()
        if state not in IS_ON:
            info = self._driver.describe()
            raise GuestError(
                f"VM '{info.name}' stopped while it was starting",
                details=f"it is {in_words(state)}; {self._driver.problem()}".rstrip("; "),
                resolution=f"See {words_of(info)}.",
            )
        held = self._driver.why_paused() if state is State.PAUSED else ""
        if held:
            raise held_by_hypervisor(self._driver.describe().name, held)

    def _refuse_panicked(self) -> str:
        info = self._driver.describe()
        panic = console.last_panic(info.console_log)
        if panic is None:
            return ""
        new = panic.told - self._known_panics
        if panic.is_for_good or new >= PANICS:
            raise panicked(info, panic)
        return f"its kernel has panicked, and boots again: {panic.words}" if new > 0 else ""
