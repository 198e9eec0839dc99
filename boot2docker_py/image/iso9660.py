"""What is in an ISO file: enough of ISO 9660 and El Torito to tell a bootable image from others.

Layout: ECMA-119 (ISO 9660) section 8, volume descriptors from sector 16; "El Torito" Bootable
CD-ROM Format Specification 1.0, section 2. Reads a few sectors only, whatever the size.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import IO, NamedTuple

from boot2docker_py.errors import DownloadError

SECTOR_BYTES = 2048
_FIRST_DESCRIPTOR = 16
_MOST_DESCRIPTORS = 64  # there are three or four; a file without an end must not be read whole
_BOOT_RECORD, _PRIMARY, _END = 0, 1, 255
_EL_TORITO = b"EL TORITO SPECIFICATION"
_BOOTABLE = 0x88
_FETCH_AGAIN = "Fetch it again with: boot2docker download"


class Disc(NamedTuple):
    """What the descriptors of an image say."""

    volume_id: str
    volume_bytes: int


def looks_like_web_page(beginning: bytes) -> bool:
    """Tell whether the first bytes of a file are those of HTML."""
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<!--"))


def web_page_error(name: str) -> DownloadError:
    """Return the error for a web page where an image should be."""
    return DownloadError(
        f"'{name}' is a web page, not an image",
        details="A login page of the network, or a page about the image, has this address.",
        resolution="Open the address in a browser, and give the image itself with --iso-url.",
    )


def read_disc(path: Path, name: str = "") -> Disc:
    """Return what the image at `path` says of itself; errors call it `name`.

    Raises:
        DownloadError: it is no whole, bootable ISO 9660 image; the brief says why.
        OSError: it cannot be read.
    """
    name = name or str(path)
    with path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if looks_like_web_page(file.read(512)):
            raise web_page_error(name)
        descriptors = _read_descriptors(file)
        if _PRIMARY not in descriptors:
            raise _not_an_image(name, f"{size_bytes} bytes, and no volume descriptor among them")
        disc = _parse_primary(descriptors[_PRIMARY])
        if disc.volume_bytes > size_bytes:
            raise DownloadError(
                f"the image '{name}' is truncated",
                details=f"It has {size_bytes} of {disc.volume_bytes} bytes.",
                resolution=_FETCH_AGAIN,
            )
        if not _is_bootable(file, descriptors.get(_BOOT_RECORD, b"")):
            raise DownloadError(
                f"the image '{name}' is not bootable",
                details=f"The ISO 9660 volume '{disc.volume_id}' has no El Torito boot record.",
                resolution="Give the address of a boot2docker image with --iso-url.",
            )
    return disc


def _read_descriptors(file: IO[bytes]) -> dict[int, bytes]:
    descriptors: dict[int, bytes] = {}
    file.seek(_FIRST_DESCRIPTOR * SECTOR_BYTES)
    for _ in range(_MOST_DESCRIPTORS):
        sector = file.read(SECTOR_BYTES)
        if len(sector) < SECTOR_BYTES or sector[1:6] != b"CD001" or sector[0] == _END:
            break
        descriptors.setdefault(sector[0], sector)
    return descriptors


def _parse_primary(sector: bytes) -> Disc:
    (blocks,) = struct.unpack_from("<I", sector, 80)
    (block_bytes,) = struct.unpack_from("<H", sector, 128)
    volume_id = sector[40:72].decode("latin-1").strip(" \0")
    return Disc(volume_id=volume_id, volume_bytes=blocks * block_bytes)


def _is_bootable(file: IO[bytes], boot_record: bytes) -> bool:
    if boot_record[7:39].rstrip(b"\0 ") != _EL_TORITO:
        return False
    (catalog_sector,) = struct.unpack_from("<I", boot_record, 71)
    file.seek(catalog_sector * SECTOR_BYTES)
    catalog = file.read(64)
    is_valid = len(catalog) == 64 and catalog[0] == 1 and catalog[30:32] == b"\x55\xaa"
    return is_valid and catalog[32] == _BOOTABLE


def _not_an_image(name: str, details: str) -> DownloadError:
    return DownloadError(
        f"'{name}' is not an ISO 9660 image", details=details, resolution=_FETCH_AGAIN
    )
