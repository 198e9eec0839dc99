"""How a node leaves its swarm, when its tasks have gone: Docker's own commands."""

from __future__ import annotations

import logging
from functools import partial
from typing import Sequence

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import WrongStateError
from boot2docker_py.guest.swarm import INACTIVE, Node
from boot2docker_py.machine.swarm.agreement import acting_manager, until_agreed
from boot2docker_py.machine.swarm.members import Member, running
from boot2docker_py.machine.swarm.rows import node_of
from boot2docker_py.wait import Check, Deadline, Report, silent, wait_for

log = logging.getLogger(__name__)


def leave(
    swarm: str,
    member: Member,
    others: Sequence[Member],
    deadline: Deadline,
    report: Report = silent,
) -> None:
    """Take a node out of its swarm when its tasks have gone to the others.

    Raises:
        WrongStateError: the managers that are left could not act without it.
        DeadlineError: its tasks do not end in time.
    """
    manager = acting_manager(swarm, running(others), deadline, report)
    if manager is None:
        raise WrongStateError(
            f"no other node can act for the swarm '{swarm}'",
            resolution=f"boot2docker swarm up {swarm}",
        )
    node = node_of(member, manager, deadline)
    if node is None:
        return  # it never joined
    _demand_quorum(swarm, manager, node, deadline)
    log.info("Moving the tasks of '%s' elsewhere...", member.name)
    engine = manager.engine
    agree = partial(until_agreed, swarm, deadline=deadline, report=report)
    agree(lambda left: engine.change(node.id, left, availability="drain"))

    def probe(left: Deadline) -> str | None:
        tasks = engine.running_tasks(node, left)
        return f"{tasks} still run there" if tasks else None

    if node.state == "ready":
        what = f"the tasks of '{member.name}' to end"
        wait_for([Check(what, probe)], deadline, report=report)
    if node.is_deciding:
        agree(lambda left: engine.change(node.id, left, role="worker", availability="drain"))
    if member.state is State.RUNNING:
        agree(lambda left: _let_leave(member, left))
    agree(lambda left: _remove(manager, node, left))


def _let_leave(member: Member, deadline: Deadline) -> None:
    if member.engine.membership(deadline).state != INACTIVE:
        member.engine.leave(deadline)


def _remove(manager: Member, node: Node, deadline: Deadline) -> None:
    if node.id in {one.id for one in manager.engine.nodes(deadline)}:
        manager.engine.remove(node, deadline)


def _demand_quorum(swarm: str, manager: Member, node: Node, deadline: Deadline) -> None:
    if not node.is_deciding:
        return
    nodes = manager.engine.nodes(deadline)
    left = [one for one in nodes if one.is_deciding and one.id != node.id]
    silent_ones = [one.host_name for one in left if not one.is_reachable]
    if 2 * len(silent_ones) >= len(left):
        raise WrongStateError(
            f"the managers of swarm '{swarm}' could not act without '{node.host_name}'",
            details=f"These do not answer: {', '.join(silent_ones)}.",
            resolution=f"Bring them up, or remove them, first: boot2docker swarm up {swarm}",
        )
