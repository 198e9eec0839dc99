"""A minimal bootable ISO 9660 image, made of bytes: descriptors, boot catalog, filling."""

from __future__ import annotations

import random
import struct

SECTOR = 2048
CATALOG_SECTOR, BOOT_IMAGE_SECTOR, FIRST_FREE_SECTOR = 19, 20, 21


def make_iso(
    version: str = "26.1.5-20261101",
    *,
    volume_id: str = "",
    sectors: int = 200,
    filling: int = 0,
    has_boot_record: bool = True,
    boot_indicator: int = 0x88,
) -> bytes:
    """Return an image; another `filling` makes another image of the same version."""
    boot_record = _descriptor(0, b"EL TORITO SPECIFICATION".ljust(64, b"\0"))
    boot_record = boot_record[:71] + struct.pack("<I", CATALOG_SECTOR) + boot_record[75:]
    parts = [
        bytes(16 * SECTOR),
        _primary(volume_id or f"b2d-v{version}", sectors),
        boot_record if has_boot_record else _descriptor(2, b""),
        _descriptor(255, b""),
        _catalog(boot_indicator),
        b"\xeb\xfe".ljust(SECTOR, b"\0"),  # jumps to itself
    ]
    head = b"".join(parts)
    noise = random.Random(f"{version} {filling}").getrandbits
    return head + bytes(noise(8) for _ in range(sectors * SECTOR - len(head)))


def _descriptor(kind: int, content: bytes) -> bytes:
    return (bytes([kind]) + b"CD001\x01" + content).ljust(SECTOR, b"\0")


def _primary(volume_id: str, sectors: int) -> bytes:
    sector = bytearray(_descriptor(1, b""))
    sector[40:72] = volume_id.encode().ljust(32)
    sector[80:88] = struct.pack("<I", sectors) + struct.pack(">I", sectors)
    sector[128:132] = struct.pack("<H", SECTOR) + struct.pack(">H", SECTOR)
    return bytes(sector)


def _catalog(boot_indicator: int) -> bytes:
    validation = b"\x01".ljust(28, b"\0") + b"\xaa\x55\x55\xaa"  # the words sum up to zero
    entry = struct.pack("<BBHBBHI", boot_indicator, 0, 0, 0, 0, 4, BOOT_IMAGE_SECTOR)
    return (validation + entry).ljust(SECTOR, b"\0")
