"""The check of what the guest says of itself."""

from __future__ import annotations

from typing import Iterator

from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import problems
from boot2docker_py.machine.doctor.findings import (
    ANSWER_S,
    Check,
    Finding,
    Patient,
    ok,
    skipped,
    warning,
)
from boot2docker_py.wait import Deadline


def _guest(patient: Patient) -> Iterator[Finding]:
    if isinstance(patient.driver, Boot2DockerError) or not patient.is_running:
        yield skipped("guest", "the VM does not run")
        return
    deadline = Deadline(patient.deadline.remaining_s(ANSWER_S))
    try:
        with patient.connect(patient.driver.ssh_address(), deadline) as connection:
            told = problems.look(connection, deadline.remaining_s())
    except Boot2DockerError:
        yield skipped("guest", "the VM does not let us in")
        return
    if told:
        yield warning("guest", "\n".join(["the VM says:", *told]), "boot2docker logs boot")
    else:
        yield ok("guest", "the VM tells of no problem of its own")


CHECKS = (
    Check(
        "guest",
        "What the VM could not use or finish at its boot: profile, scripts, certificates, engine",
        "warning: it names some (our image)",
        _guest,
    ),
)
