"""Where QEMU's monitor and console are ports: TLS, with certificates made for one start of the VM.

Every user, program and web page of this machine reaches a port, and so does the guest. QEMU
listens only to a client with our certificate, and we talk only to this QEMU: see
https://www.qemu.org/docs/master/system/tls.html.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, NamedTuple

from boot2docker_py.drivers.qemu.files import opened_private, remove_all
from boot2docker_py.paths import make_private_folder

HOST = "127.0.0.1"
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


class Conversation:
    """A connection that one thread reads while another writes: `ssl` must hear them one by one.

    Used like a socket. Each byte is sent in a record of its own: see `ByteByByte`.
    """

    def __init__(self, secured: ssl.SSLSocket) -> None:
        self._secured = secured
        self._timeout_s = secured.gettimeout()
        self._turn = threading.Lock()
        secured.settimeout(0)

    def settimeout(self, timeout_s: float) -> None:
        """Let no operation take longer."""
        self._timeout_s = timeout_s

    def recv(self, limit: int) -> bytes:
        """Return up to `limit` bytes, none at the end."""
        while True:
            try:
                with self._turn:
                    return self._secured.recv(limit)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._wait(is_for_room=False)

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        for byte in memoryview(data):
            self._send(bytes([byte]))

    def _send(self, byte: bytes) -> None:
        while True:
            try:
                with self._turn:
                    self._secured.send(byte)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._wait(is_for_room=True)
            else:
                return

    def _wait(self, *, is_for_room: bool) -> None:
        """Wait outside of anybody's turn.

        Raises:
            socket.timeout: nothing has come, or nothing is taken, for the whole time.
        """
        waiting = [self._secured]
        try:
            found = select.select(
                *([], waiting) if is_for_room else (waiting, []), [], self._timeout_s
            )
        except ValueError:  # its number is -1
            raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
        if not any(found):
            raise socket.timeout("timed out")

    def close(self) -> None:
        """Close both directions."""
        self._secured.close()


def converse(port: Port, timeout_s: float) -> Conversation:
    """Return a connection to what QEMU has at the port.

    Raises:
        OSError: nothing listens there, or not with the credentials of this VM.
    """
    plain = socket.create_connection((HOST, port.number), timeout_s)
    try:
        context = client_context(port.credentials)
        return Conversation(context.wrap_socket(plain, server_hostname=SERVER_NAME))
    except BaseException:
        plain.close()
        raise


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
