"""The end of the session: asked for by Windows, signalled elsewhere; it waits for us."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from boot2docker_py.host import end_of_session, windows_session

LONG_S = 30.0


@pytest.mark.skipif(sys.platform == "win32", reason="signals end a session elsewhere")
class TestSignals:
    @pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
    def test_a_signal_is_the_end(self, name: str) -> None:
        before = signal.getsignal(getattr(signal, name))
        with end_of_session.awaited("saving") as end:
            assert not end.wait(0)
            os.kill(os.getpid(), getattr(signal, name))
            assert end.wait(LONG_S)
            assert not end.was_closed()
            assert not end.was_cancelled()
        assert signal.getsignal(getattr(signal, name)) is before


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _user32 = ctypes.WinDLL("user32", use_last_error=True)
    _user32.FindWindowW.restype = wintypes.HWND
    _user32.FindWindowW.argtypes = (wintypes.LPCWSTR, wintypes.LPCWSTR)
    _user32.SendMessageW.restype = ctypes.c_ssize_t
    _user32.SendMessageW.argtypes = (
        *(wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM),
    )

    def send(message: int, first: int = 0) -> int:
        """Send a message as Windows does: it returns when the window has answered."""
        window = _user32.FindWindowW(windows_session.WINDOW_CLASS, None)
        assert window
        return int(_user32.SendMessageW(window, message, first, 0))

    class TestWindow:
        def test_logging_off_waits_until_all_is_done(self) -> None:
            done: list[str] = []

            def log_off() -> None:
                assert send(windows_session.WM_QUERYENDSESSION) == 1
                send(windows_session.WM_ENDSESSION, 1)
                done.append("logged off")

            with end_of_session.awaited("saving") as end:
                assert not end.wait(0)
                windows = threading.Thread(target=log_off, daemon=True)
                windows.start()
                assert end.wait(LONG_S)
                time.sleep(0.5)
                done.append("saved")
                assert not end.was_cancelled()
            windows.join(LONG_S)
            assert done == ["saved", "logged off"]

        def test_a_session_that_goes_on_can_end_again(self) -> None:
            with end_of_session.awaited("saving") as end:
                for ends in (0, 0, 1):
                    assert send(windows_session.WM_QUERYENDSESSION) == 1
                    assert end.wait(LONG_S)
                    windows = threading.Thread(
                        target=send, args=(windows_session.WM_ENDSESSION, ends), daemon=True
                    )
                    windows.start()
                    assert end.was_cancelled() is (ends == 0)
                    windows.join(LONG_S)
                    assert end.wait(0) is (ends == 1)

        def test_whoever_closes_the_window_ends_the_wait(self) -> None:
            with end_of_session.awaited("saving") as end:
                send(windows_session.WM_CLOSE)
                assert end.wait(LONG_S)
                assert end.was_closed()
                assert not end.was_cancelled()

        def test_nothing_is_left(self) -> None:
            for _round in range(3):
                with end_of_session.awaited("saving"):
                    pass
                assert not _user32.FindWindowW(windows_session.WINDOW_CLASS, None)
