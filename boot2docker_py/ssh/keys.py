"""SSH keys: the user's pair, and host keys that are known before the guest first boots."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import NamedTuple, Union

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from boot2docker_py import whole_file
from boot2docker_py.errors import StorageError, UsageError
from boot2docker_py.paths import make_missing_folders

log = logging.getLogger(__name__)

PrivateKey = Union[ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]


class HostKey(NamedTuple):
    """The key by which a guest proves who it is, in OpenSSH's forms."""

    private: bytes
    public_line: str


def make_host_key() -> HostKey:
    """Make a new Ed25519 host key."""
    key = ed25519.Ed25519PrivateKey.generate()
    return HostKey(private=to_openssh(key), public_line=public_line(key))


def ensure_key_pair(path: Path) -> str:
    """Return the public line of the private key at `path`; make an Ed25519 pair if there is none.

    Two processes may do so at once: both get the line of the same key.

    Raises:
        UsageError: there is a key, but it cannot be used as it is.
        StorageError: the folder cannot be written.
    """
    if not path.exists():
        _make_key_pair(path)
    line = public_line(load(path))
    _write_public_line_if_missing(path, line)
    return line


def load(path: Path) -> PrivateKey:
    """Read a private key: RSA, ECDSA or Ed25519, in PEM or OpenSSH's format, without passphrase.

    Raises:
        UsageError: it cannot be used as it is; the details say why.
    """
    try:
        data = _without_editor_traces(whole_file.read(path))
    except OSError as error:
        raise _unusable(path, "cannot read", str(error)) from error
    try:
        key = _parse(data)
    except TypeError as error:
        raise _unusable(path, "a passphrase protects", str(error)) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if "password-protected" in str(error):  # cryptography 42, the last for Windows 7
            raise _unusable(path, "a passphrase protects", str(error)) from error
        raise _unusable(path, "cannot make sense of", str(error)) from error
    if not isinstance(
        key, (ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)
    ):
        raise _unusable(path, "cannot use", "it is neither RSA nor ECDSA nor Ed25519")
    return key


def to_openssh(key: PrivateKey) -> bytes:
    """Return the private key in OpenSSH's own format, which every SSH program of today reads."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )


def public_line(key: PrivateKey) -> str:
    """Return the public half as one line of an authorized_keys file, without a comment."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode("ascii")
    )


def icacls_arguments(path: str, user_sid: str) -> list[str]:
    """Return the command that leaves a file on Windows to the user alone.

    A new list instead of `chmod`, which changes nothing in the access list of an NTFS file. The
    user by number, which icacls takes with a star: what the environment of a service has as the
    name is that of the machine, and no user's.
    """
    return ["icacls", path, "/inheritance:r", "/grant:r", f"*{user_sid}:F"]


def _parse(data: bytes) -> object:
    if b"BEGIN OPENSSH PRIVATE KEY" in data:
        return serialization.load_ssh_private_key(data, password=None)
    return serialization.load_pem_private_key(data, password=None)


def _without_editor_traces(data: bytes) -> bytes:
    byte_order_mark = b"\xef\xbb\xbf"
    if data.startswith(byte_order_mark):
        data = data[len(byte_order_mark) :]
    return data.replace(b"\r\n", b"\n")


def _unusable(path: Path, problem: str, details: str) -> UsageError:
    return UsageError(
        f"{problem} the SSH key '{path}'",
        details=details,
        resolution="Name another private key, without a passphrase, with --sshkey.",
    )


def _make_key_pair(path: Path) -> None:
    private = to_openssh(ed25519.Ed25519PrivateKey.generate())
    try:
        make_missing_folders(path.parent)
        whole_file.write_new(path, private, protect=_leave_to_user_alone)
    except OSError as error:
        raise StorageError(
            f"cannot write the SSH key '{path}'",
            details=str(error),
            resolution="Make the folder writable, or name another key with --sshkey.",
        ) from error


def _leave_to_user_alone(file: Path) -> None:
    if sys.platform == "win32":
        import subprocess

        from boot2docker_py.host import named_pipe

        command = icacls_arguments(str(file), named_pipe.user_sid())
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode != 0:
            words = (done.stderr or done.stdout).decode("oem", "replace").strip()
            raise OSError(f"icacls ended with {done.returncode}: {words}")


def _write_public_line_if_missing(path: Path, line: str) -> None:
    public = path.with_name(path.name + ".pub")
    if public.exists():
        return
    try:
        whole_file.write(public, f"{line} boot2docker\n".encode("ascii"), mode=whole_file.READABLE)
    except OSError as error:
        # A convenience for other programs; we never read it.
        log.debug("did not write '%s': %s", public, error)
