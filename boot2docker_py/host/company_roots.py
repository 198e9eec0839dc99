"""The certificate authorities that were added to this machine, by a company for example.

Not the public ones: those the guest has, and a system keeps them elsewhere. Windows keeps its
own list in AuthRoot; what administrators, policies and users add is in the keys below
(https://learn.microsoft.com/windows/win32/seccrypto/system-store-locations).
"""

from __future__ import annotations

import base64
import hashlib
import struct
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Sequence

LINUX_FOLDERS = (
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/ca-certificates/trust-source/anchors",
    "/etc/pki/trust/anchors",
)
MACOS_KEYCHAIN = "/Library/Keychains/System.keychain"
WINDOWS_KEYS = (
    ("HKEY_CURRENT_USER", r"Software\Microsoft\SystemCertificates\Root\Certificates"),
    ("HKEY_LOCAL_MACHINE", r"SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates"),
    ("HKEY_LOCAL_MACHINE", r"SOFTWARE\Policies\Microsoft\SystemCertificates\Root\Certificates"),
    ("HKEY_LOCAL_MACHINE", r"SOFTWARE\Microsoft\EnterpriseCertificates\Root\Certificates"),
)
_CERTIFICATE = 32  # CERT_CERT_PROP_ID: the certificate itself, in DER
_PROPERTY = struct.Struct("<III")  # number, encoding, length
LIMIT = 500  # certificates; a store with more is not a company's
LIMIT_BYTES = 64 * 1024  # of one


def found(platform: str = sys.platform) -> dict[str, bytes]:
    """Return PEM files by their names; none where the system does not say."""
    if platform == "win32":
        pems = [as_pem(der) for der in _in_registry()]
    elif platform == "darwin":
        pems = _in_keychain()
    else:
        pems = list(in_folders([Path(folder) for folder in LINUX_FOLDERS]))
    distinct = {hashlib.sha256(pem).hexdigest()[:16]: pem for pem in pems[:LIMIT]}
    return {f"{digest}.pem": pem for digest, pem in sorted(distinct.items())}


def in_folders(folders: Sequence[Path]) -> Iterator[bytes]:
    """Yield the certificates that an administrator of Linux put into these folders."""
    for folder in folders:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            try:
                content = file.read_bytes()[: LIMIT_BYTES + 1] if file.is_file() else b""
            except OSError:
                continue
            if b"-----BEGIN CERTIFICATE-----" in content and len(content) <= LIMIT_BYTES:
                yield content


def as_pem(der: bytes) -> bytes:
    """Return a certificate in the form of PEM."""
    body = base64.encodebytes(der).replace(b"\n", b"")
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return b"\n".join([b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""])


def certificate_in(blob: bytes) -> bytes | None:
    """Return the certificate in a value of the registry: properties, one behind the other."""
    start = 0
    while start + _PROPERTY.size <= len(blob):
        number, _encoding, length = _PROPERTY.unpack_from(blob, start)
        start += _PROPERTY.size
        if number == _CERTIFICATE:
            content = blob[start : start + length]
            return content if len(content) == length <= LIMIT_BYTES else None
        start += length
    return None


def _in_registry() -> Iterator[bytes]:
    if sys.platform != "win32":
        yield from ()
    else:
        import winreg

        for hive, path in WINDOWS_KEYS:
            try:
                key = winreg.OpenKey(getattr(winreg, hive), path)
            except OSError:
                continue  # no such store
            with key:
                for index in range(min(winreg.QueryInfoKey(key)[0], LIMIT)):
                    try:
                        with winreg.OpenKey(key, winreg.EnumKey(key, index)) as entry:
                            value = winreg.QueryValueEx(entry, "Blob")[0]
                    except OSError:
                        continue  # one without a certificate, or that has gone meanwhile
                    certificate = certificate_in(value) if isinstance(value, bytes) else None
                    if certificate is not None:
                        yield certificate


def _in_keychain() -> list[bytes]:
    command = ["security", "find-certificate", "-a", "-p", MACOS_KEYCHAIN]
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    end = b"-----END CERTIFICATE-----\n"
    return [part + end for part in answer.split(end) if b"BEGIN CERTIFICATE" in part]
