"""The constraints for Windows 7: pip finds wheels for all, and they load there.

Windows is not run. What a library asks of Windows stands in the import table of its file.
"""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "docs" / "constraints-windows7.txt"

# Of Windows 8 and later, as Microsoft's documentation of each says.
NOT_ON_WINDOWS_7 = (
    rb"api-ms-win-core-synch-l1-2-0|bcryptprimitives|api-ms-win-core-path-l1-1-0",
    rb"ProcessPrng|WaitOnAddress|GetSystemTimePreciseAsFileTime|PathCchCanonicalizeEx",
)
FOR_PYTHON_38 = ("--python-version", "3.8", "--implementation", "cp", "--only-binary=:all:")


def imported(library: bytes) -> Iterator[bytes]:
    """Yield the names of DLLs and functions in the import table of a PE file.

    The layout is that of Microsoft's "PE Format".
    """
    header = struct.unpack_from("<I", library, 0x3C)[0]
    sections, optional_size = struct.unpack_from("<2xH12xH", library, header + 4)
    optional = header + 24
    is_64_bit = struct.unpack_from("<H", library, optional)[0] == 0x20B
    table = struct.unpack_from("<I", library, optional + (120 if is_64_bit else 104))[0]
    places = [
        struct.unpack_from("<8xIIII", library, optional + optional_size + 40 * number)
        for number in range(sections)
    ]

    def at(address: int) -> int:
        for size, begin, raw_size, raw in places:
            if begin <= address < begin + max(size, raw_size):
                return int(address - begin + raw)
        raise ValueError(f"{address:#x} is in no section")

    def text(offset: int) -> bytes:
        return library[offset : library.index(b"\0", offset)]

    entry = at(table)
    width, code = (8, "<Q") if is_64_bit else (4, "<I")
    while True:
        names, dll, addresses = struct.unpack_from("<I8xII", library, entry)
        if not dll:
            return
        yield text(at(dll))
        thunk = at(names or addresses)
        while value := struct.unpack_from(code, library, thunk)[0]:
            if not value >> (width * 8 - 1):  # by name, not by number
                yield text(at(value) + 2)
            thunk += width
        entry += 20


def requirements() -> list[str]:
    """Return what boot2docker asks for on Windows with Python 3.8."""
    text = (ROOT / "pyproject.toml").read_text()
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block
    # Markers would be judged for this machine.
    names = [name.partition(";")[0] for name in re.findall(r'^ *"([^"]+)"', block[1], re.MULTILINE)]
    return [*names, "pywin32", "colorama"]


def download(folder: Path, platform: str, *words: str) -> None:
    """Fetch wheels for Python 3.8 on a Windows."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    command += [*FOR_PYTHON_38, "--platform", platform, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def what_windows_7_lacks(folder: Path) -> dict[str, set[str]]:
    """Return what the libraries in wheels import that Windows 7 has not, by library."""
    lacking: dict[str, set[str]] = {}
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as content:
            for name in content.namelist():
                if name.endswith((".pyd", ".dll")):
                    found = [
                        symbol.decode()
                        for symbol in imported(content.read(name))
                        if any(re.match(pattern, symbol) for pattern in NOT_ON_WINDOWS_7)
                    ]
                    if found:
                        lacking[f"{wheel.name.partition('-')[0]}: {name}"] = set(found)
    return lacking


@pytest.mark.parametrize("platform", ["win_amd64", "win32"])
def test_the_constraints_have_wheels_that_load(tmp_path: Path, platform: str) -> None:
    download(tmp_path, platform, "--constraint", str(CONSTRAINTS), *requirements())
    names = {wheel.name.partition("-")[0].lower() for wheel in tmp_path.glob("*.whl")}
    assert {"bcrypt", "cryptography", "paramiko", "pywin32", "pynacl", "cffi"} <= names
    assert what_windows_7_lacks(tmp_path) == {}


@pytest.mark.parametrize(
    ("too_new", "function"),
    [
        ("cryptography==42.0.6", "ProcessPrng"),
        ("cryptography==43.0.3", "ProcessPrng"),
        ("bcrypt==4.1.3", "WaitOnAddress"),
    ],
)
def test_what_the_constraints_keep_out_does_not_load(
    tmp_path: Path, too_new: str, function: str
) -> None:
    download(tmp_path, "win_amd64", "--no-deps", too_new)
    (symbols,) = what_windows_7_lacks(tmp_path).values()
    assert function in symbols
