"""How a process that outlives us is started."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from boot2docker_py.host import detached as of_host
from boot2docker_py.host.detached import detached

BREAKAWAY_FROM_JOB = 0x01000000


def test_on_windows_it_shares_a_console_without_a_window() -> None:
    """Microsoft, "Process Creation Flags": CREATE_NO_WINDOW is ignored beside DETACHED_PROCESS.

    So a child of it that sets no flags, like the real Python of a virtual environment, would open
    a window.
    """
    create_no_window, new_process_group = 0x08000000, 0x00000200
    assert detached("win32") == {"creationflags": create_no_window | new_process_group}


def test_elsewhere_it_has_a_session_of_its_own() -> None:
    assert detached("linux") == detached("darwin") == {"start_new_session": True}


class Windows:
    """Starts nothing; refuses what a job forbids, with the number of winerror.h."""

    def __init__(self, refuses: int = 0, winerror: int = 5) -> None:
        self._refuses = refuses
        self._winerror = winerror
        self.started: list[tuple[list[str], dict[str, Any]]] = []

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        if options["creationflags"] & self._refuses:
            refusal = PermissionError(13, "Access is denied")
            refusal.winerror = self._winerror  # type: ignore[attr-defined]
            raise refusal
        self.started.append((command, options))
        return object()  # type: ignore[return-value]


def test_on_windows_it_outlives_the_job_of_the_command() -> None:
    """A CI runner or a terminal may end all that is in its job when it closes it."""
    windows = Windows()
    of_host.start(["forwarder"], "win32", windows.start, cwd="folder")
    flags = detached("win32")["creationflags"] | BREAKAWAY_FROM_JOB
    assert windows.started == [(["forwarder"], {"cwd": "folder", "creationflags": flags})]


def test_in_a_job_that_lets_nothing_out_it_is_started_all_the_same() -> None:
    windows = Windows(refuses=BREAKAWAY_FROM_JOB)
    of_host.start(["forwarder"], "win32", windows.start, cwd="folder")
    assert windows.started == [(["forwarder"], {"cwd": "folder", **detached("win32")})]


def test_on_windows_a_program_that_cannot_be_started_is_told_of() -> None:
    windows = Windows(refuses=BREAKAWAY_FROM_JOB, winerror=2)
    with pytest.raises(PermissionError):
        of_host.start(["forwarder"], "win32", windows.start)
    assert not windows.started


def test_it_runs() -> None:
    command = [sys.executable, "-c", "print('here')"]
    child = of_host.start(command, stdout=subprocess.PIPE)
    assert child.communicate()[0].split() == [b"here"]
