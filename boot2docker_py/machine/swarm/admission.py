"""What lets engines into a swarm, and lets them in again where they have given up on the way."""

from __future__ import annotations

import logging
from typing import NamedTuple

from boot2docker_py.errors import GuestError
from boot2docker_py.guest.swarm import ERROR, INACTIVE, BusyManagersError, Membership
from boot2docker_py.machine.swarm.members import Member
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

# On a machine that is slow at times; more would wait for what does not come.
MOST_TRIES = 5


class _Tried(NamedTuple):
    """How a VM was let in."""

    is_manager: bool
    times: int
    refusal: str = ""  # what the engine said the last time, if it did not even begin


class Admission:
    """The way into one swarm, by one of its managers."""

    def __init__(self, leader: Member, deadline: Deadline) -> None:
        self._leader = leader
        self._tokens = leader.engine.tokens(deadline)
        self._tried: dict[str, _Tried] = {}

    @property
    def had_to_repeat(self) -> bool:
        """Tell whether a VM was let in more than once."""
        return any(tried.times > 1 for tried in self._tried.values())

    def let_in(self, member: Member, deadline: Deadline, *, is_manager: bool) -> None:
        """Let the engine of a VM join, which is in no swarm; managers may be too busy for it.

        Raises:
            GuestError: it refuses.
        """
        before = self._tried.get(member.name)
        tried = _Tried(is_manager, (before.times if before else 0) + 1)
        self._tried[member.name] = tried
        token = self._tokens.manager if is_manager else self._tokens.worker
        try:
            member.engine.join(member.address, [self._leader.address], token, deadline)
        except BusyManagersError as error:
            self._tried[member.name] = tried._replace(refusal=error.details)

    def repeat_if_given_up(
        self, member: Member, membership: Membership, deadline: Deadline
    ) -> None:
        """Let a VM in again that was let in here, and is not there nor on its way any more.

        An engine that needs more than 20 s goes on by itself, but for one try (moby
        daemon/cluster/noderunner.go: one that was never ready is not started again).

        Raises:
            GuestError: that has come to nothing too often.
        """
        tried = self._tried.get(member.name)
        if tried is None or membership.state not in (ERROR, INACTIVE):
            return
        why = membership.error or tried.refusal
        if tried.times >= MOST_TRIES:
            raise GuestError(
                f"VM '{member.name}' has tried {tried.times} times to join the swarm",
                details=why,
                resolution="boot2docker logs engine",
                vm=member.name,
            )
        log.info("VM '%s' gave up joining (%s): again...", member.name, why)
        try:
            if membership.state == ERROR:
                member.engine.leave(deadline)
            self.let_in(member, deadline, is_manager=tried.is_manager)
        except GuestError as error:  # no more than another try
            times = tried.times + 1
            self._tried[member.name] = _Tried(tried.is_manager, times, error.details)
