"""One visit of the doctor: all is looked at, what can be fixed is, and looked at again."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, NamedTuple, Sequence, TypeVar

from boot2docker_py.drivers.model import State
from boot2docker_py.host import autostart
from boot2docker_py.machine.doctor import CHECKS, remedies
from boot2docker_py.machine.doctor.findings import Check, Finding, Patient
from boot2docker_py.machine.doctor.of_files import give_rights
from boot2docker_py.machine.doctor.remedies import Outcome, Remedy
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts

FORWARD_WITHIN_S = 60.0

_Shown = TypeVar("_Shown", Finding, Outcome)


class Visit(NamedTuple):
    """What a visit has come to."""

    found: Sequence[Finding]  # with fixes: as it is after them
    outcomes: Sequence[Outcome]


def pay(parts: Parts, *, fix: bool, show: Callable[[Finding | Outcome], None]) -> Visit:
    """Look at everything; with `fix`, do what can be done safely about it, and look again.

    `show` is called with each finding and each outcome as soon as it is there.
    """
    found = list(_shown(_look(parts, CHECKS), show))
    if not fix:
        return Visit(found, ())
    outcomes = list(_shown(remedies.apply(found, _remedies(parts), parts.paths.home), show))
    if not outcomes:
        return Visit(found, ())
    again = remedies.to_look_at_again(CHECKS, found)
    repeated = {check.id for check in again}
    kept = [finding for finding in found if finding.id not in repeated]
    return Visit([*kept, *_shown(_look(parts, again), show)], outcomes)


def _look(parts: Parts, checks: Sequence[Check]) -> Iterator[Finding]:
    patient = _patient(parts)
    for check in checks:
        yield from check.look(patient)


def _shown(those: Iterable[_Shown], show: Callable[[_Shown], None]) -> Iterator[_Shown]:
    for one in those:
        show(one)
        yield one


def _remedies(parts: Parts) -> list[Remedy]:
    """Return what may be done for which finding, in this order: one may need another."""

    def forward() -> None:
        parts.machine.forward(Deadline(parts.deadline.remaining_s(FORWARD_WITHIN_S)))

    home = parts.paths.home
    # Windows asks an administrator for a change of an adapter.
    can_change_adapters = sys.platform != "win32"
    of_adapter = Remedy(
        "adapter", "put the host-only adapter right", lambda: parts.driver.repair_host_only()
    )
    return [
        *([of_adapter] if can_change_adapters else []),
        Remedy("files", "gave you the rights on your files", lambda: give_rights(home)),
        Remedy("forwarder", "started the forwarder", forward),
        Remedy("clock", "set the clock of the VM", lambda: parts.access.keep_clock_right()),
        Remedy("context", "put the docker context right", lambda: _fix_context(parts)),
        Remedy("tls", "fetched certificates anew", lambda: parts.access.docker_over_tls()),
    ]


def _fix_context(parts: Parts) -> None:
    if parts.driver.state() is State.ABSENT:
        parts.context.remove()
    else:
        parts.context.publish(parts.endpoint.docker_host)


def _patient(parts: Parts) -> Patient:
    return Patient(
        vm=parts.config.vm,
        open_driver=lambda: parts.driver,
        endpoint=parts.endpoint,
        connect=lambda address, deadline: parts.access.connect(address, deadline),
        exchange=lambda deadline, is_plain: parts.access.exchange_problem(
            deadline, is_plain=is_plain
        ),
        is_plain=parts.config.plain_ssh,
        look_at_engine=lambda deadline: parts.access.engine_state(deadline),
        context=parts.context,
        docker_config=parts.docker_config,
        certificates=parts.paths.certificates(parts.config.vm),
        home=parts.paths.home,
        environ=os.environ,
        platform=sys.platform,
        autostart=autostart.entry(parts.config.vm),
        now_s=time.time,
        deadline=parts.deadline,
    )
