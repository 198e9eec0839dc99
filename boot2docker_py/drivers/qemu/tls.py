"""Where QEMU's monitor is a port: TLS, with certificates that are made for one start of the VM.

Every user, program and web page of this machine reaches the port, and so does the guest. QEMU
listens only to a client with our certificate, and we talk only to this QEMU: see
https://www.qemu.org/docs/master/system/tls.html.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any, NamedTuple

from boot2docker_py.drivers.qemu.files import opened_private, remove_all
from boot2docker_py.paths import make_private_folder

SERVER_NAME = "qemu-monitor"

# The names are QEMU's.
_AUTHORITY, _CLIENT, _SERVER = "ca-cert.pem", "client", "server"


# QEMU serves one client at a port, and waits for ever for one that says nothing. Who connects to
# all of them keeps us out, and then QEMU can still be killed.
SPARES = 3


class Port(NamedTuple):
    """A port on 127.0.0.1, and the folder with the keys to what listens there."""

    number: int
    credentials: Path
    spares: tuple[int, ...] = ()  # other ports of the same QEMU

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return all ports, the one to try first before the others."""
        return (self.number, *self.spares)


class ByteByByte(ssl.SSLSocket):
    """Send each byte in a record of its own.

    The monitor takes one byte at a time, and QEMU before 8.0 then waits for the network although
    the rest of the record is in GnuTLS' hands: it would never see the end of a command.
    """

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the data."""
        for byte in memoryview(data):
            super().sendall(bytes([byte]), flags)


def make_credentials(folder: Path) -> None:
    """Put new certificates and keys into a folder that is new, and the user's alone."""
    from boot2docker_py import x509  # slow to load, and only a start needs it

    remove_all([folder])
    make_private_folder(folder)
    made = x509.make_credentials(SERVER_NAME)
    files = {_AUTHORITY: made.authority}
    for whose, identity in ((_SERVER, made.server), (_CLIENT, made.client)):
        files[f"{whose}-cert.pem"] = identity.certificate
        files[f"{whose}-key.pem"] = identity.key
    for name, content in files.items():
        with opened_private(folder / name) as file_descriptor:
            os.write(file_descriptor, content)


def client_context(folder: Path) -> ssl.SSLContext:
    """Return the settings with which we talk to QEMU.

    Raises:
        OSError: the folder is not there, or not whole.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = ByteByByte
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(folder / _AUTHORITY)
    context.load_cert_chain(folder / f"{_CLIENT}-cert.pem", folder / f"{_CLIENT}-key.pem")
    return context
