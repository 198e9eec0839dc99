"""Files of new disks that grow, written by ourselves, with content at their start.

Where VirtualBox can write into a disk itself (6.0 and later), it makes the file instead. What is
not written here is a hole in the file, and reads as zeros.
"""

from __future__ import annotations

import os
import struct
import uuid
from pathlib import Path
from typing import Tuple

Piece = Tuple[int, bytes]  # offset in the file, what is there
SECTOR = 512
_GEOMETRY = (16, 63)  # heads and sectors, by which no SATA disk goes
_MB = 1 << 20


def write(path: Path, size_bytes: int, content: bytes) -> None:
    """Make the file of a disk, VMDK or VDI by its suffix.

    Raises:
        FileExistsError: there is a file already; it is left alone.
    """
    layout = {".vmdk": vmdk, ".vdi": vdi}[path.suffix]
    length, pieces = layout(size_bytes, content, uuid.uuid4())
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for offset, piece in pieces:
            file.seek(offset)
            file.write(piece)
        file.truncate(length)
        file.flush()
        os.fsync(file.fileno())


def vmdk(size_bytes: int, content: bytes, disk_id: uuid.UUID) -> tuple[int, list[Piece]]:
    """Return the length and the pieces of a monolithic sparse VMDK.

    The format is that of VMware's "Virtual Disk Format 5.0": header, descriptor, two copies of
    the directory with its tables, grains. A table of 512 entries stands for 32 MB.
    """
    grain, entries, descriptor_sectors = 128, 512, 20
    capacity = size_bytes // SECTOR
    tables = -(-capacity // (grain * entries))
    directory_sectors = -(-tables * 4 // SECTOR)
    copy_sectors = directory_sectors + tables * (entries * 4 // SECTOR)
    directories = [1 + descriptor_sectors + copy * copy_sectors for copy in (0, 1)]
    overhead = -(-(1 + descriptor_sectors + 2 * copy_sectors) // grain) * grain
    grains = -(-len(content) // (grain * SECTOR))
    header = struct.pack(
        "<4sIIQQQQIQQQ?4sH",
        *(b"KDMV", 1, 0b11),  # version; line ends can be checked, the first directory is in use
        *(capacity, grain, 1, descriptor_sectors, entries, *directories, overhead),
        *(False, b"\n \r\n", 0),  # was closed well, line ends, no compression
    )
    pieces = [(0, header), (SECTOR, _vmdk_descriptor(capacity, disk_id))]
    used = struct.pack(f"<{grains}I", *(overhead + grain * number for number in range(grains)))
    for directory in directories:
        first = directory + directory_sectors
        starts = range(first, first + tables * 4, 4)
        pieces.append((directory * SECTOR, struct.pack(f"<{tables}I", *starts)))
        pieces.append((first * SECTOR, used))
    pieces.append((overhead * SECTOR, content))
    return (overhead + grains * grain) * SECTOR, pieces


def _vmdk_descriptor(capacity: int, disk_id: uuid.UUID) -> bytes:
    heads, sectors = _GEOMETRY
    nothing = uuid.UUID(int=0)
    # The name of the extent is not read where descriptor and extent are one file.
    return f"""# Disk DescriptorFile
version=1
CID={disk_id.hex[:8]}
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW {capacity} SPARSE "boot2docker.vmdk"

# The disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.adapterType="ide"
ddb.geometry.cylinders="{min(capacity // (heads * sectors), 16383)}"
ddb.geometry.heads="{heads}"
ddb.geometry.sectors="{sectors}"
ddb.uuid.image="{disk_id}"
ddb.uuid.modification="{nothing}"
ddb.uuid.parent="{nothing}"
ddb.uuid.parentmodification="{nothing}"
""".encode("ascii")


def vdi(size_bytes: int, content: bytes, disk_id: uuid.UUID) -> tuple[int, list[Piece]]:
    """Return the length and the pieces of a VDI that grows.

    The format is that of VirtualBox's VDICore.h, version 1.1: header, map of blocks, blocks.
    """
    block, map_at, free = _MB, _MB, 0xFFFFFFFF
    blocks = -(-size_bytes // block)
    used = -(-len(content) // block)
    data_at = map_at + -(-blocks * 4 // _MB) * _MB
    header = struct.pack(
        "<64sII III256s II4II QIIII 16s16s16s16s 4I",
        *(b"<<< Oracle VM VirtualBox Disk Image >>>\n", 0xBEDA107F, 0x00010001),
        *(400, 1, 0, b""),  # length of what follows, a disk that grows, flags, comment
        *(map_at, data_at, 0, 0, 0, SECTOR, 0),  # geometry: left to VirtualBox
        *(size_bytes, block, 0, blocks, used),
        *(disk_id.bytes_le, uuid.uuid4().bytes_le, b"", b""),  # made, changed, parent
        *(0, 0, 0, SECTOR),
    )
    numbers = [*range(used), *[free] * (blocks - used)]
    pieces = [(0, header), (map_at, struct.pack(f"<{blocks}I", *numbers)), (data_at, content)]
    return data_at + used * block, pieces
