"""The check of the swarm that the engine is in, if it is in one."""

from __future__ import annotations

from typing import Iterator

from boot2docker_py.errors import Boot2DockerError, GuestError
from boot2docker_py.guest.swarm import INACTIVE, PENDING, Engine, Membership
from boot2docker_py.machine.doctor.findings import (
    ANSWER_S,
    Check,
    Finding,
    Patient,
    failure,
    of_error,
    ok,
    skipped,
    warning,
)
from boot2docker_py.wait import Deadline

NAME_LETTERS = 100


def _swarm(patient: Patient) -> Iterator[Finding]:
    driver = patient.driver
    if isinstance(driver, Boot2DockerError) or not patient.is_running or patient.engine_reason:
        yield skipped("swarm", "the engine does not answer")
        return
    engine = Engine(patient.vm, patient.endpoint.open_engine)
    deadline = Deadline(patient.deadline.remaining_s(ANSWER_S))
    try:
        network = driver.describe().internal_network
        repair = f"boot2docker swarm up {network.name}" if network else "boot2docker logs engine"
        more = f"boot2docker swarm ls {network.name}" if network else "docker node ls"
        membership = engine.membership(deadline)
        if membership.error:
            words = f"the engine is at odds with its swarm: {membership.error}"
            yield failure("swarm", words, repair, GuestError.exit_status)
        elif membership.state == INACTIVE:
            yield ok("swarm", "the engine is in no swarm")
        elif membership.state == PENDING:
            yield warning("swarm", "the engine does not reach a manager of its swarm", repair)
        elif membership.is_manager:
            yield _of_manager(engine, membership, more, deadline)
        else:
            yield ok("swarm", "the engine is a worker of a swarm")
    except Boot2DockerError as error:
        yield of_error("swarm", error)


def _of_manager(engine: Engine, membership: Membership, more: str, deadline: Deadline) -> Finding:
    nodes = engine.nodes(deadline)
    own = membership.engine_version
    others = [
        f"{node.host_name[:NAME_LETTERS]} {node.engine_version}"
        for node in nodes
        if node.engine_version and node.engine_version != own
    ]
    if others:
        words = f"nodes of the swarm have another Docker Engine than {own}: {', '.join(others)}"
        return warning("swarm", words, more)
    return ok("swarm", f"the engine is a manager of a swarm; its nodes: {len(nodes)}")


CHECKS = (
    Check(
        "swarm",
        "The swarm that the engine is in: its managers can be reached, its engines are of one "
        "version",
        "failure 9: the engine names a fault of it; a warning when engines differ, or no manager "
        "is reached",
        _swarm,
    ),
)
