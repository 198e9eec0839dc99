"""A snapshot of a whole swarm: what its nodes know of each other is of one time only so."""

from __future__ import annotations

import contextlib
from typing import Iterator, Sequence

from boot2docker_py import lock, whole_file
from boot2docker_py.advice import quoted
from boot2docker_py.errors import NotFoundError, UsageError, about
from boot2docker_py.machine.life import announce
from boot2docker_py.machine.resets import demand_name, unfinished_in_swarm
from boot2docker_py.machine.swarm.members import Member
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Deadline


@contextlib.contextmanager
def alone(
    swarm: str, members: Sequence[Member], purpose: str, deadline: Deadline
) -> Iterator[None]:
    """Let no other take snapshots of the swarm, or go back to them, for a `with` block.

    Raises:
        BusyError: another does when the deadline passes.
    """
    with lock.hold(
        members[0].parts.paths.swarm_lock(swarm),
        deadline,
        purpose=purpose,
        guarded=f"the swarm '{swarm}'",
        on_wait=announce,
        is_needed=lambda: False,
    ):
        yield


def demand_of_all(swarm: str, members: Sequence[Member], name: str) -> None:
    """Raise NotFoundError when a node does not have the snapshot."""
    without = [member for member in members if not has(member, name)]
    if not without:
        return
    again = f"boot2docker swarm snapshot {swarm} {quoted(name)}"
    is_complete = len(without) < len(members) and not any(
        unfinished_in_swarm(_paths(member)) == name for member in members
    )
    if is_complete:  # of those that were in the swarm then
        again = (
            f"Take them out: boot2docker swarm remove {swarm} {quoted(without[0].name)}\n"
            f"Or take one of all, of another name: boot2docker swarm snapshot {swarm} NAME"
        )
    raise NotFoundError(
        f"no snapshot '{name}' of: {', '.join(member.name for member in without)}",
        details="A swarm goes back as a whole or not at all.",
        resolution=again,
    )


def has(member: Member, name: str) -> bool:
    """Tell whether a node has the snapshot."""
    with about(member.name):
        return name in {one.name for one in member.parts.machine.snapshots()}


def take(swarm: str, members: Sequence[Member], name: str, deadline: Deadline) -> None:
    """Take a snapshot of every node, anew of those that have it of a try that was cut short.

    Raises:
        UsageError: the name cannot be one, or a node has another snapshot of that name.
    """
    demand_name(name)
    # Else what another is taking would look as what one that was killed has left.
    with alone(swarm, members, "swarm snapshot", deadline):
        left = [member for member in members if has(member, name)]
        for member in left:
            _demand_unfinished(member, name)
        for member in left:
            with about(member.name):
                member.parts.machine.delete_snapshot(name, deadline)
        for member in members:
            with about(member.name):
                _note(_paths(member), name)
                member.parts.machine.take_snapshot(name, deadline)
        for member in members:
            whole_file.remove(_paths(member).swarm_snapshot)


def _demand_unfinished(member: Member, name: str) -> None:
    if unfinished_in_swarm(_paths(member)) != name:
        vm = quoted(member.name)
        raise UsageError(
            f"node '{member.name}' has a snapshot '{name}' already",
            resolution="Choose another name, or delete that one: "
            f"boot2docker --vm {vm} snapshot delete {quoted(name)}",
        )


def _note(paths: VMPaths, name: str) -> None:
    make_private_folder(paths.folder)
    whole_file.write(paths.swarm_snapshot, name.encode())


def _paths(member: Member) -> VMPaths:
    return member.parts.paths.vm(member.name)
