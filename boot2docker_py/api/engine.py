"""How docker reaches the engine of a VM: the forwarder, and the environment for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from boot2docker_py.api.calls import Calls

if TYPE_CHECKING:
    from boot2docker_py.endpoint.status import ForwarderStatus


class Engine(Calls):
    """The engine of one VM, as docker reaches it."""

    @property
    def docker_host(self) -> str:
        """Return what `DOCKER_HOST` is for this VM: a Unix socket, or a named pipe on Windows."""
        return self._parts().endpoint.docker_host

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of this process, with docker pointed at the VM."""
        from boot2docker_py.machine import docker_environment

        return docker_environment.of_engine(self._parts()).applied_to(os.environ)

    def tls_environment(self, *, timeout_s: float | None = None) -> dict[str, str]:
        """Return the environment of this process, with docker pointed at the engine's TLS port.

        The certificates are fetched anew.

        Raises:
            WrongStateError: the VM does not run, or has no such port.
        """
        from boot2docker_py.machine import docker_environment

        return docker_environment.of_engine(self._parts(timeout_s), tls=True).applied_to(os.environ)

    def ports(self) -> Sequence[Mapping[str, Any]]:
        """Return the published ports of the containers, as `boot2docker ports --json` has them.

        Raises:
            WrongStateError: the VM does not run.
            GuestError: it is not known, because the engine is out of reach.
        """
        from boot2docker_py.machine import published

        return published.of_vm(self._parts()).ports

    def forwarder(self) -> ForwarderStatus | None:
        """Return how far the process is that serves the engine here; None without one."""
        return self._parts().endpoint.status()

    def forward(self, *, restart: bool = False, timeout_s: float | None = None) -> None:
        """Start the process that serves the engine here, as `up` does; with `restart`, anew.

        Raises:
            WrongStateError: the VM does not run.
            DeadlineError: the engine does not answer in time.
        """
        parts = self._parts(timeout_s)
        if restart:
            parts.machine.settled_address(parts.deadline)  # an error leaves the running one alone
            parts.endpoint.stop()
        parts.machine.forward(parts.deadline)

    def stop_forwarder(self) -> bool:
        """End that process, while the VM runs on; tell whether there was one.

        Raises:
            NotFoundError: there is no VM.
        """
        parts = self._parts()
        parts.questions.state()
        was_there = parts.endpoint.status() is not None
        parts.endpoint.stop()
        return was_there
