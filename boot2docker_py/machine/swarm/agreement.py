"""Managers that have to agree: they are asked again, and need more than half of them.

They give each other up after 5 s (Docker's "context deadline exceeded"), on a machine that is busy
for a moment as on one where the others are lost.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Callable, Iterator, Sequence

from boot2docker_py.errors import DeadlineError, GuestError
from boot2docker_py.guest.swarm import ASK_WITHIN_S, BusyManagersError
from boot2docker_py.machine.swarm.members import Member
from boot2docker_py.wait import Check, Deadline, Report, silent, wait_for

log = logging.getLogger(__name__)

# An election takes seconds; managers that do not agree by then have lost the others, it is assumed.
AGREE_WITHIN_S = 60.0
PAUSE_S = 1.0


def until_agreed(
    swarm: str, act: Callable[[Deadline], object], deadline: Deadline, report: Report = silent
) -> None:
    """Ask managers for something until they agree; `act` may find that it has been done.

    Raises:
        DeadlineError: they do not in time.
        GuestError: they refuse.
    """

    def probe(left: Deadline) -> str | None:
        try:
            act(left)
        except BusyManagersError as error:
            return error.details
        return None

    check = Check(f"the managers of swarm '{swarm}' to agree", probe)
    wait_for([check], deadline, report=report, pause_s=PAUSE_S)


def acting_manager(
    swarm: str, running: Sequence[Member], deadline: Deadline, report: Report = silent
) -> Member | None:
    """Return a VM whose engine manages a swarm that can decide; None if there is none in a minute.

    A manager answers questions also when it is alone, until it notices after some seconds. So each
    is asked to have the others agree, on what changes nothing.
    """
    found: list[Member] = []

    def probe(left: Deadline) -> str | None:
        reasons = []
        for member in _managers(running, left):
            try:
                _agree_on_nothing(member)
            except GuestError as error:
                log.debug("%s: %s", error.brief, error.details)
                reasons.append(f"{member.name}: {error.details}")
            else:
                found.append(member)
                return None
        return "; ".join(reasons) or "none of them is one"

    if any(True for _ in _managers(running, deadline)):
        check = Check(f"the managers of swarm '{swarm}' to agree", probe)
        within = Deadline(deadline.remaining_s(AGREE_WITHIN_S), deadline.clock)
        with contextlib.suppress(DeadlineError):
            wait_for([check], within, report=report, pause_s=PAUSE_S)
    return found[0] if found else None


def answering_manager(running: Sequence[Member], deadline: Deadline) -> Member | None:
    """Return a running VM whose engine manages a swarm and answers for it, None if none does.

    It may be alone: what it says takes no agreement.
    """
    for member in running:
        try:
            if member.engine.membership(deadline).is_manager:
                member.engine.nodes(deadline)
                return member
        except GuestError as error:
            log.debug("%s: %s", error.brief, error.details)
    return None


def _managers(running: Sequence[Member], deadline: Deadline) -> Iterator[Member]:
    for member in running:
        try:
            if member.engine.membership(deadline).is_manager:
                yield member
        except GuestError as error:
            log.debug("%s: %s", error.brief, error.details)


def _agree_on_nothing(member: Member) -> None:
    left = Deadline(ASK_WITHIN_S)
    own = member.engine.membership(left).node_id
    for node in member.engine.nodes(left):
        if node.id == own:
            member.engine.change(node, left)
            return
    raise GuestError(f"VM '{member.name}' is no node of its own swarm", vm=member.name)
