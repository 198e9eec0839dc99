"""Checksums of images: where they are written, how they are read, how a file is held to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from boot2docker_py.errors import DownloadError, UsageError

_CHUNK_BYTES = 1024 * 1024
_ALGORITHM_OF_LENGTH = {64: "sha256", 128: "sha512"}
_DIGEST = r"(?<![0-9a-f])([0-9a-f]{128}|[0-9a-f]{64})(?![0-9a-f])"

# `sha256sum` writes "digest  name" or "digest *name"; `sha256sum --tag` and BSD
# "SHA256 (name) = digest"; many sites the digest alone.
_SUM_LINE = rf"(?im)^\s*{_DIGEST}[ \t]+\*?(?P<name>\S.*?)\s*$"
_TAGGED_LINE = rf"(?im)^\s*SHA-?(?:256|512) \((?P<name>.+?)\) ?= ?(?P<digest>{_DIGEST})\s*$"
_BARE_LINE = rf"(?im)^\s*{_DIGEST}\s*$"


class Checksum(NamedTuple):
    """What a file must hash to, and what says so."""

    algorithm: str  # "sha256" or "sha512"
    hexdigest: str
    origin: str


def given(text: str) -> Checksum:
    """Return the checksum of `--sha256`.

    Raises:
        UsageError: it is not one.
    """
    found = re.fullmatch(r"(?:sha256:)?([0-9a-f]{64})", text.strip(), re.IGNORECASE)
    if not found:
        raise UsageError(
            f"'{text}' is no SHA-256 checksum",
            details="A SHA-256 checksum has 64 hexadecimal digits.",
            resolution="Copy it again from where the image is published, for --sha256.",
        )
    return Checksum("sha256", found.group(1).lower(), "--sha256")


def named(text: str, name: str, origin: str) -> Checksum | None:
    """Return the checksum that `text` gives for the file `name`, SHA-256 before SHA-512."""
    digests = [digest for line_name, digest in _lines(text) if _base_name(line_name) == name]
    return _strongest_known(digests, origin)


def beside(text: str, name: str, origin: str) -> Checksum | None:
    """Return the checksum in a checksum file that lies beside the file `name`.

    A file with one digest speaks of its neighbour, whatever name it uses: mirrors rename files.
    """
    by_name = named(text, name, origin)
    if by_name:
        return by_name
    digests = [digest for _, digest in _lines(text)]
    digests += [found.group(1) for found in re.finditer(_BARE_LINE, text)]
    return _strongest_known(digests, origin) if len(digests) == 1 else None


def _lines(text: str) -> list[tuple[str, str]]:
    plain = [(found.group("name"), found.group(1)) for found in re.finditer(_SUM_LINE, text)]
    tagged = [
        (found.group("name"), found.group("digest")) for found in re.finditer(_TAGGED_LINE, text)
    ]
    return plain + tagged


def _base_name(name: str) -> str:
    return re.split(r"[\\/]", name)[-1]


def _strongest_known(digests: list[str], origin: str) -> Checksum | None:
    for length, algorithm in _ALGORITHM_OF_LENGTH.items():
        for digest in digests:
            if len(digest) == length:
                return Checksum(algorithm, digest.lower(), origin)
    return None


def fits(path: Path, expected: Checksum, sha256: str) -> bool:
    """Tell whether a file, whose SHA-256 is known already, has the checksum expected."""
    return _digest(path, expected, sha256) == expected.hexdigest


def _digest(path: Path, expected: Checksum, sha256: str) -> str:
    return sha256 if expected.algorithm == "sha256" else hash_file(path, expected.algorithm)


def hash_file(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file, as hexadecimal digits."""
    import hashlib  # loads the system's cryptography; an image in place is not read

    digest = hashlib.new(algorithm)
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


def demand(path: Path, expected: Checksum, sha256: str, source: str) -> None:
    """Hold a file, whose SHA-256 is known already, to the checksum expected.

    Raises:
        DownloadError: it is another file.
    """
    actual = _digest(path, expected, sha256)
    if actual != expected.hexdigest:
        raise DownloadError(
            f"the image from '{source}' is not the one that was published: its checksum is wrong",
            details=(
                f"{expected.algorithm} expected: {expected.hexdigest} (by {expected.origin})\n"
                f"{expected.algorithm} received: {actual}"
            ),
            resolution="Fetch it again with: boot2docker download. If it is wrong again, do not "
            "use this source.",
        )
