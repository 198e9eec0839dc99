"""How a node leaves its swarm, when its tasks have gone: Docker's own commands."""

from __future__ import annotations

import logging
from typing import Sequence

from boot2docker_py.drivers.base import State
from boot2docker_py.errors import WrongStateError
from boot2docker_py.guest.swarm import Node
from boot2docker_py.machine.swarm import joining
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
    manager = joining.manager_of(running(others), deadline)
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
    manager.engine.change(node, deadline, availability="drain")

    def probe(left: Deadline) -> str | None:
        tasks = manager.engine.running_tasks(node, left)
        return f"{tasks} still run there" if tasks else None

    if node.state == "ready":
        what = f"the tasks of '{member.name}' to end"
        wait_for([Check(what, probe)], deadline, report=report)
    if node.role == "manager":
        again = joining.as_known_now(manager, node, deadline)
        manager.engine.change(again, deadline, role="worker", availability="drain")
    if member.state is State.RUNNING:
        member.engine.leave(deadline)
    manager.engine.remove(node, deadline)


def _demand_quorum(swarm: str, manager: Member, node: Node, deadline: Deadline) -> None:
    nodes = manager.engine.nodes(deadline)
    left = [one for one in nodes if one.role == "manager" and one.id != node.id]
    if node.role == "manager" and not any(one.is_reachable for one in left):
        raise WrongStateError(
            f"'{node.host_name}' is the only manager of swarm '{swarm}' that answers",
            resolution="Make another one a manager first: docker node promote NODE",
        )
