"""Images that one node alone has, for all of them: a swarm without a registry."""

from __future__ import annotations

import contextlib
import logging
from typing import NamedTuple, Sequence

from boot2docker_py.errors import NotFoundError, UsageError, about
from boot2docker_py.guest.copy import engine_image
from boot2docker_py.machine.swarm.members import Member
from boot2docker_py.ssh.connection import Connection
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """What became of one image."""

    image: str
    source: str  # the VM that had it
    targets: Sequence[str]  # those that got it
    size_bytes: int  # that went to each


def load(image: str, running: Sequence[Member], deadline: Deadline) -> Loaded:
    """Give an image that a node has to all that do not have the same one.

    Raises:
        UsageError: that is no name of an image.
        NotFoundError: no node that runs has it.
        GuestError: an engine fails.
    """
    demand_name(image)
    with contextlib.ExitStack() as open_ones:
        nodes = [
            (member, open_ones.enter_context(_connect(member, deadline))) for member in running
        ]
        ids = [engine_image.image_id(one, image, deadline.remaining_s()) for _member, one in nodes]
        first = next((number for number, one in enumerate(ids) if one), None)
        if first is None:
            raise NotFoundError(
                f"no node of the swarm has an image '{image}'",
                details=f"Asked: {', '.join(member.name for member in running)}.",
                resolution="Build or pull it with the swarm's context, then load it.",
            )
        source, source_connection = nodes[first]
        targets, size_bytes = [], 0
        for (member, connection), has in zip(nodes, ids):
            if has == ids[first]:
                continue
            log.info("VM '%s' gets '%s' from '%s'...", member.name, image, source.name)
            patience_s = deadline.remaining_s()
            size_bytes = engine_image.pass_on(image, source_connection, connection, patience_s)
            targets.append(member.name)
    return Loaded(image, source.name, targets, size_bytes)


def demand_name(image: str) -> None:
    """Raise UsageError for what cannot be the name of an image."""
    if not image or image.startswith("-"):
        raise UsageError(f"'{image}' is no name of an image")


def _connect(member: Member, deadline: Deadline) -> Connection:
    with about(member.name):
        return member.parts.access.connect(member.parts.questions.running_address(), deadline)
