"""The settings that a forwarder starts with, and what it says of itself. Plain data, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from boot2docker_py.address import Address
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.paths import VMPaths

GUEST_USER = "docker"
ENGINE_SOCKET = "/var/run/docker.sock"
UDP_HELPER = "/usr/lib/boot2docker/udp-relay"

# Where published ports of containers appear on this machine.
OFF, LOOPBACK, ALL = "off", "loopback", "all"
PUBLISH = LOOPBACK


class Phase(str, Enum):
    """How far the forwarder is."""

    CONNECTING = "connecting"
    WAITING = "waiting"  # the VM is not there; it is looked for now and then
    FORWARDING = "forwarding"
    FAILED = "failed"  # waiting does not help; `last_error` says what is wrong
    SILENT = "silent"  # it runs, but does not answer


@dataclass(frozen=True)
class Settings:
    """What one forwarder is to do."""

    paths: VMPaths
    address: Address
    key: Path
    patience_s: float  # how long the VM may be out of reach at first
    user: str = GUEST_USER
    engine_socket: str = ENGINE_SOCKET  # in the guest
    publish: str = PUBLISH  # off, loopback or all
    tcp_port: int = 0  # on loopback, where every user can reach it; 0: none
    udp_helper: str = UDP_HELPER  # in the guest
    is_plain: bool = False  # SSH by paramiko's own packets and channels
    swarm_socket: Path | None = None  # where clients of the VM's swarm come in, if it may have one

    @property
    def vm_name(self) -> str:
        """Return the name of the VM."""
        return self.paths.name

    def to_json(self) -> str:
        """Return the settings as one argument for the process."""
        address, paths = self.address._asdict(), self.paths._asdict()
        return json.dumps({**asdict(self), "address": address, "paths": paths}, default=str)

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Return the settings that `to_json` wrote."""
        raw = json.loads(text)
        name, *files = raw.pop("paths").values()
        swarm_socket = raw.pop("swarm_socket")
        return cls(
            paths=VMPaths(name, *map(Path, files)),
            address=Address(**raw.pop("address")),
            key=Path(raw.pop("key")),
            swarm_socket=Path(swarm_socket) if swarm_socket else None,
            **raw,
        )


@dataclass(frozen=True)
class LastError:
    """The parts of an error of ours."""

    brief: str
    details: str = ""
    resolution: str = ""
    exit_status: int = 1
    code: str = "failure"

    @classmethod
    def of(cls, error: Boot2DockerError) -> LastError:
        """Return the parts of `error`."""
        return cls(error.brief, error.details, error.resolution, error.exit_status, error.code)

    def in_words(self) -> str:
        """Return the error for a person."""
        details = f" ({self.details})" if self.details else ""
        return f"last error: {self.brief}{details}. {self.resolution}".rstrip()


@dataclass(frozen=True)
class ListenerStatus:
    """One place where clients come in, or why they do not."""

    where: str  # as DOCKER_HOST has it
    problem: str = ""


@dataclass(frozen=True)
class ForwarderStatus:
    """The forwarder's health, as `status --json` shows it."""

    version: str
    pid: int
    phase: Phase
    reason: str = ""  # why it is not forwarding yet
    last_error: LastError | None = None
    address: str = ""
    key: str = ""
    tcp_port: int = 0
    is_plain: bool = False
    swarm_socket: str = ""
    listeners: tuple[ListenerStatus, ...] = ()
    transport: str = ""  # how the engine is reached in the guest; empty: not known yet
    publish: str = ""
    open_connections: int = 0
    total_connections: int = 0
    refused_connections: int = 0
    bytes_to_guest: int = 0
    bytes_to_client: int = 0
    reconnections: int = 0
    looks_at_clock: bool = False  # of the guest; soon it is right

    def serves(self, where: str) -> bool:
        """Tell whether clients of `DOCKER_HOST` `where` come to this forwarder."""
        return any(one.where == where and not one.problem for one in self.listeners)

    def as_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> ForwarderStatus:
        """Return the status of a forwarder, also of another version with other fields.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls._understood(raw)
        except (TypeError, LookupError, AttributeError) as error:
            raise ValueError(str(error)) from error

    @classmethod
    def _understood(cls, raw: dict[str, Any]) -> ForwarderStatus:
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in raw.items() if name in known}
        values["phase"] = Phase(values["phase"])
        values["listeners"] = tuple(ListenerStatus(**each) for each in raw.get("listeners", ()))
        if values.get("last_error"):
            values["last_error"] = LastError(**values["last_error"])
        return cls(**values)
