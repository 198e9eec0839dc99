"""What the releases API of GitHub and GitHub Enterprise says, as far as images need it.

Fields: docs.github.com/en/rest/releases/releases, "List releases". The checksums of the official
images stand in the text of the release alone, as lines of sha256sum and its sisters.
"""

from __future__ import annotations

import re
import sys
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from boot2docker_py import untrusted
from boot2docker_py.errors import DownloadError
from boot2docker_py.image import checksums, sources, versions
from boot2docker_py.image.model import Release

TAG_LETTERS = 256
ISO_NAME = "boot2docker.iso"


def pick(text: str, source: sources.Source) -> Release:
    """Return the first release of a list that is no draft, no pre-release, and has an image.

    Raises:
        DownloadError: `text` is no list of releases, or none has an image.
    """
    candidates = [entry for entry in _parse(text, source) if _is_published(entry)]
    for entry in candidates:
        asset = _find_asset(entry)
        if asset is not None:
            return _release(entry, asset, source)
    raise DownloadError(
        f"no release of {source.origin} has a {ISO_NAME}",
        details=f"{len(candidates)} releases looked at, without drafts and pre-releases",
        resolution="Give the address of an image with --iso-url.",
    )


def address_of(url: str, version: str) -> str:
    """Return where one release of a releases API is; its tag is the version with a "v" before."""
    parts = urlsplit(url)
    path = re.sub(r"/releases(/.*)?$", "/releases", parts.path)
    tag = quote(f"v{versions.from_tag(version)}", safe="")
    return urlunsplit(parts._replace(path=f"{path}/tags/{tag}", query=""))


def _parse(text: str, source: sources.Source) -> list[dict[str, Any]]:
    try:
        answer = untrusted.parsed_json(text)
    except ValueError as error:
        raise _malformed(source, text, str(error)) from error
    entries = [answer] if isinstance(answer, dict) and "tag_name" in answer else answer
    if not isinstance(entries, list) or not all(_has_tag(entry) for entry in entries):
        raise _malformed(source, text, "It is no list of releases.")
    return entries


def _has_tag(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("tag_name"), str):
        return False
    tag: str = entry["tag_name"]
    return len(tag) <= TAG_LETTERS and tag.isprintable()  # and so no half of a letter


def _malformed(source: sources.Source, text: str, why: str) -> DownloadError:
    return DownloadError(
        f"the releases of {source.origin} cannot be read",
        details=f"{why}\nIt begins with: {text[:200]}",
        resolution="Check that --iso-url is the address of a releases API, and that no login page "
        "of the network answers in its place.",
    )


def _is_published(entry: dict[str, Any]) -> bool:
    return not entry.get("draft") and not entry.get("prerelease")


def _find_asset(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return the image's asset, {} when the list does not speak of assets, None without one."""
    assets = entry.get("assets")
    if not isinstance(assets, list):
        return {}
    named = [item for item in assets if isinstance(item, dict) and item.get("name") == ISO_NAME]
    return named[0] if named else None


def _release(entry: dict[str, Any], asset: dict[str, Any], source: sources.Source) -> Release:
    tag: str = entry["tag_name"]
    url = asset.get("browser_download_url")
    return Release(
        url=url if isinstance(url, str) and url else _conventional_url(source, tag),
        origin=source.origin,
        version=versions.from_tag(tag),
        checksum=_checksum(entry, asset, source),
        size_bytes=untrusted.integer(asset.get("size"), 1, sys.maxsize),
        is_listed=True,
    )


def _conventional_url(source: sources.Source, tag: str) -> str:
    scheme = urlsplit(source.location).scheme
    return f"{scheme}://{source.origin}/releases/download/{quote(tag)}/{ISO_NAME}"


def _checksum(
    entry: dict[str, Any], asset: dict[str, Any], source: sources.Source
) -> checksums.Checksum | None:
    digest = str(asset.get("digest") or "")  # "sha256:...", on GitHub since June 2025
    if digest.startswith("sha256:"):
        return checksums.Checksum("sha256", digest[7:].lower(), source.origin)
    notes = f"the notes of release {entry['tag_name']}"
    return checksums.named(str(entry.get("body") or ""), ISO_NAME, notes)
