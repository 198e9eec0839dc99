"""What goes wrong between us and a web server, in our own words. Translated here and only here."""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import re
import socket
import ssl
import time
from typing import Callable, Iterator, Mapping, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from boot2docker_py import untrusted
from boot2docker_py.errors import DownloadError, UsageError
from boot2docker_py.image.fetching import trust
from boot2docker_py.image.fetching.patience import PassingError
from boot2docker_py.image.sources import without_password

_ErrorType = TypeVar("_ErrorType", bound=BaseException)

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_NOT_YET_VALID, _EXPIRED, _WRONG_NAME, _WRONG_ADDRESS = 9, 10, 62, 64
# OpenSSL's words for two programs that speak no common version of TLS, or one that speaks none
_HOPELESS_TLS = r"(?i)protocol.version|unsupported.protocol|handshake.failure|wrong.version.number"
_TUNNEL_REFUSED = r"Tunnel connection failed: (\d{3})"


# Longer than any deadline; and the last second that every system can name.
LONGEST_PAUSE_S = 7 * 86400
_LATEST_S = 2**31 - 1


class StatusError(DownloadError):
    """The server answered, and the answer is no."""

    def __init__(self, url: str, status: int, words: str) -> None:
        super().__init__(
            f"'{without_password(url)}' cannot be fetched: the server says {status}",
            details=words,
            resolution=_ADVICE.get(status, "Check the address given with --iso-url."),
        )
        self.status = status


_ADVICE = {
    401: "The server wants a user and a password: put them into the address, or into ~/.netrc.",
    407: "The proxy wants a user and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
}


def of_status(url: str, status: int, headers: Mapping[str, str], text: str) -> DownloadError:
    """Return the error for an answer that is not the thing asked for."""
    words = "" if "<" in text[:200] else text.strip()[:500]
    if status in (403, 429) and headers.get("X-RateLimit-Remaining") == "0":
        return _rate_limited(url, headers, words)
    if status == 429 or status >= 500:
        return PassingError(
            f"'{without_password(url)}' cannot be fetched now: the server says {status}",
            details=words,
            wait_s=parse_retry_after(headers.get("Retry-After", ""), time.time()),
        )
    return StatusError(url, status, words)


def parse_retry_after(value: str, now: float) -> float:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3); `now` is seconds of 1970."""
    seconds = untrusted.number(value.strip(), 0, LONGEST_PAUSE_S)
    if seconds is not None:
        return float(seconds)
    try:
        wait_s = email.utils.parsedate_to_datetime(value).timestamp() - now
    # What is no date, or no time here; 3.8.10, the last for Windows 7, stumbles over a space.
    except (TypeError, ValueError, IndexError, OverflowError, OSError):
        return 0.0
    return min(max(0.0, wait_s), LONGEST_PAUSE_S)


def _rate_limited(url: str, headers: Mapping[str, str], words: str) -> DownloadError:
    reset = headers.get("X-RateLimit-Reset", "")
    until = ""
    reset_at_s = untrusted.number(reset, 0, _LATEST_S)
    if reset_at_s is not None:
        until = datetime.datetime.fromtimestamp(reset_at_s).strftime(" until %H:%M")
    return DownloadError(
        f"{urlsplit(url).hostname} answers no more questions from this network{until}: "
        "its rate limit is used up",
        details=words,
        resolution="Set GITHUB_TOKEN, or wait, or give the address of the image itself with "
        "--iso-url.",
    )


@contextlib.contextmanager
def translated(url: str, find_proxy: Callable[[str], str | None]) -> Iterator[None]:
    """Turn the exceptions of requests, urllib3 and ssl into ours.

    `find_proxy` returns the proxy for an address.
    """
    try:
        yield
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
        UnicodeError,
    ) as error:
        request = getattr(error, "request", None)
        at = getattr(request, "url", None) or url  # after a redirect it is another one
        raise _translate(at, find_proxy(at), error) from error


def _translate(url: str, proxy: str | None, error: Exception) -> DownloadError | UsageError:
    host = urlsplit(url).hostname or url
    untrusted = find_cause(error, ssl.SSLCertVerificationError)
    if untrusted:
        return _untrusted(url, host, proxy, untrusted)
    if find_cause(error, ssl.SSLError) and re.search(_HOPELESS_TLS, str(error)):
        return DownloadError(
            f"there is no TLS version that both '{host}' and this Python speak",
            details=f"{error}\nThis Python: {ssl.OPENSSL_VERSION}",
            resolution="Use a newer Python, or check whether a proxy or filter is in between.",
        )
    if isinstance(error, requests.TooManyRedirects):
        return DownloadError(
            f"'{without_password(url)}' is redirected again and again",
            details=str(error),
            resolution="Check the address given with --iso-url.",
        )
    if isinstance(error, (requests.exceptions.InvalidProxyURL, requests.exceptions.ProxyError)):
        return _proxy_failed(host, proxy, error)
    if isinstance(error, (ValueError, urllib3.exceptions.LocationValueError)):
        return _bad_address(url, proxy, error)
    return _passing(host, error)


def _bad_address(url: str, proxy: str | None, error: Exception) -> UsageError:
    if proxy and proxy.lower().startswith("socks"):
        return UsageError(
            f"the proxy '{without_password(proxy)}' cannot be used",
            details=str(error),
            resolution="Install the support for it with: pip install requests[socks]",
        )
    return UsageError(
        f"'{without_password(url)}' is no address that can be fetched",
        details=str(error),
        resolution="Correct the address given with --iso-url.",
    )


def _in_short(error: Exception) -> str:
    """Return what the system has said; the libraries around it only repeat the address."""
    for kind in (ConnectionError, socket.gaierror):
        found = find_cause(error, kind)
        if found is not None and found.strerror:
            return found.strerror
    return str(error)


def _passing(host: str, error: Exception) -> PassingError:
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return PassingError(f"'{host}' has fallen silent", details=str(error))
    if find_cause(error, urllib3.exceptions.NewConnectionError):
        return PassingError(
            f"there is no connection to '{host}'",
            details=_in_short(error),
            resolution="Check the network and HTTPS_PROXY, or use what is there with --offline.",
        )
    return PassingError(f"the connection to '{host}' was cut", details=str(error))


def _proxy_failed(host: str, proxy: str | None, error: Exception) -> DownloadError:
    refused = re.search(_TUNNEL_REFUSED, str(error))
    kind = DownloadError if refused and refused.group(1).startswith("4") else PassingError
    status = int(refused.group(1)) if refused else 0
    return kind(
        f"the proxy '{without_password(proxy or '')}' does not connect to '{host}'",
        details=_in_short(error),
        resolution=_ADVICE.get(status, "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."),
    )


def _untrusted(
    url: str, host: str, proxy: str | None, error: ssl.SSLCertVerificationError
) -> DownloadError:
    if error.verify_code in (_WRONG_NAME, _WRONG_ADDRESS):
        return DownloadError(
            f"the certificate of '{host}' is for another name",
            details=error.verify_message,
            resolution="Check the address, and whether this network shows a login page.",
        )
    issuer = trust.issuer_of(url, proxy)
    by_whom = f"issued by '{issuer}'" if issuer else "its issuer is not known"
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        return DownloadError(
            f"the certificate of '{host}' is not valid today, {time.strftime('%Y-%m-%d')}",
            details=f"{error.verify_message}; {by_whom}",
            resolution="Check the date of this computer.",
        )
    return DownloadError(
        f"the certificate of '{host}' is not trusted: {by_whom}",
        details=error.verify_message,
        resolution="If that is your company's proxy, give its certificate: --cacert FILE.pem",
    )


def find_cause(error: BaseException, kind: type[_ErrorType]) -> _ErrorType | None:
    """Return the first error of `kind` among those that `error` carries inside."""
    waiting: list[object] = [error]
    seen = set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        if isinstance(one, kind):
            return one
        seen.add(id(one))
        waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return None
