"""Files that somebody else has made: their headers may say anything."""

from __future__ import annotations

import tarfile
import tracemalloc
from pathlib import Path

import pytest

from boot2docker_py.drivers.virtualbox.vm import appliance
from boot2docker_py.errors import UsageError

MB = 1 << 20


def header(name: str, kind: bytes, size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(header("x", tarfile.XHDTYPE, 64 * MB), id="pax header"),
        pytest.param(header("x", tarfile.XGLTYPE, 64 * MB), id="global pax header"),
        pytest.param(header("x", tarfile.GNUTYPE_LONGNAME, 64 * MB), id="long name"),
        pytest.param(header("x", tarfile.GNUTYPE_LONGNAME) * 5000, id="header after header"),
        pytest.param(header("x", tarfile.DIRTYPE) * 30_000, id="folder after folder"),
    ],
)
def test_headers_are_not_read_without_end(tmp_path: Path, headers: bytes) -> None:
    file = tmp_path / "vm.ova"
    with file.open("wb") as output:
        output.write(headers)
        output.truncate(len(headers) + 64 * MB)
    tracemalloc.start()
    try:
        with pytest.raises(UsageError, match="vm.ova"):
            appliance.read(file)
        _present, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 8 * MB
