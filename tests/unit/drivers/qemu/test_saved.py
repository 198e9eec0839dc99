"""A memory that is read or written by a QEMU that has no time to answer."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Sequence

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.qemu import qmp, saved
from boot2docker_py.drivers.qemu.driver import QEMUDriver
from boot2docker_py.drivers.qemu.files import Files, write_settings
from boot2docker_py.drivers.qemu.process import EndedError, Process
from boot2docker_py.errors import HypervisorError
from boot2docker_py.paths import Paths
from tests.unit.drivers.qemu.test_command_line import SETTINGS


class Reading(Process):
    """A QEMU that says these things about itself, one after the other."""

    def __init__(self, home: Path, *statuses: str) -> None:
        super().__init__(Paths(home, home).vm("work"), 1, uses_port=False)
        self._statuses = list(statuses)

    def status(self) -> str:
        status = self._statuses.pop(0)
        if status == "silent":
            raise qmp.NoAnswerError("it does not answer")
        return status

    @property
    def unsaid(self) -> Sequence[str]:
        return self._statuses


def test_a_qemu_that_reads_and_does_not_answer_is_waited_for(tmp_path: Path) -> None:
    process = Reading(tmp_path, "inmigrate", "silent", "silent", "inmigrate", "paused")
    saved.wait_until_restored(process)
    assert process.unsaid == []


def test_a_qemu_that_ends_while_it_reads_is_said(tmp_path: Path) -> None:
    with pytest.raises(EndedError):
        saved.wait_until_restored(Reading(tmp_path, "inmigrate", "silent", ""))


if sys.platform != "win32":  # where QEMU listens at a port

    def test_what_needs_to_know_how_a_silent_qemu_is_says_so(tmp_path: Path) -> None:
        paths = Paths(tmp_path, tmp_path).vm("work")
        paths.qmp_socket.parent.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(paths.qmp_socket))
            listener.listen()
            process = Process(paths, 0.2, uses_port=False)
            with pytest.raises(HypervisorError, match="QEMU does not do what") as raised:
                process.needed_status()
        assert "does not answer" in raised.value.details
        assert "boot2docker poweroff" in raised.value.resolution

    def test_a_silent_qemu_hangs_and_its_vm_is_whole(tmp_path: Path) -> None:
        paths = Paths(tmp_path, tmp_path).vm("work")
        driver, files = QEMUDriver(paths, 0.2), Files(paths.folder)
        for folder in (paths.folder, paths.qmp_socket.parent):
            folder.mkdir(parents=True)
        write_settings(files.settings, SETTINGS)
        files.disk.touch()
        assert (driver.state(), driver.hangs()) == (State.OFF, False)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(paths.qmp_socket))
            listener.listen()
            assert (driver.state(), driver.hangs()) == (State.BROKEN, True)
            files.disk.unlink()
            assert not driver.hangs(), "it lacks more than an answer"
