"""Whose certificates are believed when an image is fetched over TLS.

The operating system's first: that is where a company installs the certificate of its proxy, and
where requests by itself does not look. The bundled set of certifi comes on top, for systems whose
own is years old or empty (Windows 7; python.org's macOS).
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import ssl
from pathlib import Path
from typing import Iterator, Mapping
from urllib.parse import unquote, urlsplit

import requests.utils
from urllib3.util import make_headers

from boot2docker_py.errors import ConfigError

log = logging.getLogger(__name__)

# requests reads the first two, OpenSSL the others. A user who sets one of them has decided.
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OPENSSL_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

_ISSUER_TIMEOUT_S = 5.0
_COMMON_NAME = b"\x55\x04\x03"  # 2.5.4.3, RFC 5280 appendix A
_ORGANIZATION = b"\x55\x04\x0a"  # 2.5.4.10
_OBJECT_IDENTIFIER, _BMP_STRING, _VERSION_FIELD = 0x06, 0x1E, 0xA0  # X.690; RFC 5280 section 4.1


def make_context(cacert: Path | None, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return the TLS settings for all downloads; `cacert` is believed in addition.

    Raises:
        ConfigError: a certificate file that the user named cannot be used.
    """
    bundle_variable = next((name for name in _BUNDLE_VARIABLES if environ.get(name)), "")
    if bundle_variable:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _add(context, Path(environ[bundle_variable]), bundle_variable)
    else:
        context = _system_context()
        if not any(environ.get(name) for name in _OPENSSL_VARIABLES):
            context.load_verify_locations(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    if cacert:
        _add(context, cacert, "--cacert")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 began to refuse certificates that lack what RFC 5280 asks for; those that
    # companies make for their proxies often do. Signature, name and dates stay checked.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _system_context() -> ssl.SSLContext:
    try:
        return ssl.create_default_context()
    except ssl.SSLError as error:
        # One damaged certificate in the Windows store makes Python give up on all of them.
        log.warning("the operating system's certificates cannot be read: %s", error)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _add(context: ssl.SSLContext, path: Path, named_by: str) -> None:
    try:
        if path.is_dir():
            context.load_verify_locations(capath=str(path))
        else:
            context.load_verify_locations(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificate file '{path}' cannot be used",
            details=f"{named_by}: {error}",
            resolution=f"Name a file of certificates in PEM form with {named_by}.",
        ) from error


def issuer_of(url: str, proxy: str | None) -> str:
    """Return who signed the certificate of a server, for an error message; "" when unknown.

    Nothing is sent to the server: the connection ends after the TLS handshake.
    """
    try:
        with _unverified(url, proxy) as certificate:
            return parse_issuer(certificate)
    except (OSError, http.client.HTTPException, ValueError, IndexError) as error:
        log.debug("cannot look at the certificate of %s: %s", urlsplit(url).hostname, error)
        return ""


@contextlib.contextmanager
def _unverified(url: str, proxy: str | None) -> Iterator[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    server = urlsplit(url)
    first = urlsplit(proxy if "://" in proxy else f"//{proxy}") if proxy else server
    connection = http.client.HTTPSConnection(
        first.hostname or "",
        first.port or (80 if proxy else 443),
        context=context,
        timeout=_ISSUER_TIMEOUT_S,
    )
    if proxy:
        connection.set_tunnel(server.hostname or "", server.port or 443, _proxy_headers(first))
    with contextlib.closing(connection):
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        yield connection.sock.getpeercert(binary_form=True) or b""


def _proxy_headers(proxy: object) -> dict[str, str]:
    username = unquote(getattr(proxy, "username", None) or "")
    password = unquote(getattr(proxy, "password", None) or "")
    if not username:
        return {}
    return {
        "Proxy-Authorization": make_headers(basic_auth=f"{username}:{password}")["authorization"]
    }


def parse_issuer(certificate: bytes) -> str:
    """Return the issuer's common name and organization from a certificate in DER.

    Raises:
        ValueError: it is no certificate. IndexError: it ends too early.
    """
    to_be_signed = _items(_items(certificate)[0][1])[0][1]
    fields = [field for field in _items(to_be_signed) if field[0] != _VERSION_FIELD]
    _serial_number, _algorithm, (_, issuer) = fields[:3]
    names = {}
    for _, relative_name in _items(issuer):
        for _, attribute in _items(relative_name):
            (kind, identifier), (text_kind, text) = _items(attribute)[:2]
            if kind == _OBJECT_IDENTIFIER:
                encoding = "utf-16-be" if text_kind == _BMP_STRING else "utf-8"
                names[identifier] = text.decode(encoding, errors="replace")
    return ", ".join(names[key] for key in (_COMMON_NAME, _ORGANIZATION) if key in names)


def _items(data: bytes) -> list[tuple[int, bytes]]:
    """Split DER (ITU-T X.690) into its items: tag and content."""
    items = []
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            length_bytes = length & 0x7F
            length = int.from_bytes(data[at : at + length_bytes], "big")
            at += length_bytes
        items.append((tag, data[at : at + length]))
        at += length
    return items
