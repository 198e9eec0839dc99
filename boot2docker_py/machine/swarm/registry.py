"""A registry as a service of the swarm: what is pushed once is there for all nodes.

Docker's own way (https://docs.docker.com/engine/swarm/stack-deploy/): the routing mesh has the port
at each node's loopback, and engines take a registry there without certificates.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from boot2docker_py.errors import GuestError, WrongStateError
from boot2docker_py.guest.swarm import ASK_WITHIN_S
from boot2docker_py.machine.swarm.agreement import until_agreed
from boot2docker_py.machine.swarm.members import Member
from boot2docker_py.wait import Check, Deadline, Report, silent, wait_for

log = logging.getLogger(__name__)

SERVICE = "registry"
PORT = 5000
ADDRESS = f"127.0.0.1:{PORT}"
FOLDER = "/var/lib/registry"  # of the image docker.io/library/registry


class Served(NamedTuple):
    """A registry that runs."""

    image: str
    address: str  # what names of images begin with


def serve(
    swarm: str, manager: Member, image: str, deadline: Deadline, report: Report = silent
) -> Served:
    """Run a registry, unless it runs already, and return when it does.

    Raises:
        WrongStateError: there is a service of that name, of another image.
        DeadlineError: it does not run in time; the details say why.
    """
    until_agreed(swarm, lambda left: _make(manager, image, left), deadline, report)

    def probe(_left: Deadline) -> str | None:
        try:
            return manager.engine.why_not_running(SERVICE, Deadline(ASK_WITHIN_S))
        except GuestError as error:  # it is busy, and may answer the next time
            return f"{error.brief}: {error.details}"

    wait_for([Check(f"the registry, of '{image}'", probe)], deadline, report=report)
    return Served(image, ADDRESS)


def _make(manager: Member, image: str, deadline: Deadline) -> None:
    present = manager.engine.images_of_services(deadline)
    if present.get(SERVICE, image) != image:
        raise WrongStateError(
            f"the swarm has a service '{SERVICE}' of another image, '{present[SERVICE]}'",
            resolution=f"Name that one: --registry {present[SERVICE]}",
        )
    if SERVICE not in present:
        log.info("Making a registry of '%s' on VM '%s'...", image, manager.name)
        node_id = manager.engine.membership(deadline).node_id
        manager.engine.create_service(_service(image, node_id), deadline)


def _service(image: str, node_id: str) -> dict[str, object]:
    """Return the service, bound to the node that has its volume: what is pushed stays there."""
    volume = {"Type": "volume", "Source": SERVICE, "Target": FOLDER}
    port = {"Protocol": "tcp", "TargetPort": PORT, "PublishedPort": PORT, "PublishMode": "ingress"}
    return {
        "Name": SERVICE,
        "TaskTemplate": {
            "ContainerSpec": {"Image": image, "Mounts": [volume]},
            "Placement": {"Constraints": [f"node.id=={node_id}"]},
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Ports": [port]},
    }
