"""The endpoint of one VM, as the life of the VM and the command line see it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any, Callable, cast

from boot2docker_py import errors
from boot2docker_py.address import Address
from boot2docker_py.endpoint import control, process
from boot2docker_py.endpoint.relay import listeners
from boot2docker_py.endpoint.status import ALL, PUBLISH, ForwarderStatus, LastError, Phase, Settings
from boot2docker_py.guest import engine
from boot2docker_py.host import named_pipe
from boot2docker_py.paths import VMPaths
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

LEAST_PATIENCE_S = 60.0
OPEN_WITHIN_S = 10.0
KNOWN_WITHIN_S = 5.0
PAUSE_S = 0.1
# Longer than the forwarder needs for it, and much shorter than it may try.
CLOCK_WITHIN_S = 10.0
LOOK_AGAIN_S = 0.02


class Endpoint:
    """The engine's socket of a VM on this machine, and the process that forwards it."""

    def __init__(
        self,
        paths: VMPaths,
        key: Path,
        publish: str = PUBLISH,
        tcp_port: int = 0,
        *,
        is_plain: bool = False,
        swarm_socket: Callable[[], Path | None] = lambda: None,
    ) -> None:
        """`swarm_socket` is asked when a forwarder starts, for a VM that may be of a swarm."""
        self._paths = paths
        self._key = key
        self._publish = publish
        self._tcp_port = tcp_port
        self._is_plain = is_plain
        self._swarm_socket = swarm_socket

    @property
    def docker_host(self) -> str:
        """Return what `DOCKER_HOST` must be for the docker client to use this engine."""
        return docker_host(self._paths)

    def start(self, address: Address, deadline: Deadline) -> None:
        """Run the forwarder to the SSH server at `address`; one that already does is kept."""
        if self._publish == ALL:
            log.warning("Other machines can reach published ports of containers (--publish all).")
        before = self.status()
        if before and before.publish == ALL != self._publish:
            log.warning(
                "Other machines can no longer reach published ports of containers: --publish all "
                'counts for one command. For each one, put Publish = "all" into the profile.'
            )
        patience_s = max(LEAST_PATIENCE_S, deadline.remaining_s())
        health = process.start(self._settings(address, patience_s), deadline)
        if self._tcp_port:
            log.warning(
                "Every user and program of this machine, and whatever runs in the VM, can use the "
                "engine at %s:%d, as root of the VM. Web pages are refused as far as their "
                "browser says that they are.",
                listeners.LOOPBACK,
                self._tcp_port,
            )
        for listener in health.listeners:
            if listener.problem and listener.where.startswith("tcp:"):
                log.warning("Cannot serve at %s yet: %s.", listener.where, listener.problem)

    def run_here(self, address: Address) -> None:
        """Run the forwarder in this process, in place of another, until Ctrl-C."""
        process.stop(self._paths)
        process.run_here(self._settings(address, LEAST_PATIENCE_S))

    def _settings(self, address: Address, patience_s: float) -> Settings:
        return Settings(
            self._paths,
            address,
            self._key,
            patience_s,
            publish=self._publish,
            tcp_port=self._tcp_port,
            is_plain=self._is_plain,
            swarm_socket=self._swarm_socket(),
        )

    def log_lines(self) -> list[str]:
        """Return what the forwarder has logged; the older file of the two first."""
        log = self._paths.forwarder_log
        files = [log.with_name(log.name + ".1"), log]
        texts = [file.read_text("utf-8", "replace") for file in files if file.exists()]
        return "".join(texts).splitlines()

    def status(self) -> ForwarderStatus | None:
        """Return the forwarder's health, None when there is no forwarder."""
        return process.status(self._paths)

    def ports(self) -> list[dict[str, Any]]:
        """Return the published ports of containers, and what became of each on this machine.

        Raises:
            GuestError: it is not known, because the forwarder or the engine is out of reach.
        """
        deadline = Deadline(KNOWN_WITHIN_S)
        answer = process.published(self._paths)
        while answer and answer["unknown_because"] and not deadline.has_passed():
            deadline.clock.sleep(PAUSE_S)  # the forwarder may have begun just now
            answer = process.published(self._paths)
        if answer is None or answer["unknown_because"]:
            raise errors.GuestError(
                f"it is not known which ports the containers of VM '{self._paths.name}' publish",
                details=answer["unknown_because"] if answer else "the forwarder does not answer",
                resolution="boot2docker up",
            )
        ports: list[dict[str, Any]] = answer["ports"]
        return ports

    def unready(self) -> str | None:
        """Return why the engine cannot be reached over SSH yet, None when it can.

        Raises:
            Boot2DockerError: waiting does not help; of the kind that the forwarder met.
        """
        health = self.status()
        if health is None:
            raise errors.GuestError(
                f"the forwarder of VM '{self._paths.name}' has ended",
                resolution=f"See {self._paths.forwarder_log}.",
            )
        if health.phase is Phase.FAILED and health.last_error:
            raise _as_error(health.last_error)
        return None if health.phase is Phase.FORWARDING else health.reason or "no answer yet"

    def ping(self, timeout_s: float = engine.PING_WITHIN_S) -> str | None:
        """Return why the engine does not answer on the forwarded socket, None when it does."""
        return engine.ping(self._open_socket, timeout_s)

    def guest_time_s(self) -> float | None:
        """Return the seconds since 1970 on the guest's clock, to a second; None: not known."""
        return engine.time_s(self._open_socket)

    def wait_for_clock(self) -> None:
        """Wait, a little, for a forwarder that is just setting the guest's clock."""
        deadline = Deadline(CLOCK_WITHIN_S)
        health = self.status()
        while health and health.looks_at_clock and not deadline.has_passed():
            deadline.clock.sleep(LOOK_AGAIN_S)
            health = self.status()

    def engine_version(self) -> dict[str, Any]:
        """Return what the engine says of its version, nothing when it does not answer."""
        return engine.version(self._open_socket)

    def engine_info(self) -> dict[str, Any]:
        """Return what the engine says of itself, nothing when it does not answer."""
        return engine.info(self._open_socket)

    def containers(self) -> list[dict[str, Any]]:
        """Return what the engine says of its containers, nothing when it does not answer."""
        return engine.containers(self._open_socket)

    def networks(self) -> list[dict[str, Any]]:
        """Return what the engine says of its networks, nothing when it does not answer."""
        return engine.networks(self._open_socket)

    def open_engine(self) -> Stream:
        """Return a connection to the engine, on the forwarded socket; close it.

        Raises:
            OSError: no forwarder serves it.
        """
        return self._open_socket()

    def _open_socket(self) -> Stream:
        if sys.platform == "win32":
            return named_pipe.connect(named_pipe.pipe_of_vm(self._paths.name), OPEN_WITHIN_S)
        else:
            return _connect(self._paths.docker_socket)

    def expect_stop(self) -> None:
        """End what the engine would wait for at its end; docker's own connections stay."""
        process.expect_stop(self._paths)

    def wake(self) -> None:
        """Let the forwarder, if there is one, look now at what its engine is in a swarm."""
        process.wake(self._paths)

    def rest(self) -> None:
        """Let go of the VM, which is about to stop; the forwarder, if there is one, stays."""
        process.rest(self._paths)

    def stop(self) -> None:
        """End the forwarder, if there is one."""
        process.stop(self._paths)


def docker_host(paths: VMPaths) -> str:
    """Return what `DOCKER_HOST` must be for the docker client to use the engine of a VM."""
    if sys.platform == "win32":
        return named_pipe.docker_host(named_pipe.pipe_of_vm(paths.name))
    else:
        return f"unix://{paths.docker_socket}"


def docker_host_of_swarm(socket: Path) -> str:
    """Return what `DOCKER_HOST` must be for the docker client to use a manager of a swarm."""
    return listeners.at(socket).where


def ping_swarm(socket: Path) -> str | None:
    """Return why no manager of a swarm answers at its socket, None when one does."""

    def open_stream() -> Stream:
        if sys.platform == "win32":
            return named_pipe.connect(named_pipe.pipe_at(socket), OPEN_WITHIN_S)
        else:
            return _connect(socket)

    return engine.ping(open_stream)


def _connect(socket: Path) -> Stream:
    client = control.unix_socket()
    try:
        client.connect(str(socket))
    except BaseException:
        client.close()
        raise
    return cast(Stream, client)


def _as_error(told: LastError) -> errors.Boot2DockerError:
    """Return the error that another process met, as one of ours again."""
    kinds: dict[str, type[errors.Boot2DockerError]] = {
        kind.code: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.Boot2DockerError)
    }
    kind = kinds.get(told.code, errors.GuestError)
    return kind(told.brief, details=told.details, resolution=told.resolution)
