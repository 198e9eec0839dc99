"""How the engines of VMs become one swarm, from whatever they are: Docker's own commands."""

from __future__ import annotations

import contextlib
import logging
from typing import NamedTuple, Sequence

from boot2docker_py.errors import DeadlineError, GuestError, WrongStateError
from boot2docker_py.guest.swarm import (
    ASK_WITHIN_S,
    ERROR,
    INACTIVE,
    LOCKED,
    PENDING,
    Membership,
    Node,
)
from boot2docker_py.machine.swarm import names_of_nodes
from boot2docker_py.machine.swarm.admission import Admission
from boot2docker_py.machine.swarm.agreement import acting_manager, until_agreed
from boot2docker_py.machine.swarm.members import Member
from boot2docker_py.wait import Check, Deadline, Report, silent, wait_for

log = logging.getLogger(__name__)

BEGIN_WITHIN_S = 60.0  # a worker whose managers are lost never does


class Found(NamedTuple):
    """A node that runs, and what its engine is."""

    member: Member
    membership: Membership


def join_all(
    swarm: str,
    running: Sequence[Member],
    managers: int,
    deadline: Deadline,
    report: Report = silent,
) -> None:
    """Make one swarm of the running VMs; those that are in it stay what they are.

    Raises:
        WrongStateError: one is in another swarm, or what there is of managers cannot act.
        GuestError: an engine refuses.
    """
    found = _once_begun(swarm, running, deadline, report)
    leader = _manager(swarm, found, deadline, report)
    if leader is None:
        leader = running[0]
        log.info("Making the swarm '%s' on VM '%s'...", swarm, leader.name)
        leader.engine.create(leader.address, leader.overlay_pool, deadline)
        found = [Found(one.member, one.member.engine.membership(deadline)) for one in found]
    known = [node for node in leader.engine.nodes(deadline) if node.has_come]
    before, found = found, [_without_a_failed_try(one, known, deadline) for one in found]
    _demand_one_swarm(swarm, leader, found, known)
    admission = Admission(leader, deadline)
    # Managers may not have noticed yet that a VM was deleted, which is in no swarm since it is new.
    new = {
        names_of_nodes.host_name(one.member) for one in found if one.membership.state == INACTIVE
    }
    all_managers = [node for node in known if node.role == "manager"]
    lost = {one.host_name for one in all_managers if one.state == "down" or one.host_name in new}
    wanted = managers - sum(one.host_name not in lost for one in all_managers)
    for member, membership in found:
        if membership.state == INACTIVE:
            is_manager = wanted > 0 or names_of_nodes.host_name(member) in lost
            wanted -= is_manager
            log.info("VM '%s' joins as a %s...", member.name, "manager" if is_manager else "worker")
            admission.let_in(member, deadline, is_manager=is_manager)
    members = [one.member for one in found]
    wait_until_ready(swarm, leader, members, admission, deadline, report)
    until_agreed(
        swarm, lambda left: _forget_earlier_selves(leader, members, left), deadline, report
    )
    if admission.had_to_repeat or found != before:
        _forget_those_that_never_came(leader, deadline)


def _once_begun(
    swarm: str, members: Sequence[Member], deadline: Deadline, report: Report
) -> list[Found]:
    """Return what the engines are, and give managers among them time to become that again.

    On a busy machine an engine answers before: moby daemon/cluster/cluster.go, swarmConnectTimeout.
    """
    found: list[Found] = []

    def probe(left: Deadline) -> str | None:
        found[:] = [Found(member, member.engine.membership(left)) for member in members]
        pending = [one.member.name for one in found if one.membership.state == PENDING]
        if pending and not any(one.membership.is_manager for one in found):
            return f"not yet: {', '.join(pending)}"
        return None

    within = Deadline(deadline.remaining_s(BEGIN_WITHIN_S), deadline.clock)
    with contextlib.suppress(DeadlineError):
        wait_for([Check(f"the managers of swarm '{swarm}'", probe)], within, report=report)
    return found


def _without_a_failed_try(found: Found, known: Sequence[Node], deadline: Deadline) -> Found:
    """Let an engine leave that has given up joining, and that no manager has ever seen.

    It is one that a killed command has let in.
    """
    member, membership = found
    names = {node.host_name for node in known}
    if membership.state != ERROR or names_of_nodes.host_name(member) in names:
        return found
    log.info("VM '%s' gave up joining (%s).", member.name, membership.error)
    member.engine.leave(deadline)
    return Found(member, member.engine.membership(deadline))


def _manager(
    swarm: str, found: Sequence[Found], deadline: Deadline, report: Report
) -> Member | None:
    """Return a manager that can act; None when no engine is in any swarm."""
    if all(one.membership.state == INACTIVE for one in found):
        return None
    leader = acting_manager(swarm, [one.member for one in found], deadline, report)
    if leader is None:
        raise _no_manager(swarm, found)
    return leader


def _no_manager(swarm: str, found: Sequence[Found]) -> WrongStateError:
    facts = "; ".join(
        f"{one.member.name}: {one.membership.state} {one.membership.error}".strip() for one in found
    )
    managers = [one.member for one in found if one.membership.is_manager]
    at_odds = [one for one in found if one.membership.state in (ERROR, LOCKED)]
    if not managers and at_odds:
        return _at_odds(swarm, at_odds[0])
    if not managers:
        nodes = [one.member.name for one in found if one.membership.state != INACTIVE]
        return WrongStateError(
            f"the swarm '{swarm}' has lost its managers, and its services with them",
            details=f"Workers cannot act for them. {facts}",
            resolution="Let each worker leave, as in: boot2docker --vm "
            f"{nodes[0]} ssh docker swarm leave --force; then: boot2docker swarm up {swarm}",
        )
    return WrongStateError(
        f"the swarm '{swarm}' has no manager that can act",
        details=f"More than half of the managers have to run. {facts}",
        # An engine that has several addresses chooses none by itself.
        resolution=f"If the others are lost for good: boot2docker --vm {managers[0].name} ssh "
        f"docker swarm init --force-new-cluster --advertise-addr {managers[0].address}",
    )


def _at_odds(swarm: str, found: Found) -> WrongStateError:
    name, membership = found.member.name, found.membership
    if membership.state == LOCKED:
        brief, resolution = "is locked", f"boot2docker --vm {name} ssh docker swarm unlock"
    elif "not valid before" in membership.error:  # of crypto/x509, which docker quotes
        brief = "has certificates of a time to come"
        resolution = (
            "They were made while a clock was ahead. Wait until then, or make the swarm anew: "
            f"boot2docker swarm delete {swarm}; boot2docker swarm create {swarm}"
        )
    else:
        brief, resolution = "has a fault", f"boot2docker logs engine --vm {name}"
    return WrongStateError(
        f"the swarm of VM '{name}' {brief}, and no other manager can act",
        details=membership.error,
        resolution=resolution,
    )


def _demand_one_swarm(
    swarm: str, leader: Member, found: Sequence[Found], known: Sequence[Node]
) -> None:
    ids = {node.id for node in known}
    for member, membership in found:
        if membership.state not in (INACTIVE, PENDING) and membership.node_id not in ids:
            where = f"the engine of VM '{member.name}' is"
            raise WrongStateError(
                f"{where} not in the swarm of '{leader.name}'"
                if membership.state == ERROR
                else f"{where} in another swarm than that of '{leader.name}', or in one of "
                "another time",
                details=membership.error
                or "That happens when a snapshot of one node alone is restored.",
                resolution=f"boot2docker --vm {member.name} ssh docker swarm leave --force; then: "
                f"boot2docker swarm up {swarm}",
            )


def wait_until_ready(
    swarm: str,
    leader: Member,
    members: Sequence[Member],
    admission: Admission,
    deadline: Deadline,
    report: Report,
) -> None:
    """Wait until the manager says that each of the VMs is a node that takes tasks.

    Raises:
        GuestError: one that was let in gives up again and again.
    """

    def probe(until: Deadline) -> str | None:
        left = Deadline(ASK_WITHIN_S)
        try:
            ready = {node.id for node in leader.engine.nodes(left) if node.state == "ready"}
            own = {one.name: one.engine.membership(left) for one in members}
        except GuestError as error:  # it is busy, and may answer the next time
            return f"{error.brief}: {error.details}"
        for one in members:
            admission.repeat_if_given_up(one, own[one.name], until)
        missing = [
            f"{name} ({its.error or its.state})"
            for name, its in own.items()
            if its.node_id not in ready
        ]
        return f"not yet: {', '.join(missing)}" if missing else None

    what = f"all nodes of swarm '{swarm}' to be ready"
    hint = "Its engine's log has the reason: boot2docker logs engine --vm NODE"
    wait_for([Check(what, probe, hint)], deadline, report=report)


def _forget_earlier_selves(leader: Member, members: Sequence[Member], deadline: Deadline) -> None:
    """Remove what the managers know of VMs that were deleted and made anew.

    They may not have noticed yet that these are down, but each has lost its address to another.
    """
    own = {one.engine.membership(deadline).node_id: one.address for one in members}
    nodes = leader.engine.nodes(deadline)
    names = {node.host_name: own[node.id] for node in nodes if node.id in own}
    for node in nodes:
        is_gone = node.state == "down" or node.address == names.get(node.host_name)
        if node.id not in own and node.host_name in names and is_gone:
            log.info("Forgetting an earlier node '%s'.", node.host_name)
            if node.is_deciding:
                leader.engine.change(node.id, deadline, role="worker")
            leader.engine.remove(node, deadline)


def _forget_those_that_never_came(leader: Member, deadline: Deadline) -> None:
    """Remove what was noted of tries to join that came to nothing: nodes without a name."""
    for node in leader.engine.nodes(deadline):
        if node.has_come:
            continue
        try:
            leader.engine.remove(node, deadline)
        except GuestError as error:  # the swarm is complete all the same
            log.warning(
                "A node without a name stays in the list of nodes (%s): docker node rm %s",
                error.details,
                node.id,
            )
