"""What a check is, what it finds, and whom it is about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Protocol

from boot2docker_py.docker.client import ask
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest.engine_state import EngineState
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.address import Address
    from boot2docker_py.docker.client import Client
    from boot2docker_py.docker.config import DockerConfig
    from boot2docker_py.docker.contexts import Context
    from boot2docker_py.drivers.base import Driver
    from boot2docker_py.endpoint.status import ForwarderStatus
    from boot2docker_py.host.autostart import Entry
    from boot2docker_py.machine.readiness import LookAtEngine
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.ssh.stream import Stream


ANSWER_S = 20.0


class Level(str, Enum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"  # it could not be looked at; another finding says why


@dataclass(frozen=True)
class Finding:
    """What one check has found, and how to fix it."""

    id: str
    level: Level
    found: str
    fix: str = ""
    exit_status: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return asdict(self)


Look = Callable[["Patient"], Iterator[Finding]]


@dataclass(frozen=True)
class Check:
    """One thing to look at."""

    id: str
    what: str  # for the page in docs/
    when: str  # what makes it a warning or a failure, for the page in docs/
    look: Look


class Endpoint(Protocol):
    """What the checks need of the room `endpoint`."""

    @property
    def docker_host(self) -> str:
        """Return what `DOCKER_HOST` must be for this engine."""

    def status(self) -> ForwarderStatus | None:
        """Return the forwarder's health."""

    def ping(self) -> str | None:
        """Return why the engine does not answer."""

    def guest_time_s(self) -> float | None:
        """Return the time on the guest's clock."""

    def engine_version(self) -> dict[str, Any]:
        """Return what the engine says of its version."""

    def engine_info(self) -> dict[str, Any]:
        """Return what the engine says of itself."""

    def containers(self) -> list[dict[str, Any]]:
        """Return what the engine says of its containers, those that do not run too."""

    def networks(self) -> list[dict[str, Any]]:
        """Return what the engine says of its networks."""

    def open_engine(self) -> Stream:
        """Return a connection to the engine; close it."""


@dataclass
class Patient:
    """The VM and all around it that is looked at."""

    vm: str
    open_driver: Callable[[], Driver]
    endpoint: Endpoint
    connect: Callable[[Address, Deadline], Connection]
    exchange: Callable[[Deadline, bool], str]  # the second: on the plain way
    is_plain: bool
    look_at_engine: LookAtEngine
    context: Context
    docker_config: DockerConfig
    certificates: Path
    home: Path
    environ: Mapping[str, str]
    platform: str
    autostart: Entry
    now_s: Callable[[], float]
    deadline: Deadline

    @cached_property
    def driver(self) -> Driver | Boot2DockerError:
        """Return the driver, or why there is none."""
        try:
            return self.open_driver()
        except Boot2DockerError as error:
            return error

    @cached_property
    def state(self) -> State | Boot2DockerError:
        """Return the state of the VM, or why it cannot be asked."""
        if isinstance(self.driver, Boot2DockerError):
            return self.driver
        try:
            return self.driver.state()
        except Boot2DockerError as error:
            return error

    @property
    def has_vm(self) -> bool:
        """Tell whether there is known to be a VM that can be described."""
        unknown = (State.ABSENT, State.BROKEN)
        return not isinstance(self.state, Boot2DockerError) and self.state not in unknown

    def when_it_runs(self, command: str) -> str:
        """Return how to get to what a command needs a running VM for."""
        return command if self.is_running else f"boot2docker up, then: {command}"

    @property
    def is_running(self) -> bool:
        """Tell whether the VM is known to run."""
        return self.state is State.RUNNING

    @cached_property
    def engine_reason(self) -> str | None:
        """Return why the engine does not answer."""
        return self.endpoint.ping()

    @cached_property
    def engine_state(self) -> EngineState:
        """Return what the guest tells of an engine that does not answer."""
        try:
            return self.look_at_engine(Deadline(self.deadline.remaining_s(ANSWER_S)))
        except Boot2DockerError:
            return EngineState()  # another finding says why it cannot be asked

    @cached_property
    def client(self) -> Client | None:
        """Return the docker client, pointed at this engine."""
        return ask(self.endpoint.docker_host, self.environ)

    @cached_property
    def engine(self) -> Mapping[str, Any]:
        """Return what the engine says of its version."""
        return self.endpoint.engine_version()


def ok(check: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, fix: str) -> Finding:
    """Return what may be wrong, or may become so."""
    return Finding(check, Level.WARNING, found, fix)


def failure(check: str, found: str, fix: str, exit_status: int) -> Finding:
    """Return what is wrong; the status is that of the error it leads to."""
    return Finding(check, Level.FAILURE, found, fix, exit_status)


def skipped(check: str, found: str) -> Finding:
    """Return that it could not be looked at."""
    return Finding(check, Level.SKIPPED, found)


def unless_broken(check: str, look: Look) -> Look:
    """Return the same check, left out where the VM is broken: what it advises would be refused."""

    def looked(patient: Patient) -> Iterator[Finding]:
        if patient.state is State.BROKEN:
            yield skipped(check, "the VM is broken")
        else:
            yield from look(patient)

    return looked


def of_error(check: str, error: Boot2DockerError) -> Finding:
    """Return an error as a failure."""
    words = f"{error.brief}: {error.details}" if error.details else error.brief
    return failure(check, words, error.resolution, error.exit_status)
