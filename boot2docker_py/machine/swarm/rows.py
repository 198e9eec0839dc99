"""What the nodes of a swarm are: by the hypervisor, by their own engines, and by a manager."""

from __future__ import annotations

import contextlib
from typing import Mapping, NamedTuple, Sequence

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import GuestError
from boot2docker_py.guest.swarm import Membership, Node
from boot2docker_py.machine.swarm import names_of_nodes
from boot2docker_py.machine.swarm.agreement import answering_manager
from boot2docker_py.machine.swarm.members import Member, running
from boot2docker_py.wait import Deadline


class Row(NamedTuple):
    """One node in a list: its VM, and what a manager says of it."""

    name: str
    state: State
    address: str
    memory_mb: int
    node: Node | None  # None: no manager can be asked, or it knows nothing of this VM
    membership: Membership | None = None  # None: its engine does not answer
    pin: str = ""  # the version of the image that it is pinned to


def rows_of(members: Sequence[Member], deadline: Deadline) -> list[Row]:
    """Return what each node is."""
    manager = answering_manager(running(members), deadline)
    nodes = {node.id: node for node in manager.engine.nodes(deadline)} if manager else {}
    return [_row(member, nodes, deadline) for member in members]


def node_of(member: Member, manager: Member, deadline: Deadline) -> Node | None:
    """Return what a manager knows of a VM; None if it is no node of its swarm."""
    nodes = {node.id: node for node in manager.engine.nodes(deadline)}
    return _row(member, nodes, deadline).node


def _row(member: Member, nodes: Mapping[str, Node], deadline: Deadline) -> Row:
    state, node, membership = member.state, None, None
    if state is State.RUNNING:
        with contextlib.suppress(GuestError):
            membership = member.engine.membership(deadline)
            node = nodes.get(membership.node_id)
    if node is None:
        host_name = names_of_nodes.host_name(member)
        of_name = [one for one in nodes.values() if one.host_name == host_name]
        node = of_name[0] if len(of_name) == 1 else None
    return Row(
        member.name,
        state,
        member.address,
        member.memory_mb,
        node,
        membership,
        member.pinned_version(),
    )
