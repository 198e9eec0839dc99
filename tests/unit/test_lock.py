"""Locks: one holder, who is named to those who wait, and who may die in any way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py import lock
from boot2docker_py.errors import BusyError, StorageError
from boot2docker_py.wait import Deadline

HOLDER = """
import sys, time
from pathlib import Path
from boot2docker_py import lock
from boot2docker_py.wait import Deadline
with lock.hold(Path(sys.argv[1]), Deadline(5), purpose="up"):
    print("held", flush=True)
    time.sleep(60)
"""


def start_holder(path: Path) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", HOLDER, str(path)]
    holder = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def end(holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.communicate()


def test_second_is_told_who_holds_it_and_gives_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "vm.lock"
    holder = start_holder(path)
    waited: list[str] = []
    try:
        with pytest.raises(BusyError) as caught, lock.hold(
            path, Deadline(0.2), purpose="down", on_wait=waited.append
        ):
            pytest.fail("two hold the lock")
    finally:
        end(holder)
    assert waited == [f"process {holder.pid}: up"]
    assert caught.value.details == waited[0]
    assert caught.value.exit_status == 10


def test_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "vm.lock"
    holder = start_holder(path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    with lock.hold(path, Deadline(5), purpose="down"):
        pass


def test_is_free_again_after_the_block(tmp_path: Path) -> None:
    for _turn in range(3):
        with lock.hold(tmp_path / "vm.lock", Deadline(1), purpose="up"):
            pass


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError) as caught, lock.hold(
        tmp_path / "file" / "vm.lock", Deadline(1), purpose="up"
    ):
        pytest.fail("there can be no lock")
    assert "BOOT2DOCKER_DIR" in caught.value.resolution


def test_file_that_is_not_needed_any_more_goes(tmp_path: Path) -> None:
    path = tmp_path / "vm.lock"
    with lock.hold(path, Deadline(1), purpose="delete", is_needed=lambda: False):
        assert path.exists()
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_who_waits_for_a_file_that_goes_does_not_hold_it_beside_the_next(tmp_path: Path) -> None:
    """The lock is on what stands at the path, not on what stood there when waiting began."""
    path = tmp_path / "vm.lock"
    turns: list[str] = []

    def the_holder_removes_it_and_another_comes(_holder: str) -> None:
        turns.append("waited")
        first.__exit__(None, None, None)
        second.__enter__()

    first = lock.hold(path, Deadline(1), purpose="delete", is_needed=lambda: False)
    second = lock.hold(path, Deadline(1), purpose="up")
    first.__enter__()
    with pytest.raises(BusyError) as caught, lock.hold(
        path, Deadline(0.2), purpose="down", on_wait=the_holder_removes_it_and_another_comes
    ):
        pytest.fail("two hold the lock")
    second.__exit__(None, None, None)
    assert turns == ["waited"]
    assert "up" in caught.value.details


if sys.platform != "win32":
    import resource

    def test_a_full_disk_keeps_no_command_from_making_space(tmp_path: Path) -> None:
        """Who holds the lock cannot be written down then."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            with lock.hold(tmp_path / "vm.lock", Deadline(1), purpose="delete"):
                pass
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
