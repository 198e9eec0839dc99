"""Files that another program holds, as virus scanners do, and those that are read-only."""

from __future__ import annotations

import ctypes
import stat
import sys
from ctypes import wintypes
from pathlib import Path
from typing import Callable

import pytest

from boot2docker_py import read_only, whole_file
from boot2docker_py.errors import StorageError
from boot2docker_py.guest.copy import unpacking

assert sys.platform == "win32"

GENERIC_READ, NOBODY_ELSE, OPEN_EXISTING = 0x80000000, 0, 3

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.CreateFileW.restype = wintypes.HANDLE
_kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)


class Held:
    """A file that no one else can open, until it is let go."""

    def __init__(self, file: Path) -> None:
        self._handle = _kernel32.CreateFileW(
            str(file), GENERIC_READ, NOBODY_ELSE, None, OPEN_EXISTING, 0, None
        )

    def let_go(self) -> None:
        _kernel32.CloseHandle(self._handle)


class FakeClock:
    """Time that passes when somebody sleeps; `at_sleep` is called then."""

    def __init__(self, at_sleep: Callable[[], None]) -> None:
        self._now_s = 0.0
        self._at_sleep = at_sleep

    def monotonic(self) -> float:
        return self._now_s

    def sleep(self, seconds: float) -> None:
        self._now_s += seconds
        self._at_sleep()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "file"
    whole_file.write(file, b"old")
    return file


def test_one_that_is_held_for_a_moment_is_read(file: Path) -> None:
    held = Held(file)
    assert whole_file.read(file, FakeClock(held.let_go)) == b"old"


def test_one_that_is_held_for_a_moment_is_replaced(file: Path, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")
    held = Held(file)
    whole_file.replace(tmp_path / "new", file, FakeClock(held.let_go))
    assert file.read_bytes() == b"new"


def test_one_that_is_held_for_a_moment_is_removed(file: Path) -> None:
    held = Held(file)
    whole_file.remove(file, FakeClock(held.let_go))
    assert not file.exists()


def test_one_that_is_held_for_good_is_an_error_in_the_end(file: Path) -> None:
    held = Held(file)
    try:
        with pytest.raises(PermissionError):
            whole_file.read(file, FakeClock(lambda: None))
    finally:
        held.let_go()


def test_one_that_is_read_only_stays_and_nothing_is_left_beside_it(
    file: Path, tmp_path: Path
) -> None:
    file.chmod(stat.S_IREAD)
    with pytest.raises(PermissionError, match="read-only"):
        whole_file.write(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("is_in_a_folder", [False, True])
def test_one_that_is_held_for_a_moment_is_replaced_by_a_copy(
    file: Path, tmp_path: Path, *, is_in_a_folder: bool
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "file").write_bytes(b"new")
    held = Held(file)
    new, target = (copy, tmp_path) if is_in_a_folder else (copy / "file", file)
    unpacking.put_in_place(new, target, FakeClock(held.let_go))
    assert file.read_bytes() == b"new"


def test_one_that_is_read_only_is_no_target_of_a_copy(file: Path, tmp_path: Path) -> None:
    """It is said at once: nobody will let it go."""
    (tmp_path / "new").write_bytes(b"new")
    file.chmod(stat.S_IREAD)
    with pytest.raises(StorageError, match="file") as caught:
        unpacking.put_in_place(tmp_path / "new", file, FakeClock(pytest.fail))
    assert "read-only" in caught.value.details
    assert file.read_bytes() == b"old"


def test_what_is_to_be_removed_later_is_not_made_read_only(file: Path) -> None:
    read_only.set_mode(file, 0o400)
    assert not read_only.cannot_be_replaced(file)
    file.unlink()
