"""The errors a user can meet. Each one knows its exit status and nothing about the screen.

    Boot2DockerError          1  failure       anything without a class of its own
    |-- StorageError          1  storage       disk full, folder not writable, file damaged
    |-- UsageError            2  usage         flags, arguments
    |   `-- ConfigError       2  config        profile file, environment
    |-- NotFoundError         3  not_found     no such VM, snapshot or image
    |-- WrongStateError       4  wrong_state   the VM is not in a state that allows it
    |-- DeadlineError         5  deadline      the time given has passed
    |-- HypervisorError       6  hypervisor    missing, broken or refusing
    |   `-- HypervisorEndedError   hypervisor_ended   its server ended during the command
    |-- NetworkError          7  network       port or address not to be had
    |-- DownloadError         8  download      transfer or verification of an image
    |-- GuestError            9  guest         SSH, the engine, anything inside the VM
    `-- BusyError            10  busy          another run holds the VM

130 (interrupted) is KeyboardInterrupt, 0 is success; `docs/exit-status.md` is the user's page.
"""

from __future__ import annotations

import contextlib
from typing import Iterator

from boot2docker_py.masking import without_secrets

MOST_LETTERS = 20_000


class Boot2DockerError(Exception):
    """Say what went wrong (brief), what others said of it (details), what to do (resolution).

    `vm` is the VM that the resolution is about, where a command is about several.
    """

    exit_status = 1
    code = "failure"

    def __init__(
        self, brief: str, *, details: str = "", resolution: str = "", vm: str = ""
    ) -> None:
        # Whoever shows an error, or writes it down, shows no secret, and no more than can be read:
        # what others said of it may be the 16 MB that a command in the VM had to say.
        self.brief, self.details, self.resolution = (
            without_secrets(words[:MOST_LETTERS]) for words in (brief, details, resolution)
        )
        self.vm = vm
        super().__init__(self.brief)

    def in_a_line(self) -> str:
        """Return it as a warning, of what goes on without it."""
        why = f": {self.details}" if self.details else ""
        what_to_do = f". {self.resolution}" if self.resolution else ""
        return f"{self.brief}{why}{what_to_do}"

    def as_dict(self) -> dict[str, object]:
        """Return the error as the object that `--json` prints."""
        return {
            "code": self.code,
            "exit_status": self.exit_status,
            "brief": self.brief,
            "details": self.details,
            "resolution": self.resolution,
        }


class StorageError(Boot2DockerError):
    """The disk is full, a folder is not writable, a file is damaged."""

    code = "storage"


class UsageError(Boot2DockerError):
    """A flag or an argument cannot be used as it was given."""

    exit_status = 2
    code = "usage"


class ConfigError(UsageError):
    """The profile file or the environment says something that cannot be used."""

    code = "config"


class NotFoundError(Boot2DockerError):
    """There is no such VM, snapshot or image."""

    exit_status = 3
    code = "not_found"


class WrongStateError(Boot2DockerError):
    """The VM is not in a state that allows what was asked."""

    exit_status = 4
    code = "wrong_state"


class DeadlineError(Boot2DockerError):
    """The time given for the command has passed."""

    exit_status = 5
    code = "deadline"


class HypervisorError(Boot2DockerError):
    """The hypervisor is missing, broken, or refuses."""

    exit_status = 6
    code = "hypervisor"


class HypervisorEndedError(HypervisorError):
    """The hypervisor's server ended during the command, and again during the retry."""

    code = "hypervisor_ended"


class NetworkError(Boot2DockerError):
    """A port or an address cannot be had."""

    exit_status = 7
    code = "network"


class DownloadError(Boot2DockerError):
    """An image could not be fetched, or is not what it should be."""

    exit_status = 8
    code = "download"


class GuestError(Boot2DockerError):
    """SSH, the engine, or something else inside the VM failed."""

    exit_status = 9
    code = "guest"


class BusyError(Boot2DockerError):
    """Another run of boot2docker holds the VM."""

    exit_status = 10
    code = "busy"


@contextlib.contextmanager
def about(vm: str) -> Iterator[None]:
    """Let the errors of a `with` block know which VM they are about, unless they do."""
    try:
        yield
    except Boot2DockerError as error:
        error.vm = error.vm or vm
        raise
