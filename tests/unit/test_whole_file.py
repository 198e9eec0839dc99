"""Files that appear whole or not at all: no reader sees a part, and nothing is left behind."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from boot2docker_py import whole_file

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
OLD, NEW = b"old" * 100_000, b"new" * 100_000


def rights(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_file_is_made_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "Käse.json"
    whole_file.write(file, OLD)
    assert file.read_bytes() == OLD
    whole_file.write(file, NEW)
    assert file.read_bytes() == NEW
    assert os.listdir(tmp_path) == [file.name]


@posix
def test_new_file_is_for_its_user_alone_and_a_replaced_one_keeps_its_rights(tmp_path: Path) -> None:
    file, readable = tmp_path / "file", tmp_path / "readable"
    whole_file.write(file, OLD)
    whole_file.write(readable, OLD, mode=whole_file.READABLE)
    assert (rights(file), rights(readable)) == (0o600, 0o644)
    file.chmod(0o660)
    whole_file.write(file, NEW)
    assert rights(file) == 0o660


def test_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        whole_file.write(tmp_path / "folder", NEW)
    assert os.listdir(tmp_path) == ["folder"]


def test_reader_meets_the_old_content_or_the_new_never_a_part(tmp_path: Path) -> None:
    file = tmp_path / "file"
    whole_file.write(file, OLD)
    has_ended = threading.Event()

    def read() -> set[bytes]:
        found = set()
        while not has_ended.is_set():
            found.add(whole_file.read(file))
            time.sleep(0.01)  # an open file is not replaced on Windows
        return found

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _reader in range(2)]
        for number in range(50):
            whole_file.write(file, NEW if number % 2 else OLD)
        has_ended.set()
        assert set().union(*(reader.result() for reader in readers)) <= {OLD, NEW}


def test_first_of_many_that_make_a_file_wins(tmp_path: Path) -> None:
    file = tmp_path / "key"
    barrier = threading.Barrier(8)

    def make(number: int) -> bytes:
        barrier.wait()
        whole_file.write_new(file, b"%d" % number * 1000)
        return file.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 1
    assert os.listdir(tmp_path) == ["key"]


def test_new_file_is_protected_before_it_has_content(tmp_path: Path) -> None:
    sizes: list[int] = []
    whole_file.write_new(
        tmp_path / "key", NEW, protect=lambda file: sizes.append(file.stat().st_size)
    )
    assert sizes == [0]
    assert (tmp_path / "key").read_bytes() == NEW


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "no links"])
def test_a_file_is_moved_to_a_name_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    def refuse(*_names: Path) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    if not has_links:
        monkeypatch.setattr(os, "link", refuse, raising=False)
    new, file = tmp_path / "new", tmp_path / "file"
    new.write_bytes(NEW)
    whole_file.move_new(new, file)
    assert (file.read_bytes(), os.listdir(tmp_path)) == (NEW, ["file"])
    new.write_bytes(b"another")
    with pytest.raises(FileExistsError):
        whole_file.move_new(new, file)
    assert (file.read_bytes(), new.read_bytes()) == (NEW, b"another")


# A process that kills itself, as kill -9 would, before its n-th deed with a file.
DIES = """
import os, signal, sys
from pathlib import Path
from boot2docker_py import whole_file
left = int(sys.argv[2])
def audit(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.chmod"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
file = Path(sys.argv[1])
whole_file.write(file, b"new" * 100_000, temporary=file.with_name("file.new"))
"""


@posix
def test_killed_writer_leaves_the_old_content_or_the_new_and_a_name_that_is_known(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    for step in range(1, 10):
        file.write_bytes(OLD)
        command = [sys.executable, "-c", DIES, str(file), str(step)]
        done = subprocess.run(command, cwd=ROOT, check=False)
        assert file.read_bytes() in (OLD, NEW)
        assert set(os.listdir(tmp_path)) <= {"file", "file.new"}
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    else:
        pytest.fail("it was killed each time")
    assert step > 2
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="a question about a process could end it there")
def test_what_a_killed_writer_has_left_goes_with_the_next_write(tmp_path: Path) -> None:
    file = tmp_path / "a [file]"
    code = (
        "import os, sys, signal; from pathlib import Path; from boot2docker_py import whole_file\n"
        "os.fsync = lambda _file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "whole_file.write(Path(sys.argv[1]), b'half')"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=False)
    living = tmp_path / f".{file.name}.{os.getpid()}-0123abcd"
    living.touch()
    assert len(list(tmp_path.iterdir())) == 2
    whole_file.write(file, b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([file, living])
