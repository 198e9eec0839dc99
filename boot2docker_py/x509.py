"""Certificates: what others' say, and our own for two programs that talk at a port."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from boot2docker_py.errors import StorageError

# They end with the process that was started with them, and no clock is to end them before.
_BEGIN = datetime.datetime(2000, 1, 1)
_END = datetime.datetime(2120, 1, 1)


def ends_at_s(file: Path) -> float:
    """Return the end of the certificate in a PEM file, in seconds since 1970.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read the certificate '{file}'", details=str(error)) from error
    # The library of Python 3.8 knows only the older name, which has no time zone.
    end = getattr(certificate, "not_valid_after_utc", None)
    if end is None:
        end = certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)
    seconds: float = end.timestamp()
    return seconds


class Identity(NamedTuple):
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


class Credentials(NamedTuple):
    """By which one server and one client know each other, and no other."""

    authority: bytes  # the certificate that signed both, in PEM; its key is forgotten
    server: Identity
    client: Identity


def make_credentials(server_name: str) -> Credentials:
    """Return new credentials; the server is to be called `server_name`."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{server_name}'s authority")
    # What GnuTLS demands of an authority: RFC 5280, sections 4.2.1.3 and 4.2.1.9.
    authority = (
        _certificate(name, authority_key, name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )

    def signed(subject: str, purpose: x509.ObjectIdentifier) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _certificate(_name(subject), key, name)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                critical=False,
            )
            .sign(authority_key, hashes.SHA256())
        )
        return Identity(certificate.public_bytes(serialization.Encoding.PEM), _private_pem(key))

    return Credentials(
        authority.public_bytes(serialization.Encoding.PEM),
        server=signed(server_name, ExtendedKeyUsageOID.SERVER_AUTH),
        client=signed(f"client-of-{server_name}", ExtendedKeyUsageOID.CLIENT_AUTH),
    )


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_encipherment=not signs_certificates,  # without a use here, and older QEMUs demand it
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
