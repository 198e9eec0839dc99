"""`boot2docker swarm`: several VMs with one Docker Swarm."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Callable, Mapping, NamedTuple

import click
from click.core import ParameterSource

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.usage import unknown_action
from boot2docker_py.config import values
from boot2docker_py.errors import Boot2DockerError, UsageError
from boot2docker_py.wait import silent

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts
    from boot2docker_py.machine.swarm import Row, Swarm

USUAL_REGISTRY = "registry:2"
HEADINGS = ("NODE", "VM", "ROLE", "STATUS", "AVAILABILITY", "ADDRESS", "MEMORY")

log = logging.getLogger(__name__)


class Wish(NamedTuple):
    """What was typed behind the name of the swarm."""

    what: str
    nodes: int
    managers: int
    force: bool
    registry: str  # the image of one; empty: none


@app.command(named="memory_mb cpus disk_mb")
@click.argument("action", default="ls", metavar="ACTION")
@click.argument("name", required=False)
@click.argument("what", required=False)
@click.option("--nodes", type=int, default=3, show_default=True, help="VMs of a new swarm.")
@click.option("--managers", type=int, default=1, show_default=True, help="Managers among them.")
@click.option("--force", "-f", is_flag=True, help="With down: cut the power in the end.")
@click.option(
    "--registry",
    is_flag=False,
    flag_value=USUAL_REGISTRY,
    default="",
    metavar="[IMAGE]",
    help=f"With create: run a registry, of {USUAL_REGISTRY}.",
)
@with_session
def swarm(
    session: Session,
    action: str,
    name: str | None,
    what: str | None,
    *,
    nodes: int,
    managers: int,
    force: bool,
    registry: str,
) -> None:
    """Run several VMs as one Docker Swarm.

    ACTION is create, ls, add, remove, up, down, save, snapshot, reset, load, join-command, delete.
    Nodes are VMs NAME-1, NAME-2...; context NAME leads to a manager; ports of services are at
    localhost. `add NAME COUNT`, `remove NAME NODE`, `load NAME IMAGE`, `snapshot` or
    `reset NAME SNAPSHOT`.

    Example: boot2docker swarm create demo --nodes 3 --memory 1g
    boot2docker swarm delete demo
    """
    act = ACTIONS.get(action)
    if act is None:
        raise unknown_action("swarm", action, ACTIONS)
    _demand_flags_of(action)
    if what is not None and action not in TAKE_MORE:
        raise UsageError(
            f"swarm {action} takes no argument '{what}' behind the name",
            resolution="boot2docker help swarm",
        )
    if name is None and action == "ls":
        _list_swarms(session)
        return
    if name is None:
        raise UsageError(
            f"which swarm? swarm {action} needs a name",
            resolution=f"boot2docker swarm {action} NAME",
        )
    wish = Wish(what or "", nodes, managers, force, registry)
    act(session, _swarm(session, name), wish)


def _demand_flags_of(action: str) -> None:
    """Refuse a flag that the action would read and ignore."""
    context = click.get_current_context()
    for flag, actions in GO_WITH.items():
        is_typed = context.get_parameter_source(flag) is ParameterSource.COMMANDLINE
        if is_typed and action not in actions:
            raise UsageError(
                f"--{flag} goes with {' or '.join(actions)}", resolution="boot2docker help swarm"
            )


def _swarm(session: Session, name: str) -> Swarm:
    from boot2docker_py.machine.swarm import Swarm

    try:
        name = values.network_name(name)
    except ValueError as error:
        raise UsageError(f"the name of a swarm {error}") from error
    if not name:  # of a script whose variable is not set
        raise UsageError("the name of the swarm is empty", resolution="boot2docker help swarm")
    session.take({"internal_network": name})
    return Swarm(name, session.paths.vm_names, lambda vm: _quiet(session, vm), session.show)


def _quiet(session: Session, vm_name: str) -> Parts:
    """Return the parts of a node; what several of them wait for at once has no one line."""
    parts = session.other(vm_name)
    parts.show = silent
    return parts


def _create(session: Session, swarm: Swarm, wish: Wish) -> None:
    from boot2docker_py.machine.swarm import Wishes
    from boot2docker_py.machine.swarm.loading import demand_name

    if wish.registry:
        demand_name(wish.registry)
    swarm.create(Wishes(wish.nodes, wish.managers), session.deadline)
    served = swarm.serve_images(wish.registry, session.deadline) if wish.registry else None
    _is_up(session, swarm, registry=served and served._asdict())
    if served and not session.as_json:
        screen.words(f"Images that are pushed to {served.address}/ are there for all nodes.")


def _add(session: Session, swarm: Swarm, wish: Wish) -> None:
    try:
        count = values.whole_number(1, 50)(wish.what or "1")
    except ValueError as error:
        raise UsageError(f"the number of new nodes {error}") from error
    swarm.add(count, session.deadline, managers=wish.managers)
    _is_up(session, swarm)


def _up(session: Session, swarm: Swarm, _wish: Wish) -> None:
    swarm.up(session.deadline)
    _is_up(session, swarm)


def _reset(session: Session, swarm: Swarm, wish: Wish) -> None:
    swarm.reset_to(_named("reset", wish, "SNAPSHOT"), session.deadline)
    _is_up(session, swarm)


def _remove(session: Session, swarm: Swarm, wish: Wish) -> None:
    node = _named("remove", wish, "NODE")
    context = session.other(node).context
    swarm.remove(node, session.deadline)
    context.remove()
    words = f"'{node}' is no node of swarm '{swarm.name}' any more, and its VM is deleted."
    _answer(session, swarm, words)


def _snapshot(session: Session, swarm: Swarm, wish: Wish) -> None:
    snapshot = _named("snapshot", wish, "SNAPSHOT")
    swarm.take_snapshot(snapshot, session.deadline)
    words = f"The snapshot '{snapshot}' of all nodes of swarm '{swarm.name}' is taken."
    _answer(session, swarm, words)


def _down(session: Session, swarm: Swarm, wish: Wish) -> None:
    swarm.down(session.deadline, force=wish.force)
    _answer(session, swarm, f"All nodes of swarm '{swarm.name}' are off.")


def _save(session: Session, swarm: Swarm, _wish: Wish) -> None:
    swarm.save(session.deadline)
    _answer(session, swarm, f"The nodes of swarm '{swarm.name}' that ran are saved.")


def _delete(session: Session, swarm: Swarm, _wish: Wish) -> None:
    from boot2docker_py.docker.contexts import Context

    contexts = [session.other(member.name).context for member in swarm.members()]
    was_there = swarm.delete(session.deadline, session.paths.names_with_files())
    for context in (*contexts, Context(session.docker_config, session.paths.vm(swarm.name))):
        context.remove()
    shutil.rmtree(session.paths.swarm_socket(swarm.name).parent, ignore_errors=True)
    if session.as_json:
        screen.json_object({"swarm": swarm.name, "deleted": was_there})
    else:
        words = "is deleted, with its VMs and their disks." if was_there else "is not there."
        screen.words(f"The swarm '{swarm.name}' {words}")


def _show(session: Session, swarm: Swarm, _wish: Wish) -> None:
    _list_nodes(session, swarm)


def _load(session: Session, swarm: Swarm, wish: Wish) -> None:
    loaded = swarm.load(_named("load", wish, "IMAGE"), session.deadline)
    if session.as_json:
        screen.json_object({"swarm": swarm.name, **loaded._asdict()})
    elif loaded.targets:
        screen.words(f"{', '.join(loaded.targets)} got '{loaded.image}' from '{loaded.source}'.")
    else:
        screen.words(f"All nodes that run have '{loaded.image}'.")


def _invite(session: Session, swarm: Swarm, wish: Wish) -> None:
    role = wish.what or "worker"
    if role not in ("worker", "manager"):
        raise UsageError(
            f"a node joins as a worker or as a manager, not as '{role}'",
            resolution=f"boot2docker swarm join-command {swarm.name} worker",
        )
    invitation = swarm.invitation(session.deadline, as_manager=role == "manager")
    if session.as_json:
        screen.json_object({"swarm": swarm.name, "role": role, **invitation._asdict()})
        return
    screen.data(invitation.command)
    screen.words(
        f"That is a secret. It works where {invitation.address} can be reached: in VMs made with "
        f"--internal-network {swarm.name}. Other machines cannot reach it, since that network ends "
        "in this one."
    )


ACTIONS: Mapping[str, Callable[[Session, Swarm, Wish], None]] = {
    "create": _create,
    "ls": _show,
    "add": _add,
    "remove": _remove,
    "up": _up,
    "down": _down,
    "save": _save,
    "snapshot": _snapshot,
    "reset": _reset,
    "load": _load,
    "join-command": _invite,
    "delete": _delete,
}
GO_WITH = {
    "nodes": ("create",),
    "managers": ("create", "add"),
    "registry": ("create",),
    "force": ("down",),
}
TAKE_MORE = ("add", "remove", "snapshot", "reset", "load", "join-command")


def _named(action: str, wish: Wish, metavar: str) -> str:
    if not wish.what:
        raise UsageError(
            f"swarm {action} needs a name: {metavar}",
            resolution=f"boot2docker swarm {action} NAME {metavar}",
        )
    return wish.what


def _is_up(session: Session, swarm: Swarm, **more: object) -> None:
    """Publish the context, and say what there is."""
    from boot2docker_py.docker.contexts import Context
    from boot2docker_py.endpoint.of_vm import docker_host_of_swarm, ping_swarm

    socket = session.paths.swarm_socket(swarm.name)
    swarm.wait_until_served(lambda: ping_swarm(socket), session.deadline)
    docker_host = docker_host_of_swarm(socket)
    context = Context(session.docker_config, session.paths.vm(swarm.name))
    facts: dict[str, object] = {"context": None, "docker_host": docker_host}
    facts.update((name, fact) for name, fact in more.items() if fact)
    try:
        context.publish(docker_host)
        facts["context"] = context.name
    except Boot2DockerError as problem:
        log.warning("%s", problem.in_a_line())
    _list_nodes(session, swarm, **facts)
    if facts.get("context") and not session.as_json:
        screen.words(f"For docker to use it: docker --context {facts['context']} ...")


def _list_nodes(session: Session, swarm: Swarm, **facts: object) -> None:
    from boot2docker_py.machine.swarm import differences

    rows = swarm.rows(session.deadline)
    found = differences.among(swarm.name, rows)
    if session.as_json:
        nodes = [_facts(row) for row in rows]
        apart = [one._asdict() for one in found]
        screen.json_object({"swarm": swarm.name, "nodes": nodes, "differences": apart, **facts})
        return
    screen.table([HEADINGS, *map(_row, rows)])
    for one in found:
        screen.words(f"{one.found[0].upper()}{one.found[1:]}. To put it right: {one.fix}")


def _answer(session: Session, swarm: Swarm, words: str) -> None:
    if session.as_json:
        states = {member.name: member.state.value for member in swarm.members()}
        screen.json_object({"swarm": swarm.name, "vms": states})
    else:
        screen.words(words)


def _list_swarms(session: Session) -> None:
    from boot2docker_py.machine.swarm import members

    found = members.networks(session.paths.vm_names(), session.other)
    if session.as_json:
        screen.json_object({"swarms": [{"name": name, "vms": vms} for name, vms in found.items()]})
    elif not found:
        screen.words("There is no swarm; make one: boot2docker swarm create NAME")
    else:
        screen.table([("SWARM", "VMS"), *((name, ", ".join(vms)) for name, vms in found.items())])


def _row(row: Row) -> tuple[str, ...]:
    node = row.node
    role = ("leader" if node.is_leader else node.role) if node else "-"
    return (
        row.name,
        row.state.value,
        screen.plain(role),
        screen.plain(node.state if node else "unknown"),
        screen.plain(node.availability if node else "-"),
        row.address,
        f"{row.memory_mb} MB",
    )


def _facts(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "state": row.state.value,
        "address": row.address,
        "memory_mb": row.memory_mb,
        "node": row.node._asdict() if row.node else None,
        "engine_version": row.membership.engine_version if row.membership else None,
        "system": row.membership.system if row.membership else None,
    }
