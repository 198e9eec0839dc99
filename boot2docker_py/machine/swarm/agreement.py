"""Managers that have to agree: they are asked again, and need more than half of them.

They give each other up after 5 s (Docker's "context deadline exceeded"), on a machine that is busy
for a moment as on one where the others are lost.
"""

from __future__ import annotations

import logging
from typing import Callable, Iterator, Sequence

from boot2docker_py.errors import DeadlineError, GuestError
from boot2docker_py.guest.swarm import ASK_WITHIN_S, BusyManagersError, Membership
from boot2docker_py.machine.swarm.members import Member
from boot2docker_py.wait import Check, Deadline, Pauses, Report, silent, wait_for

log = logging.getLogger(__name__)

# So long managers have that are too few by what they say themselves: others may be elsewhere.
TOO_FEW_AGREE_WITHIN_S = 60.0
PAUSE_S = 1.0
# An engine whose managers have no leader is silent for 20 s, and they may have one in the next.
FIRST_PATIENCE_S = 2.0


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
    """Return a VM whose engine manages a swarm that can decide; None if too few managers run.

    A manager answers questions also when it is alone, until it notices after some seconds. So each
    is asked to have the others agree, on what changes nothing.

    Raises:
        DeadlineError: enough managers run, and do not agree in time.
    """
    found: list[Member] = []

    def probe(_left: Deadline) -> str | None:
        reasons, within_s = [], patience.next()
        for member, membership in managers:
            try:
                member.engine.change(membership.node_id, Deadline(within_s))
            except GuestError as error:
                log.debug("%s: %s", error.brief, error.details)
                reasons.append(f"{member.name}: {error.details}")
            else:
                found.append(member)
                return None
        return "; ".join(reasons)

    patience = Pauses(FIRST_PATIENCE_S, ASK_WITHIN_S)
    managers = list(_managers(running, deadline))
    if not managers:
        return None
    are_enough = _are_enough([membership for _member, membership in managers])
    within_s = deadline.remaining_s() if are_enough else TOO_FEW_AGREE_WITHIN_S
    within = Deadline(deadline.remaining_s(within_s), deadline.clock)
    hint = "Is the machine too busy? boot2docker logs engine --vm NODE"
    check = Check(f"the managers of swarm '{swarm}' to agree", probe, hint)
    try:
        wait_for([check], within, report=report, pause_s=PAUSE_S)
    except DeadlineError:
        if are_enough:
            raise
    return found[0] if found else None


def _are_enough(managers: Sequence[Membership]) -> bool:
    """Tell whether these are more than half of all that they know."""
    known = {node_id for one in managers for node_id in (one.node_id, *one.managers)}
    return 2 * len(managers) > len(known)


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


def _managers(running: Sequence[Member], deadline: Deadline) -> Iterator[tuple[Member, Membership]]:
    for member in running:
        try:
            membership = member.engine.membership(deadline)
        except GuestError as error:
            log.debug("%s: %s", error.brief, error.details)
            continue
        if membership.is_manager:
            yield member, membership
