#!/usr/bin/python3
"""Rewrite ELF programs in place, smaller and quicker to start: lean_program.py FILE...

Debian links its Go programs so that they export each of their functions by name, to plugins that
nobody loads: a quarter of dockerd's file. And it links dockerd and docker to run at any address:
the loader then changes 342,000 words of dockerd at each start, and copies the pages they are in.

Here, the names that a program exports go, and a program for any address gets the one at which
its neighbours (containerd, runc) have always been. Code and data are not touched otherwise. A
program of another make than is known here stays as it is, and a line says why.

Formats: the ELF specification, its supplement for x86-64, and glibc's for its own tables.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import NamedTuple

BASE = 0x400000
PAGE = 0x1000

ET_EXEC, ET_DYN = 2, 3
X86_64 = 62
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_GNU_STACK = 1, 2, 3, 0x6474E551
DT_NEEDED, DT_PLTRELSZ, DT_PLTGOT, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA = range(1, 8)
DT_RELASZ, DT_STRSZ, DT_INIT, DT_FINI, DT_SONAME, DT_RPATH = 8, 10, 12, 13, 14, 15
DT_JMPREL, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_RUNPATH = 23, 25, 26, 29
DT_PREINIT_ARRAY, DT_RELR, DT_GNU_HASH, DT_VERSYM = 32, 36, 0x6FFFFEF5, 0x6FFFFFF0
DT_RELACOUNT, DT_FLAGS_1, DT_VERDEF, DT_VERNEED = 0x6FFFFFF9, 0x6FFFFFFB, 0x6FFFFFFC, 0x6FFFFFFE
DT_VERNEEDNUM = 0x6FFFFFFF
DF_1_PIE = 0x08000000
STT_TLS = 6
R_64, R_COPY, R_GLOB_DAT, R_JUMP_SLOT, R_RELATIVE, R_TPOFF64 = 1, 5, 6, 7, 8, 18

TABLES = (DT_GNU_HASH, DT_SYMTAB, DT_STRTAB, DT_VERSYM, DT_VERNEED, DT_RELA, DT_JMPREL)
ADDRESSES = (DT_PLTGOT, DT_INIT, DT_FINI, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_PREINIT_ARRAY)
NAMES = (DT_NEEDED, DT_SONAME, DT_RUNPATH)
NOT_KNOWN = (DT_HASH, DT_RELR, DT_VERDEF, DT_RPATH)

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QQq")
ENTRY = struct.Struct("<QQ")
WORD = struct.Struct("<Q")
LIBRARY = struct.Struct("<HHIII")
VERSION = struct.Struct("<IHHII")


class OtherMakeError(Exception):
    """The program is not of the make that is known here."""


class Segment(NamedTuple):
    """A line of the program's table of what is loaded where."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    align: int


class Relocation(NamedTuple):
    """A word that the loader sets: where, how and by which symbol, and what it adds."""

    address: int
    info: int
    addend: int

    @property
    def kind(self) -> int:
        """How the word is made."""
        return self.info & 0xFFFFFFFF

    @property
    def symbol(self) -> int:
        """The number of the symbol it is made of."""
        return self.info >> 32


class Strings:
    """A table of strings, each in it once."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self._places: dict[bytes, int] = {b"": 0}

    def add(self, text: bytes) -> int:
        """Return where a text is."""
        if text not in self._places:
            self._places[text] = len(self.data)
            self.data += text + b"\0"
        return self._places[text]


class Program:
    """A program as it is in its file."""

    def __init__(self, data: bytes) -> None:
        if len(data) < HEADER.size or data[:7] != b"\x7fELF\x02\x01\x01":
            raise OtherMakeError("it is no 64-bit ELF file")
        self.data = bytearray(data)
        self.header = list(HEADER.unpack_from(data))
        if self.header[1] not in (ET_EXEC, ET_DYN) or self.header[2] != X86_64:
            raise OtherMakeError("it is no program for x86-64")
        self.segments_at, count = self.header[5], self.header[10]
        self.headers_end = self.segments_at + SEGMENT.size * count
        table = bytes(self.data[self.segments_at : self.headers_end])
        self.segments = [Segment(*line) for line in SEGMENT.iter_unpack(table)]
        self.loads = [segment for segment in self.segments if segment.kind == PT_LOAD]
        kinds = {segment.kind: segment for segment in self.segments}
        if PT_DYNAMIC not in kinds or PT_INTERP not in kinds:
            raise OtherMakeError("it is linked statically")
        self.dynamic_at = kinds[PT_DYNAMIC].offset
        self.dynamic = self._dynamic(kinds[PT_DYNAMIC])
        self.tags = dict(self.dynamic)

    def _dynamic(self, segment: Segment) -> list[tuple[int, int]]:
        entries = []
        for at in range(segment.offset, segment.offset + segment.file_size, ENTRY.size):
            entries.append(ENTRY.unpack_from(self.data, at))
            if not entries[-1][0]:
                break
        return entries

    def offset(self, address: int) -> int:
        """Return where in the file an address is."""
        for load in self.loads:
            if load.address <= address < load.address + load.file_size:
                return address - load.address + load.offset
        raise OtherMakeError(f"{address:#x} is not in its file")

    def text(self, place: int) -> bytes:
        """Return a string of the loader's table."""
        start = self.offset(self.tags[DT_STRTAB]) + place
        return bytes(self.data[start : self.data.index(0, start)])

    def relocations(self, start: int, size: int) -> list[Relocation]:
        """Return one of the loader's two tables, by the names of its start and size."""
        at = self.offset(self.tags[start])
        table = bytes(self.data[at : at + self.tags[size]])
        return [Relocation(*line) for line in RELOCATION.iter_unpack(table)]


class Leaner:
    """What makes one program lean."""

    def __init__(self, program: Program) -> None:
        self.program = program
        #: What is added to each address.
        self.shift = BASE if program.header[1] == ET_DYN else 0
        if not all(tag in program.tags for tag in TABLES):
            raise OtherMakeError("it has not all tables of the loader")
        if any(tag in program.tags for tag in NOT_KNOWN):
            raise OtherMakeError("its dynamic section has entries that are not known")
        self.tables_start = min(program.offset(program.tags[tag]) for tag in TABLES)
        self._check_layout()

    def _check_layout(self) -> None:
        """Tables of the loader, and nothing else, fill the end of the first segment."""
        first = self.program.loads[0]
        if first.offset or first.flags != 4 or first.address + self.shift != BASE:
            raise OtherMakeError("its first segment is not that of the loader's tables")
        if not self.program.headers_end <= self.tables_start < first.file_size:
            raise OtherMakeError("its tables lie elsewhere")
        for segment in self.program.segments:
            is_before = segment.offset + segment.file_size <= self.tables_start
            is_inside = segment.offset < first.file_size and segment.kind != PT_GNU_STACK
            if segment != first and is_inside and not is_before:
                raise OtherMakeError("its notes lie behind its tables")

    def lean(self) -> bytes:
        """Return the new file."""
        program, strings = self.program, Strings()
        words = self._settle(program.relocations(DT_RELA, DT_RELASZ))
        calls = self._settle(program.relocations(DT_JMPREL, DT_PLTRELSZ))
        imported, exported = self._symbols({entry.symbol for entry in [*words, *calls]})
        numbers = {old: new for new, old in enumerate([0, *imported, *exported])}
        names = [self._name_of(symbol) for symbol in exported]
        libraries = [strings.add(program.text(at)) for tag, at in program.dynamic if tag in NAMES]
        versions_at = program.offset(program.tags[DT_VERSYM])
        tables = {
            DT_GNU_HASH: hash_table(1 + len(imported), names),
            DT_SYMTAB: b"".join(self._renamed(symbol, strings) for symbol in numbers),
            DT_VERSYM: b"".join(
                bytes(program.data[versions_at + 2 * symbol :][:2]) for symbol in numbers
            ),
            DT_VERNEED: self._versions(strings),
            DT_RELA: renumbered(words, numbers),
            DT_JMPREL: renumbered(calls, numbers),
            DT_STRTAB: bytes(strings.data),
        }
        values = {tag: value + self.shift for tag, value in program.dynamic if tag in ADDRESSES}
        values[DT_STRSZ] = len(strings.data)
        values[DT_RELASZ] = RELOCATION.size * len(words)
        values[DT_RELACOUNT] = 0
        values[DT_FLAGS_1] = program.tags.get(DT_FLAGS_1, 0) & ~DF_1_PIE
        first = bytearray(program.data[: self.tables_start])
        for tag, table in tables.items():
            first += bytes(-len(first) % 8)
            values[tag] = BASE + len(first)
            first += table
        for number, (tag, value) in enumerate(program.dynamic):
            new = libraries.pop(0) if tag in NAMES else values.get(tag, value)
            ENTRY.pack_into(program.data, program.dynamic_at + ENTRY.size * number, tag, new)
        return self._laid_out(first)

    def _settle(self, relocations: list[Relocation]) -> list[Relocation]:
        """Do what the loader would do for the chosen address, and return what is left for it."""
        left, data = [], self.program.data
        for entry in relocations:
            if entry.kind == R_RELATIVE:
                WORD.pack_into(data, self.program.offset(entry.address), entry.addend + self.shift)
                continue
            if entry.kind not in (R_64, R_COPY, R_GLOB_DAT, R_JUMP_SLOT, R_TPOFF64):
                raise OtherMakeError(f"it has relocations that are not known: {entry.kind}")
            if entry.kind == R_JUMP_SLOT:  # until its first call it leads back to the loader
                slot = self.program.offset(entry.address)
                (value,) = WORD.unpack_from(data, slot)
                WORD.pack_into(data, slot, value + self.shift if value else 0)
            left.append(entry._replace(address=entry.address + self.shift))
        return left

    def _symbols(self, used: set[int]) -> tuple[list[int], list[int]]:
        """Return the used symbols: what libraries define, and what the loader must find here."""
        symbols = sorted(used - {0})
        imported = [symbol for symbol in symbols if not self._symbol(symbol)[3]]
        return imported, [symbol for symbol in symbols if symbol not in imported]

    def _symbol(self, number: int) -> tuple[int, ...]:
        at = self.program.offset(self.program.tags[DT_SYMTAB]) + SYMBOL.size * number
        return SYMBOL.unpack_from(self.program.data, at)

    def _name_of(self, number: int) -> bytes:
        return self.program.text(self._symbol(number)[0])

    def _renamed(self, number: int, strings: Strings) -> bytes:
        name, info, other, section, value, size = self._symbol(number)
        # The value of a variable of a thread is no address.
        if section and info & 0xF != STT_TLS:
            value += self.shift
        return SYMBOL.pack(strings.add(self.program.text(name)), info, other, section, value, size)

    def _versions(self, strings: Strings) -> bytes:
        """Return the versions that are asked of libraries, with their names' new places."""
        program = self.program
        at, table = program.offset(program.tags[DT_VERNEED]), b""
        for _ in range(program.tags[DT_VERNEEDNUM]):
            form, count, file, first, following = LIBRARY.unpack_from(program.data, at)
            if first != LIBRARY.size or following not in (0, first + VERSION.size * count):
                raise OtherMakeError("its table of versions has gaps")
            file = strings.add(program.text(file))
            table += LIBRARY.pack(form, count, file, first, following)
            for number in range(count):
                place = at + first + VERSION.size * number
                key, flags, other, name, after = VERSION.unpack_from(program.data, place)
                name = strings.add(program.text(name))
                table += VERSION.pack(key, flags, other, name, after)
            at += following
        return table

    def _laid_out(self, first: bytearray) -> bytes:
        """Return the file with a new first segment; the rest moves up to it by whole pages."""
        program, rest = self.program, self.program.loads[1:]
        start = min(load.offset for load in rest) & -PAGE
        end = max(load.offset + load.file_size for load in rest)
        moved = start - (len(first) + PAGE - 1 & -PAGE)
        table = b""
        for segment in program.segments:
            address = 0 if segment.kind == PT_GNU_STACK else segment.address + self.shift
            new = segment._replace(address=address, physical=address)
            if segment == program.loads[0]:
                new = new._replace(file_size=len(first), memory_size=len(first))
            elif segment.offset >= start:
                new = new._replace(offset=segment.offset - moved)
            table += SEGMENT.pack(*new)
        header = list(program.header)
        header[1] = ET_EXEC
        header[4] += self.shift
        # No table of sections: nothing that runs a program reads it.
        header[6] = header[12] = header[13] = 0
        first[: HEADER.size] = HEADER.pack(*header)
        first[program.segments_at : program.headers_end] = table
        return bytes(first + bytes(start - moved - len(first)) + program.data[start:end])


def renumbered(relocations: list[Relocation], numbers: dict[int, int]) -> bytes:
    """Return a table of the loader with the new numbers of its symbols."""
    return b"".join(
        RELOCATION.pack(entry.address, numbers[entry.symbol] << 32 | entry.kind, entry.addend)
        for entry in relocations
    )


def hash_table(first: int, names: list[bytes]) -> bytes:
    """Return the table by which libraries find names here, from symbol `first` on: one bucket."""
    bloom, chain = 0, []
    for name in names:
        value = 5381
        for byte in name:
            value = (value * 33 + byte) & 0xFFFFFFFF
        bloom |= 1 << value % 64 | 1 << (value >> 6) % 64
        chain.append(value & ~1)
    if chain:
        chain[-1] |= 1
    head = struct.pack("<IIIIQI", 1, first, 1, 6, bloom, first if names else 0)
    return head + struct.pack(f"<{len(chain)}I", *chain)


def make_lean(file: Path) -> str:
    """Rewrite a program; return what became of it."""
    before = file.read_bytes()
    try:
        after = Leaner(Program(before)).lean()
    except OtherMakeError as reason:
        return f"stays as it is: {reason}"
    new = file.with_name(f"{file.name}.new")
    new.write_bytes(after)
    new.chmod(file.stat().st_mode & 0o7777)
    new.replace(file)
    return f"{len(after)} bytes, {len(before)} before"


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(f"lean_program: {path}: {make_lean(Path(path))}", file=sys.stderr)
