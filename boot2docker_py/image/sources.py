"""What `--iso-url` means: `auto`, a list of releases, the address of an image, or a file here."""

from __future__ import annotations

import enum
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from boot2docker_py.errors import UsageError
from boot2docker_py.masking import without_secrets

AUTO = "auto"
OFFICIAL_RELEASES = "https://api.github.com/repos/boot2docker/boot2docker/releases"

# api.github.com, and /api/v3 of a GitHub Enterprise server; a list, or one release of it.
_RELEASES = (
    r"(?:/api/v3)?/repos/(?P<owner>[^/]+)/(?P<repository>[^/]+)/releases(?:/latest|/tags/[^/]+)?/?"
)
_DRIVE_PATH = r"[A-Za-z]:[\\/]"
_SCHEME = r"(?a)([A-Za-z][A-Za-z0-9+.-]+):"


class Kind(enum.Enum):
    """What is found at a source."""

    AUTO = "auto"  # to be found out
    PACKAGE = "package"
    RELEASES = "releases"
    URL = "url"
    FILE = "file"


class Source(NamedTuple):
    """A source of images, understood."""

    kind: Kind
    location: str  # http(s) address, or a path
    origin: str  # its name for people


def parse(text: str, *, is_windows: bool = sys.platform == "win32") -> Source:
    """Understand the value of `--iso-url`.

    Raises:
        UsageError: it is none of the things it may be.
    """
    scheme = re.match(_SCHEME, text)
    if not text.strip():
        raise _unusable(text, "It is empty.")
    if text == AUTO:
        return Source(Kind.AUTO, "", text)
    if scheme is None or re.match(_DRIVE_PATH, text):
        path = os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser() raises without a home
        return Source(Kind.FILE, path, text)
    if scheme.group(1).lower() == "file":
        return Source(Kind.FILE, path_of_file_url(text, is_windows=is_windows), text)
    if scheme.group(1).lower() in ("http", "https"):
        return _parse_http(text)
    raise _unusable(text, f"Nothing is known of '{scheme.group(1)}:'.")


def path_of_file_url(url: str, *, is_windows: bool) -> str:
    """Return the path of a file: URL (RFC 8089, with appendix E for Windows).

    Raises:
        UsageError: it names another computer, where paths cannot.
    """
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _unusable(url, str(error)) from error
    path = unquote(parts.path)
    host = "" if parts.netloc.lower() == "localhost" else unquote(parts.netloc)
    if not is_windows:
        if host:
            raise _unusable(url, f"It names the computer '{host}'; write file:///PATH.")
        return path
    if re.match(r"/[A-Za-z][:|]", path):
        path = f"{path[1]}:{path[3:]}"
    if re.fullmatch(r"[A-Za-z]:", host):  # file://C:/..., wrong and common
        return f"{host}{path}".replace("/", "\\")
    return (f"//{host}{path}" if host else path).replace("/", "\\")


def _parse_http(url: str) -> Source:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # reading it checks it
    except ValueError as error:
        raise _unusable(url, str(error)) from error
    if not host:
        raise _unusable(url, "It has no host name.")
    releases = re.fullmatch(_RELEASES, parts.path)
    if releases:
        origin = f"{web_host(parts.netloc)}/{releases['owner']}/{releases['repository']}"
        return Source(Kind.RELEASES, url, origin)
    return Source(Kind.URL, url, host)


def web_host(api_host: str) -> str:
    """Return the host of the web pages that belong to an API: api.github.com's is github.com."""
    host = api_host.rpartition("@")[2]
    return "github.com" if host.lower() == "api.github.com" else host


def without_password(url: str) -> str:
    """Return an address, or a path, as it may be shown and written down."""
    return without_secrets(url)


def is_same_file(source: str, destination: Path) -> bool:
    """Tell whether a source on this disk is the destination itself."""
    try:
        return destination.samefile(source)
    except OSError:  # one of them is not there
        return False


def _unusable(url: str, why: str) -> UsageError:
    return UsageError(
        f"no image can be fetched from '{without_password(url)}'",
        details=why,
        resolution="Give --iso-url the word auto, the releases API of GitHub, an http(s) address, "
        "a file: URL, or a path.",
    )
