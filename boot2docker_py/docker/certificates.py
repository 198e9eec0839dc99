"""The client certificates for the engine's TLS port, as the original kept them.

They are taken from the guest over SSH, and tried on the engine before they replace the old ones:
the handshake checks the chain, the dates, the address and that key and certificate are a pair.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import socket
import ssl
import tempfile
import time
from pathlib import Path
from typing import Iterator, Mapping, cast

from boot2docker_py import whole_file, x509
from boot2docker_py.address import Address
from boot2docker_py.errors import GuestError, NetworkError, StorageError
from boot2docker_py.guest import addresses, engine
from boot2docker_py.paths import make_private_folder
from boot2docker_py.ssh.connection import Connection
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.wait import Check, Deadline, wait_for

log = logging.getLogger(__name__)

FILES = ("ca.pem", "cert.pem", "key.pem")
ENGINE_PORT = 2376
NEARLY_OVER_S = 30 * 24 * 3600
TRY_S = 20.0
# Each image makes what is missing when its engine starts; profile and data are not touched.
MAKE_NEW = (
    "sudo rm -rf /var/lib/boot2docker/tls; rm -f /home/docker/.docker/*.pem; "
    "sudo /etc/init.d/docker restart"
)


class OutdatedError(GuestError):
    """The certificates do not fit the address, or are over, or nearly so."""


def tls_address(
    connection: Connection, docker_port: int, host_only_mac: str, deadline: Deadline
) -> Address:
    """Return where this machine reaches the TLS port: loopback if forwarded, else host-only.

    Raises:
        NetworkError: there is neither.
    """
    if docker_port:
        return Address("127.0.0.1", docker_port)
    address = addresses.of_mac(connection, host_only_mac, deadline) if host_only_mac else None
    if address:
        return Address(address, ENGINE_PORT)
    raise NetworkError(
        "the VM has no address at which the engine's TLS port can be reached",
        details="There is no host-only adapter, and port 2376 is not forwarded.",
        resolution="Forward it: boot2docker set --dockerport 2376 --restart; without --tls none "
        "of this is needed.",
    )


def renew(connection: Connection, folder: Path, address: Address, deadline: Deadline) -> None:
    """Fetch the client certificates into `folder`; the old ones stay unless the engine takes them.

    Certificates that do not fit the address, or end within 30 days, are made anew in the guest;
    its engine is restarted for that.

    Raises:
        GuestError: the guest has none, or the engine does not take them.
        DeadlineError: the engine does not come back with new ones.
        NetworkError: the port does not answer.
        StorageError: they cannot be written.
    """
    try:
        _fetch(connection, folder, address, deadline)
    except OutdatedError as error:
        log.info("Making new certificates in the VM, and restarting its engine: %s.", error.details)
        _make_new(connection, deadline)

        def probe(deadline: Deadline) -> str | None:
            try:
                _fetch(connection, folder, address, deadline)
            except (GuestError, NetworkError) as error:
                return f"{error.brief}: {error.details}"
            return None

        what = "the engine with new certificates"
        wait_for([Check(what, probe, "boot2docker ssh sudo date, and compare the clock")], deadline)


def _make_new(connection: Connection, deadline: Deadline) -> None:
    result = connection.run(MAKE_NEW, timeout_s=deadline.remaining_s())
    if result.status != 0:
        raise GuestError(
            "the VM cannot make new certificates",
            details=result.stderr.decode(errors="replace"),
            resolution="boot2docker restart",
        )


def _fetch(connection: Connection, folder: Path, address: Address, deadline: Deadline) -> None:
    put({name: _fetched(connection, name, deadline) for name in FILES}, folder, address)


def put(contents: Mapping[str, bytes], folder: Path, address: Address) -> None:
    """Put certificates into `folder`, if the engine takes them; see `try_on` for the errors."""
    make_private_folder(folder.parent)
    with _beside(folder) as fresh:
        for name, content in contents.items():
            whole_file.write(fresh / name, content)
        try_on(fresh, address)
        _replace(folder, fresh)


def _fetched(connection: Connection, name: str, deadline: Deadline) -> bytes:
    command = f"cat /home/docker/.docker/{name}"
    result = connection.run(command, timeout_s=deadline.remaining_s())
    if result.status != 0 or not result.stdout:
        raise GuestError(
            f"the VM has no client certificates ({name})",
            details=result.stderr.decode(errors="replace"),
            resolution="The profile in the VM must not say DOCKER_TLS=no or DOCKER_REMOTE=no.",
        )
    return result.stdout


def try_on(folder: Path, address: Address) -> None:
    """Let the engine answer a ping over TLS with the certificates in `folder`.

    Raises:
        OutdatedError: new ones are needed.
        GuestError: they are of no use otherwise.
        NetworkError: the port does not answer.
    """
    # Stricter rules of newer Pythons refuse what older images make and docker accepts.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(str(folder / "ca.pem"))
        context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
        _refuse_own_nearly_over(folder, address)
        with _open(context, address) as stream:
            _refuse_nearly_over(stream, address)
    except ssl.SSLCertVerificationError as error:
        raise _unfit(OutdatedError, address, error.verify_message) from error
    except (OSError, ValueError) as error:
        raise _unfit(GuestError, address, str(error)) from error
    reason = engine.ping(lambda: cast(Stream, _open(context, address)), TRY_S)
    if reason:
        raise _unfit(GuestError, address, reason)


def _open(context: ssl.SSLContext, address: Address) -> ssl.SSLSocket:
    try:
        plain = socket.create_connection((address.host, address.port), timeout=TRY_S)
    except OSError as error:
        raise NetworkError(
            f"the engine's TLS port does not answer at {address.host}:{address.port}",
            details=str(error),
            resolution="A VPN may be in the way; without --tls docker goes over SSH.",
        ) from error
    try:
        return context.wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        plain.close()
        raise


def _refuse_own_nearly_over(folder: Path, address: Address) -> None:
    """Look at ours first: an engine says of one that is over only that it is bad."""
    for name, owner in (("cert.pem", "client's"), ("ca.pem", "authority's")):
        try:
            ends_at_s = x509.ends_at_s(folder / name)
        except StorageError as error:
            raise _unfit(GuestError, address, f"{error.brief}: {error.details}") from error
        _refuse_end(ends_at_s, owner, address)


def _refuse_nearly_over(stream: ssl.SSLSocket, address: Address) -> None:
    certificate = stream.getpeercert() or {}
    _refuse_end(ssl.cert_time_to_seconds(str(certificate["notAfter"])), "engine's", address)


def _refuse_end(ends_at_s: float, owner: str, address: Address) -> None:
    ends_in_s = ends_at_s - time.time()
    if ends_in_s < NEARLY_OVER_S:
        days = int(ends_in_s // 86400)
        raise _unfit(OutdatedError, address, f"the {owner} certificate ends in {days} days")


def _unfit(kind: type[GuestError], address: Address, details: str) -> GuestError:
    return kind(
        f"the engine at {address.host}:{address.port} and the certificates in the VM do not match",
        details=details,
        resolution=f'boot2docker ssh "{MAKE_NEW}"',
    )


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    fresh = Path(tempfile.mkdtemp(dir=str(folder.parent), prefix=f".{folder.name}."))
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _replace(folder: Path, fresh: Path) -> None:
    try:
        make_private_folder(folder)
        for name in FILES:
            whole_file.replace(fresh / name, folder / name)
    except OSError as error:
        raise StorageError(f"cannot write '{folder}'", details=str(error)) from error
