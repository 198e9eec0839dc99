"""Every node knows the others by the names of their VMs: /etc/hosts, since no DNS is in common."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Sequence

from boot2docker_py.errors import GuestError, about
from boot2docker_py.guest import names
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.machine.swarm.members import Member

MARK = "# a node of this swarm"


def host_name(member: Member) -> str:
    """Return the name of the guest."""
    return names.host_name(member.name)


def tell(members: Sequence[Member], deadline: Deadline) -> None:
    """Tell each of the running VMs the names and addresses of all."""
    for member in members:
        others = [one for one in members if one is not member]
        lines = [f"{one.address} {host_name(one)} {MARK}" for one in others]
        with about(member.name):
            _write(member, lines, deadline)


def _write(member: Member, lines: Sequence[str], deadline: Deadline) -> None:
    # Containers have the file of their start; the one here is the guest's, and new at each boot.
    added = " ".join(shlex.quote(line) for line in lines)
    script = (
        f"(grep -v {shlex.quote(MARK)} /etc/hosts; printf '%s\\n' {added}) > /etc/hosts.new"
        " && cat /etc/hosts.new > /etc/hosts && rm /etc/hosts.new"
    )
    address = member.parts.questions.running_address()
    with member.parts.access.connect(address, deadline) as connection:
        result = connection.run(["sudo", "sh", "-c", script], timeout_s=deadline.remaining_s())
    if result.status:
        raise GuestError(
            f"VM '{member.name}' does not take the names of the others",
            details=result.stderr.decode(errors="replace").strip(),
        )
