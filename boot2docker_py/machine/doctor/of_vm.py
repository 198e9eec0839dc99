"""The checks of this host, the VM and its engine."""

from __future__ import annotations

import re
from typing import Iterator

from boot2docker_py.drivers.model import State, in_words
from boot2docker_py.endpoint.status import Phase
from boot2docker_py.errors import Boot2DockerError, GuestError, HypervisorError, WrongStateError
from boot2docker_py.guest import clock
from boot2docker_py.machine import console, readiness
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
from boot2docker_py.machine.questions import how_to_repair
from boot2docker_py.wait import Deadline

NOT_RUNNING = "the VM does not run"


def _hypervisor(patient: Patient) -> Iterator[Finding]:
    if isinstance(patient.driver, Boot2DockerError):
        yield of_error("hypervisor", patient.driver)
    else:
        yield ok("hypervisor", f"{patient.driver.name} drives VM '{patient.vm}'")


def _host(patient: Patient) -> Iterator[Finding]:
    if isinstance(patient.driver, Boot2DockerError):
        yield skipped("host", "there is no hypervisor")
        return
    for check in patient.driver.checks():
        name = host_id(check.what)
        try:
            reason = check.probe(Deadline(patient.deadline.remaining_s(ANSWER_S)))
        except Boot2DockerError as error:
            yield of_error(name, error)
            continue
        words = f"{check.what}: {reason}"
        if reason is None:
            yield ok(name, check.found() if check.found else check.what)
        elif check.is_guess:
            yield warning(name, words, check.hint)
        else:
            yield failure(name, words, check.hint, HypervisorError.exit_status)


def host_id(what: str) -> str:
    """Return the id of a driver's check: its name, up to what is another on each machine."""
    plain = re.split("[,'\"(/]", what)[0].replace("'", "")
    return "host-" + "-".join(re.findall("[a-z0-9]+", plain.lower()))


def _vm(patient: Patient) -> Iterator[Finding]:
    state = patient.state
    if isinstance(patient.driver, Boot2DockerError):
        yield skipped("vm", "there is no hypervisor")
    elif isinstance(state, Boot2DockerError):
        yield of_error("vm", state)
    elif state is State.BROKEN:
        words = f"VM '{patient.vm}' is broken: {patient.driver.problem()}"
        fix = how_to_repair(patient.driver)
        yield failure("vm", words, fix, WrongStateError.exit_status)
    elif state is State.RUNNING:
        yield _running(patient)
    elif state is State.PAUSED and patient.driver.why_paused():
        error = readiness.held_by_hypervisor(patient.vm, patient.driver.why_paused())
        yield of_error("vm", error)
    elif state is State.ABSENT:
        yield warning("vm", f"there is no VM '{patient.vm}'", "boot2docker up")
    else:
        yield warning("vm", f"VM '{patient.vm}' is {in_words(state)}", "boot2docker up")


def _running(patient: Patient) -> Finding:
    assert not isinstance(patient.driver, Boot2DockerError)
    info = patient.driver.describe()
    panic = console.last_panic(info.console_log)
    if panic is not None and panic.is_for_good and patient.engine_reason:
        return of_error("vm", readiness.panicked(info, panic))
    return ok("vm", f"VM '{patient.vm}' is running")


def _ssh(patient: Patient) -> Iterator[Finding]:
    if isinstance(patient.driver, Boot2DockerError) or not patient.is_running:
        yield skipped("ssh", NOT_RUNNING)
        return
    try:
        address = patient.driver.ssh_address()
        with patient.connect(address, Deadline(patient.deadline.remaining_s(ANSWER_S))):
            yield ok("ssh", f"the VM lets us in at {address}")
    except Boot2DockerError as error:
        yield of_error("ssh", error)


def _transfer(patient: Patient) -> Iterator[Finding]:
    if not patient.is_running:
        yield skipped("transfer", NOT_RUNNING)
        return
    problem = _exchange(patient, is_plain=patient.is_plain)
    if not problem:
        yield ok("transfer", "bytes come back from the VM as they were sent")
    elif patient.is_plain or _exchange(patient, is_plain=True):
        yield warning("transfer", f"bytes do not come back: {problem}", "boot2docker restart")
    else:
        words = f"bytes come back on the plain way alone: {problem}"
        fix = "Set BOOT2DOCKER_PLAIN_SSH=1, then: boot2docker up"
        yield failure("transfer", words, fix, GuestError.exit_status)


def _exchange(patient: Patient, *, is_plain: bool) -> str:
    try:
        return patient.exchange(Deadline(patient.deadline.remaining_s(ANSWER_S)), is_plain)
    except Boot2DockerError as error:
        return error.brief


def _forwarder(patient: Patient) -> Iterator[Finding]:
    if not patient.is_running:
        yield skipped("forwarder", NOT_RUNNING)
        return
    health = patient.endpoint.status()
    if health is None:
        words = "no forwarder serves the engine's socket"
        yield failure("forwarder", words, "boot2docker up", GuestError.exit_status)
    elif health.phase is Phase.FORWARDING:
        yield ok("forwarder", f"process {health.pid} forwards the engine's socket")
    elif health.phase is Phase.FAILED and health.last_error:
        met = health.last_error
        yield failure("forwarder", f"{met.brief}: {met.details}", met.resolution, met.exit_status)
    else:
        words = f"it is {health.phase.value}: {health.reason}"
        yield failure("forwarder", words, "boot2docker logs forward", GuestError.exit_status)


def _engine(patient: Patient) -> Iterator[Finding]:
    if not patient.is_running:
        yield skipped("engine", NOT_RUNNING)
    elif patient.engine_reason and patient.engine_state.has_ended:
        yield of_error("engine", readiness.engine_has_ended(patient.vm, patient.engine_state))
    elif patient.engine_reason and patient.engine_state.waits:
        fix = "boot2docker ssh cat /var/lib/boot2docker/log/bootsync.sh.log"
        yield failure("engine", patient.engine_state.waits, fix, GuestError.exit_status)
    elif patient.engine_reason:
        last_words = patient.engine_state.last_words
        words = f"the engine does not answer: {patient.engine_reason}"
        words += f"; what it said last: {last_words}" if last_words else ""
        yield failure("engine", words, "boot2docker logs engine", GuestError.exit_status)
    else:
        version = patient.engine.get("Version", "of an unknown version")
        yield ok("engine", f"Docker Engine {version} answers at {patient.endpoint.docker_host}")


def _clock(patient: Patient) -> Iterator[Finding]:
    if not clock.is_plausible(patient.now_s()):
        yield warning("clock", "the clock of this machine cannot be right", "Set it.")
        return
    skew = clock.skew_s(patient.endpoint, patient.now_s) if patient.is_running else None
    if skew is None:
        yield skipped("clock", "the engine does not tell" if patient.is_running else NOT_RUNNING)
    elif clock.is_off(skew):
        yield warning("clock", f"the clock of the VM is {clock.said(skew)}", "boot2docker up")
    else:
        yield ok("clock", "the VM and this machine agree on the time")


CHECKS = (
    Check(
        "hypervisor",
        "A hypervisor is installed and can be asked; which it is",
        "failure 6: there is none, or it is broken",
        _hypervisor,
    ),
    Check(
        "host-...",
        "What the hypervisor needs of this machine: one finding for each, before a VM is made",
        "failure 6: it is missing; a warning where that is a guess",
        _host,
    ),
    Check(
        "vm",
        "The state of the VM",
        "failure 4: it is broken, 1: its hypervisor has paused it, 9: its kernel has panicked; "
        "a warning when it does not run",
        _vm,
    ),
    Check("ssh", "The VM answers on SSH, with the pinned host key and our key", "failure 9", _ssh),
    Check(
        "transfer",
        "Bytes come back from the VM as they were sent, on the fast way of SSH, else on the plain",
        "failure 9: on the plain way alone; a warning when on neither",
        _transfer,
    ),
    Check(
        "forwarder",
        "The process that forwards the engine's socket",
        "failure 9: there is none, or it has no connection",
        _forwarder,
    ),
    Check(
        "engine",
        "The engine answers on the forwarded socket; else its last words, or what it waits for",
        "failure 9",
        _engine,
    ),
    Check(
        "clock",
        "The VM's clock beside this machine's",
        "warning: more than 2 s between them, or this machine is before 2024",
        _clock,
    ),
)
