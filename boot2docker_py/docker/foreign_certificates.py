"""An engine whose certificates others have made: Docker Machine, or the user.

The guest's profile names them; our image and the official one then make none for clients.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from boot2docker_py.address import Address
from boot2docker_py.docker import certificates
from boot2docker_py.errors import GuestError

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

PROFILE = "/var/lib/boot2docker/profile"
OWN_FOLDER = "/var/lib/boot2docker/tls/"  # where the guest makes its own
READ_BYTES = 64 * 1024

# The profile is a shell script, run as root at each start of the engine; it is only read here.
_NAMED = re.compile(r"""^\s*(?:export\s+)?CACERT=["']?([^"'\s;]+)""", re.MULTILINE)


class Authority:
    """The authority that signed the engine's certificate, as the guest's profile names it."""

    def __init__(self, file: str, certificate: bytes) -> None:
        self.file = file
        self.certificate = certificate


def authority(connection: Connection, deadline: Deadline) -> Authority | None:
    """Return the authority that the guest's profile names; None when it is the guest's own."""
    named = _NAMED.findall(_read(connection, PROFILE, deadline).decode(errors="replace"))
    if not named or named[-1].startswith(OWN_FOLDER):
        return None
    return Authority(named[-1], _read(connection, named[-1], deadline).strip())


def _read(connection: Connection, file: str, deadline: Deadline) -> bytes:
    """Return the beginning of a file of root's in the guest, nothing when it is not there."""
    command = ["sudo", "-n", "head", "-c", str(READ_BYTES), file]
    return connection.run(command, timeout_s=deadline.remaining_s()).stdout


def take(found: Authority, stores: Sequence[Path], folder: Path, address: Address) -> None:
    """Put those client certificates into `folder` that the same authority has signed.

    Raises:
        GuestError: there are none in `stores`, or the engine does not take them.
    """
    for store in stores:
        contents = _in(store)
        if contents.get("ca.pem", b"").strip() == found.certificate and found.certificate:
            log.info("The engine's certificates are Docker Machine's; taking those in %s.", store)
            try:
                certificates.put(contents, folder, address)
            except certificates.OutdatedError as error:
                raise _of_others(found, error.details, "docker-machine regenerate-certs") from error
            return
    raise _of_others(found, "", "")


def _in(store: Path) -> dict[str, bytes]:
    try:
        return {name: (store / name).read_bytes() for name in certificates.FILES}
    except OSError:
        return {}


def _of_others(found: Authority, details: str, advice: str) -> GuestError:
    return GuestError(
        "the engine of the VM uses certificates that another program made",
        details=f"{PROFILE} in the VM names {found.file}. {details}".strip(),
        resolution=advice
        or "Use that program: docker $(docker-machine config NAME). Or let the VM make its own: "
        f"boot2docker ssh sudo mv {PROFILE} {PROFILE}.old, then: boot2docker restart. "
        "Without --tls docker goes over SSH, and needs none.",
    )
