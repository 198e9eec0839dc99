"""A swarm, by its name: made, added to, put to sleep and woken, taken apart."""

from __future__ import annotations

import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable, Iterable, NamedTuple, Sequence

from boot2docker_py.drivers import host
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import (
    Boot2DockerError,
    GuestError,
    NotFoundError,
    UsageError,
    WrongStateError,
    about,
)
from boot2docker_py.guest.swarm import PORT
from boot2docker_py.machine.swarm import (
    joining,
    leaving,
    loading,
    names_of_nodes,
    registry,
    snapshots,
)
from boot2docker_py.machine.swarm.agreement import acting_manager
from boot2docker_py.machine.swarm.members import Member, PartsOf, of_swarm, running
from boot2docker_py.machine.swarm.rows import Row, rows_of
from boot2docker_py.machine.swarm.wishes import Wishes, demand_memory, is_node_name, node_names
from boot2docker_py.wait import Check, Deadline, Report, silent, wait_for

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts

log = logging.getLogger(__name__)

AT_ONCE = 4  # VMs that start side by side; more share the same CPUs and disk


class Invitation(NamedTuple):
    """What an engine types to join, a secret; and the network that it has to be on."""

    command: str
    address: str


class Swarm:
    """One swarm, there or not."""

    def __init__(
        self,
        name: str,
        names: Callable[[], Iterable[str]],
        parts_of: PartsOf,
        report: Report = silent,
    ) -> None:
        """`names` are those of all VMs of this user."""
        self.name = name
        self._names = names
        self._parts_of = parts_of
        self._report = report

    def members(self) -> list[Member]:
        """Return the VMs of the swarm; none if there is no such swarm."""
        return of_swarm(self.name, self._names(), self._parts_of)

    def rows(self, deadline: Deadline) -> list[Row]:
        """Return what each node is."""
        return rows_of(self._existing(), deadline)

    def create(self, wishes: Wishes, deadline: Deadline) -> list[Member]:
        """Make what is missing of a swarm, and bring all of it up; return its nodes.

        Raises:
            UsageError: there is not enough memory, or a name is taken; nothing is made then.
        """
        wishes.demand_sound()
        present = self.members()
        names = node_names(self.name, [one.name for one in present], wishes.nodes)
        missing = [name for name in names if name not in {one.name for one in present}]
        self._demand_possible(missing, present)
        for name in missing:
            with about(name):
                self._parts_of(name).machine.init(deadline)
        return self.up(deadline, managers=wishes.managers)

    def add(self, count: int, deadline: Deadline, *, managers: int = 1) -> list[Member]:
        """Make more nodes, of which some become managers if there are fewer; return all nodes."""
        return self.create(Wishes(len(self._existing()) + count, managers), deadline)

    def up(self, deadline: Deadline, *, managers: int = 1) -> list[Member]:
        """Bring all nodes up, and those in that are in no swarm yet."""
        members = self._existing()
        _each(members, lambda member: member.up(deadline))
        joining.join_all(self.name, members, managers, deadline, self._report)
        names_of_nodes.tell(members, deadline)
        return members

    def down(self, deadline: Deadline, *, force: bool = False) -> None:
        """Shut all nodes down, the managers last, which place tasks until then."""
        members = self._existing()
        _workers_first(members, lambda one: one.parts.machine.down(deadline, force=force), deadline)

    def save(self, deadline: Deadline) -> None:
        """Save the memory of all nodes that are on."""
        on = [member for member in self._existing() if member.is_on]
        _each(on, lambda member: member.parts.machine.save(deadline))

    def take_snapshot(self, name: str, deadline: Deadline) -> None:
        """Take a snapshot of every node; a try that was cut short begins anew.

        Raises:
            UsageError: the name cannot be one, or a node has another snapshot of that name.
        """
        snapshots.take(self.name, self._existing(), name, deadline)

    def reset_to(self, name: str, deadline: Deadline) -> list[Member]:
        """Bring all nodes back to a snapshot that each of them has, or none.

        Raises:
            NotFoundError: one has no such snapshot; nothing is changed.
        """
        members = self._existing()
        with snapshots.alone(self.name, members, "swarm reset", deadline):
            snapshots.demand_of_all(self.name, members, name)
            _each(members, lambda member: member.parts.machine.reset_to(name, deadline))
            return self.up(deadline)

    def remove(self, node_name: str, deadline: Deadline) -> None:
        """Take a node out of the swarm, when its tasks have gone elsewhere, and delete its VM.

        Raises:
            NotFoundError: there is no such node.
            WrongStateError: it is the last one, or the managers could not act without it.
        """
        members = self._existing()
        member = next((one for one in members if one.name == node_name), None)
        if member is None:
            raise NotFoundError(
                f"the swarm '{self.name}' has no node '{node_name}'",
                details=f"It has: {', '.join(one.name for one in members)}.",
            )
        others = [one for one in members if one is not member]
        if not others:
            raise WrongStateError(
                f"'{node_name}' is the last node of swarm '{self.name}'",
                resolution=f"boot2docker swarm delete {self.name}",
            )
        leaving.leave(self.name, member, others, deadline, self._report)
        with about(member.name):
            member.parts.machine.delete(deadline)
        names_of_nodes.tell(running(others), deadline)

    def delete(self, deadline: Deadline, named: Iterable[str] = ()) -> bool:
        """Delete all nodes with their disks; tell whether there were any.

        What a killed `delete` has left of one is on no network any more, and is known by its name:
        `named` are those of which there are any files.
        """
        members = self.members()
        _each(members, lambda member: member.parts.machine.delete(deadline))
        left = [name for name in named if is_node_name(name, self.name)]
        machines = [parts.machine for parts in map(self._parts_of, left) if _is_absent(parts)]
        for machine in machines:
            machine.delete(deadline)
        return bool(members or machines)

    def wait_until_served(self, ping: Callable[[], str | None], deadline: Deadline) -> None:
        """Wait until a manager answers where clients of the swarm come in.

        `ping` returns why none does, None when one does.

        Raises:
            DeadlineError: none does in time.
        """
        for member in running(self.members()):
            with about(member.name):
                member.parts.endpoint.wake()
        what = f"a manager of swarm '{self.name}' to be where docker looks for it"
        wait_for([Check(what, lambda _left: ping())], deadline, report=self._report)

    def load(self, image: str, deadline: Deadline) -> loading.Loaded:
        """Give an image that one node has to all nodes that run.

        Raises:
            NotFoundError: none has it.
        """
        return loading.load(image, running(self._existing()), deadline)

    def serve_images(self, image: str, deadline: Deadline) -> registry.Served:
        """Run a registry as a service of the swarm, unless it has one.

        Raises:
            WrongStateError: there is another service of that name, or no manager that can act.
            DeadlineError: it does not run in time; the details say why.
        """
        manager = self._acting_manager(deadline)
        return registry.serve(self.name, manager, image, deadline, self._report)

    def invitation(self, deadline: Deadline, *, as_manager: bool = False) -> Invitation:
        """Return how an engine joins that this program did not make.

        Raises:
            WrongStateError: no manager runs that could let it in.
        """
        manager = self._acting_manager(deadline)
        tokens = manager.engine.tokens(deadline)
        token = tokens.manager if as_manager else tokens.worker
        address = f"{manager.address}:{PORT}"
        return Invitation(f"docker swarm join --token {token} {address}", address)

    # -- steps

    def _existing(self) -> list[Member]:
        members = self.members()
        if not members:
            raise NotFoundError(
                f"there is no swarm '{self.name}'",
                resolution=f"boot2docker swarm create {self.name}",
            )
        return members

    def _acting_manager(self, deadline: Deadline) -> Member:
        manager = acting_manager(self.name, running(self._existing()), deadline, self._report)
        if manager is None:
            raise WrongStateError(
                f"the swarm '{self.name}' has no manager that can act",
                resolution=f"boot2docker swarm up {self.name}",
            )
        return manager

    def _demand_possible(self, missing: Sequence[str], present: Sequence[Member]) -> None:
        new_mb = 0
        for name in missing:
            parts = self._parts_of(name)
            if not parts.driver.features.has_internal_network:
                raise UsageError(
                    f"driver {parts.driver.name} gives VMs no network of their own",
                    details="A swarm of VMs needs one.",
                    resolution=f"boot2docker --driver qemu swarm create {self.name}",
                )
            if parts.driver.state() is not State.ABSENT:
                raise UsageError(
                    f"there is a VM '{name}' that is not of swarm '{self.name}'",
                    resolution="Take another name for the swarm, or delete that VM.",
                )
            new_mb += parts.config.memory_mb
        present_mb = sum(member.memory_mb for member in present)
        demand_memory(new_mb, present_mb, host.host_memory_mb(), len(missing) + len(present))


def _is_absent(parts: Parts) -> bool:
    return parts.driver.state() is State.ABSENT


def _workers_first(
    members: Sequence[Member], act: Callable[[Member], object], deadline: Deadline
) -> None:
    managers = []
    for member in running(members):
        with contextlib.suppress(GuestError):
            if member.engine.membership(deadline).is_manager:
                managers.append(member)
    _each([one for one in members if one not in managers], act)
    _each(managers, act)


def _each(members: Sequence[Member], act: Callable[[Member], object]) -> None:
    """Do something with several VMs side by side; the first error is raised when all have ended."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        doing = [pool.submit(_do, act, member) for member in members]
    errors = [error for one in doing if (error := one.exception()) is not None]
    for error in errors[1:]:
        if isinstance(error, Boot2DockerError):
            log.warning("%s", error.in_a_line())
    if errors:
        raise errors[0]


def _do(act: Callable[[Member], object], member: Member) -> None:
    with about(member.name):
        act(member)
