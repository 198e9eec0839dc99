"""The endpoint of one VM, as the life of the VM and the command line see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from boot2docker_py import errors
from boot2docker_py.drivers.base import Address
from boot2docker_py.endpoint import control, process
from boot2docker_py.endpoint.status import ForwarderStatus, LastError, Phase
from boot2docker_py.guest import engine
from boot2docker_py.paths import VMPaths
from boot2docker_py.wait import Deadline


class Endpoint:
    """The engine's socket of a VM on this machine, and the process that forwards it."""

    def __init__(self, paths: VMPaths, vm_name: str, key: Path) -> None:
        self._paths = paths
        self._vm_name = vm_name
        self._key = key

    @property
    def docker_host(self) -> str:
        """Return what `DOCKER_HOST` must be for the docker client to use this engine."""
        return f"unix://{self._paths.docker_socket}"

    def start(self, address: Address, deadline: Deadline) -> None:
        """Run the forwarder to the SSH server at `address`; one that already does is kept."""
        process.start(
            self._paths, vm_name=self._vm_name, address=address, key=self._key, deadline=deadline
        )

    def status(self) -> ForwarderStatus | None:
        """Return the forwarder's health, None when there is no forwarder."""
        return process.status(self._paths)

    def unready(self) -> str | None:
        """Return why the engine cannot be reached over SSH yet, None when it can.

        Raises:
            Boot2DockerError: it will not heal by waiting; of the kind that the forwarder met.
        """
        health = self.status()
        if health is None:
            raise errors.GuestError(
                f"the forwarder of VM '{self._vm_name}' has ended",
                resolution=f"See {self._paths.forwarder_log}.",
            )
        if health.phase is Phase.FAILED and health.last_error:
            raise _as_error(health.last_error)
        return None if health.phase is Phase.FORWARDING else health.reason or "no answer yet"

    def ping(self) -> str | None:
        """Return why the engine does not answer on the forwarded socket, None when it does."""
        return engine.ping(self._open_socket)

    def guest_time_s(self) -> float | None:
        """Return the seconds since 1970 on the guest's clock, to a second; None: nobody tells."""
        return engine.time_s(self._open_socket)

    def engine_version(self) -> dict[str, Any]:
        """Return what the engine says of its version, nothing when it does not answer."""
        return engine.version(self._open_socket)

    def _open_socket(self) -> engine.Stream:
        client = control.unix_socket()
        try:
            client.connect(str(self._paths.docker_socket))
        except BaseException:
            client.close()
            raise
        return cast(engine.Stream, client)

    def stop(self) -> None:
        """End the forwarder, if there is one."""
        process.stop(self._paths)


def _as_error(told: LastError) -> errors.Boot2DockerError:
    """Return the error that another process met, as one of ours again."""
    kinds: dict[str, type[errors.Boot2DockerError]] = {
        kind.code: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.Boot2DockerError)
    }
    kind = kinds.get(told.code, errors.GuestError)
    return kind(told.brief, details=told.details, resolution=told.resolution)
