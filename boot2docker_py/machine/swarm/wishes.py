"""What a swarm is to be, and whether it can be had on this machine."""

from __future__ import annotations

import logging
import re
from typing import NamedTuple, Sequence

from boot2docker_py.errors import UsageError

log = logging.getLogger(__name__)

# Of this machine's memory; the rest is for its system and its other programs.
SHARE_FOR_NODES = 0.8
MOST_NODES = 50


class Wishes(NamedTuple):
    """How many nodes, and how many of them are managers."""

    nodes: int
    managers: int

    def demand_sound(self) -> None:
        """Raise UsageError for numbers that make no swarm; warn of those that do not help."""
        if not 1 <= self.nodes <= MOST_NODES:
            raise UsageError(f"a swarm here has 1 to {MOST_NODES} nodes, not {self.nodes}")
        if not 1 <= self.managers <= self.nodes:
            raise UsageError(
                f"{self.managers} of {self.nodes} nodes cannot be managers",
                resolution=f"--managers is 1 to {self.nodes}.",
            )
        if self.managers % 2 == 0:
            log.warning(
                "%d managers survive the loss of %d, as %d do: an odd number is enough.",
                self.managers,
                (self.managers - 1) // 2,
                self.managers - 1,
            )


def node_names(swarm: str, present: Sequence[str], count: int) -> list[str]:
    """Return the names of the nodes when there are `count`: those present, then new ones."""
    names = list(present)
    number = 1
    while len(names) < count:
        name = f"{swarm}-{number}"
        if name not in names:
            names.append(name)
        number += 1
    return sorted(names, key=in_order)


def is_node_name(name: str, swarm: str) -> bool:
    """Tell whether a VM is named as `node_names` names those of the swarm."""
    return bool(re.fullmatch(re.escape(swarm) + r"-\d{1,9}", name))


def in_order(name: str) -> tuple[str, int]:
    """Return by what names are sorted, so that the tenth node follows the ninth."""
    found = re.fullmatch(r"(.*?)(\d{1,9})", name)
    return (found[1], int(found[2])) if found else (name, 0)


def demand_memory(new_mb: int, present_mb: int, host_mb: int, nodes: int) -> None:
    """Raise UsageError when the VMs together would not leave this machine enough memory."""
    wanted_mb = new_mb + present_mb
    most_mb = int(host_mb * SHARE_FOR_NODES)
    if new_mb and wanted_mb > most_mb:
        raise UsageError(
            f"{nodes} nodes need {wanted_mb} MB of memory, and this machine has {most_mb} for them",
            details=f"That is {SHARE_FOR_NODES:.0%} of its {host_mb} MB. Nothing was made.",
            resolution=f"Give each less, as in: --memory {most_mb // nodes}m",
        )
