"""What can be wrong between us and the guest: what passes with time, and what does not."""

from __future__ import annotations

import paramiko

from boot2docker_py.address import Address
from boot2docker_py.errors import GuestError

# What a call on a connection or channel may raise when the connection is gone.
LOST = (paramiko.SSHException, OSError, EOFError)


class NotReadyError(GuestError):
    """The guest's SSH server does not answer; it may still come."""

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(
            f"the SSH server of the VM does not answer at {address}",
            details=reason,
            resolution="See what the VM says on its console (boot2docker logs console); "
            "if it hangs, run 'boot2docker restart' or 'boot2docker reset'.",
        )


class KeyRefusedError(GuestError):
    """The guest does not let us in; waiting does not help."""


class HostKeyChangedError(GuestError):
    """Another machine answers than before; waiting does not help."""
