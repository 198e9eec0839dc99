"""How a process that outlives us is started."""

from __future__ import annotations

from boot2docker_py.host.detached import detached


def test_on_windows_it_shares_a_console_without_a_window() -> None:
    """Microsoft, "Process Creation Flags": CREATE_NO_WINDOW is ignored beside DETACHED_PROCESS.

    So a child of it that sets no flags, like the real Python of a virtual environment, would open
    a window.
    """
    create_no_window, new_process_group = 0x08000000, 0x00000200
    assert detached("win32") == {"creationflags": create_no_window | new_process_group}


def test_elsewhere_it_has_a_session_of_its_own() -> None:
    assert detached("linux") == detached("darwin") == {"start_new_session": True}
