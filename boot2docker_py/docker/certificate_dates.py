"""How long a certificate is good."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509

from boot2docker_py.errors import StorageError


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
