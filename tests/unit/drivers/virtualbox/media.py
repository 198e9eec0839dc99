"""Media of the stand-in: files with the name of the medium in them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tests.unit.drivers.virtualbox.gate import RefusedError
from tests.unit.drivers.virtualbox.models import Model, Progress, new_id


class Medium(Model):
    """IMedium: a base, or what came after a snapshot."""

    def __init__(self, server: Any, location: str, kind: str, parent: Medium | None = None) -> None:
        super().__init__(id=new_id(), location=location, deviceType=kind, parent=parent)
        self.server, self.logicalSize, self.content = server, 0, bytearray()
        self.children: list[Medium] = []
        self.is_written_to = False

    def __deepcopy__(self, _memo: dict[int, Any]) -> Medium:
        return self

    @property
    def name(self) -> str:
        return Path(self.location).name

    @property
    def format(self) -> str:
        return Path(self.location).suffix[1:].upper() or "RAW"

    @property
    def size(self) -> int:
        return Path(self.location).stat().st_size

    @property
    def depth(self) -> int:
        return self.parent.depth + 1 if self.parent else 0

    @property
    def base(self) -> Medium:
        return self.parent.base if self.parent else self

    @property
    def state(self) -> str:
        return "Created" if Path(self.location).exists() else "Inaccessible"

    @property
    def machineIds(self) -> list[str]:
        return [one.id for one in self.server.machines_of_any_kind() if one.has(self)]

    def refreshState(self) -> str:
        return self.state

    def createBaseStorage(self, logicalSize: int, variant: list[str]) -> Progress:
        def create() -> None:
            if self.server.medium_at(self.location):
                raise RefusedError("E_INVALIDARG", "a hard disk with that location exists")
            if Path(self.location).exists():
                raise RefusedError("VBOX_E_FILE_ERROR", "it exists (VERR_ALREADY_EXISTS)")
            Path(self.location).parent.mkdir(parents=True, exist_ok=True)
            Path(self.location).write_bytes(b"a disk of the stand-in")
            self.logicalSize = logicalSize
            self.server.media.append(self)

        return Progress(create).done()

    def openForIO(self, writable: bool, password: str) -> MediumIO:
        return MediumIO(self)

    def cloneTo(self, target: Medium, variant: list[str], parent: Medium | None) -> Progress:
        made = target.createBaseStorage(self.logicalSize, variant)
        target.content = bytearray(self.content)
        return made

    def createDiffStorage(self, target: Medium, variant: list[str]) -> Progress:
        def create() -> None:
            Path(target.location).parent.mkdir(parents=True, exist_ok=True)
            Path(target.location).write_bytes(b"a linked disk of the stand-in")
            target.logicalSize, target.content = self.logicalSize, bytearray(self.content)
            vars(target).update(parent=self)
            self.children.append(target)

        return Progress(create).done()

    @property
    def variant(self) -> list[str]:
        return ["Standard"]

    def resize(self, logicalSize: int) -> Progress:
        def grow() -> None:
            if self.format != "VDI" and self.server.version_tuple < (7, 0):
                raise RefusedError("VBOX_E_NOT_SUPPORTED", "This format does not support resizing")
            self.logicalSize = logicalSize

        return Progress(grow).done()

    def deleteStorage(self) -> Progress:
        def delete() -> None:
            self.close()
            Path(self.location).unlink()

        return Progress(delete).done()

    def close(self) -> None:
        if self.machineIds or self.children:
            raise RefusedError("VBOX_E_OBJECT_IN_USE", f"Medium '{self.location}' is attached")
        if self in self.server.media:
            self.server.media.remove(self)
        if self.parent:
            self.parent.children.remove(self)


class MediumIO(Model):
    """IMediumIO; writes no more than 4096 bytes at once."""

    def __init__(self, medium: Medium) -> None:
        super().__init__(medium=medium, writable=True)
        medium.is_written_to = True

    def write(self, offset: int, data: list[int]) -> int:
        if offset % 512 or len(data) % 512:
            raise RefusedError("E_INVALIDARG", "not a multiple of the sector size")
        written = data[:4096]
        self.medium.content = self.medium.content.ljust(offset, b"\0")
        self.medium.content[offset : offset + len(written)] = bytes(written)
        return len(written)

    def read(self, offset: int, size: int) -> list[int]:
        return list(self.medium.content[offset : offset + size].ljust(size, b"\0"))

    def close(self) -> None:
        self.medium.is_written_to = False


class MediumAttachment(Model):
    """IMediumAttachment."""

    def __init__(self, place: tuple[str, int, int], kind: str, medium: Medium | None) -> None:
        controller, port, device = place
        super().__init__(controller=controller, port=port, device=device, type=kind)
        self.medium, self.nonRotational = medium, False


def logical_size(file: Path) -> int:
    """Return the size of the disk in a file, by the headers of the formats.

    VMDK: SparseExtentHeader, capacity in sectors. VDI: header 1.1, cbDisk.
    """
    with file.open("rb") as content:
        header = content.read(0x200)
    if header[:4] == b"KDMV":
        return int(struct.unpack_from("<Q", header, 12)[0]) * 512
    if header[0x40:0x44] == struct.pack("<I", 0xBEDA107F):
        return int(struct.unpack_from("<Q", header, 0x170)[0])
    raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", "Object does not exist")
