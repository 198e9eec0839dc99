"""What is read-only where only Windows keeps such a file from being replaced."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from boot2docker_py import read_only, whole_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tests/windows/unit has its like")


def test_it_has_its_rights_and_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    read_only.set_mode(file, 0o400)
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert not read_only.cannot_be_replaced(file)
    whole_file.write(file, b"new")
    assert file.read_bytes() == b"new"
