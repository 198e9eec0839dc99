"""What the nodes of one swarm should have in common and do not: the time, and the image.

Engines know each other by certificates, a node's for 90 days
(https://docs.docker.com/engine/swarm/how-swarm-mode-works/pki/) from an hour before it is made on;
the swarm's own counts from five minutes before (both seen with engine 26.1). To join, a node has to
have a clock that is within that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Callable, NamedTuple, Sequence

from boot2docker_py.guest import clock

if TYPE_CHECKING:
    from boot2docker_py.guest.swarm import Membership
    from boot2docker_py.machine.swarm.rows import Row

# No swarm minds less; a busy guest whose clock was just set is some seconds late.
TOLERATED_S = 60.0


class Difference(NamedTuple):
    """What is not alike, and what puts it right."""

    found: str
    fix: str


def among(
    swarm: str, rows: Sequence[Row], now_s: Callable[[], float] = time.time
) -> list[Difference]:
    """Return what is not alike among the nodes that answer."""
    return [*_of_clocks(swarm, rows, now_s()), *_of_images(swarm, rows)]


def _of_clocks(swarm: str, rows: Sequence[Row], now_s: float) -> list[Difference]:
    if not clock.is_plausible(now_s):
        return []  # it is this machine's clock that is wrong
    skews = [(row.name, row.membership.clock_skew_s) for row in rows if row.membership]
    return [
        Difference(f"the clock of '{name}' is {clock.said(skew)}", f"boot2docker swarm up {swarm}")
        for name, skew in skews
        if skew is not None and abs(skew) > TOLERATED_S
    ]


def _of_images(swarm: str, rows: Sequence[Row]) -> list[Difference]:
    running: dict[str, list[str]] = {}
    for row in rows:
        if row.membership and row.membership.system:
            running.setdefault(_image(row.membership), []).append(row.name)
    if len(running) < 2:
        return []
    facts = "; ".join(f"{', '.join(names)}: {image}" for image, names in running.items())
    unpin = [f"boot2docker upgrade --unpin --vm {row.name}" for row in rows if row.pin]
    boot_all = [f"boot2docker swarm down {swarm}", f"boot2docker swarm up {swarm}"]
    return [Difference(f"the nodes run different images: {facts}", "; ".join([*unpin, *boot_all]))]


def _image(membership: Membership) -> str:
    return f"{membership.system}, Docker Engine {membership.engine_version or 'unknown'}"
