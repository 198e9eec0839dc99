"""A window that is never shown, and is asked before the user is logged off.

After Microsoft's pages "Application Shutdown Changes in Windows Vista", "WM_QUERYENDSESSION",
"WM_ENDSESSION", "ShutdownBlockReasonCreate" and "SetProcessShutdownParameters": who needs more than
5 s and gives a reason is shown to the user with it, and not ended unless the user says so. We are
asked before the processes of VMs are, whose windows and consoles have the usual level.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import Iterator

WINDOW_CLASS = "boot2docker-end-of-session"

# winuser.h
WM_DESTROY, WM_CLOSE, WM_QUERYENDSESSION, WM_ENDSESSION = 0x0002, 0x0010, 0x0011, 0x0016

# The first level that applications may have; the usual one is 0x280.
ASKED_FIRST = 0x3FF
READY_WITHIN_S = 30.0

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes
    from typing import Any

    _user32 = ctypes.WinDLL("user32", use_last_error=True)
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _LRESULT = ctypes.c_ssize_t
    _Procedure = ctypes.WINFUNCTYPE(
        _LRESULT, wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM
    )

    class _WindowClass(ctypes.Structure):
        """WNDCLASSW of winuser.h."""

        _fields_ = (
            ("style", wintypes.UINT),
            ("lpfnWndProc", _Procedure),
            ("cbClsExtra", ctypes.c_int),
            ("cbWndExtra", ctypes.c_int),
            ("hInstance", wintypes.HINSTANCE),
            ("hIcon", wintypes.HICON),
            ("hCursor", wintypes.HANDLE),
            ("hbrBackground", wintypes.HBRUSH),
            ("lpszMenuName", wintypes.LPCWSTR),
            ("lpszClassName", wintypes.LPCWSTR),
        )

    def _declare(name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(_user32, name)
        function.restype, function.argtypes = result, arguments
        return function

    _H, _W, _L, _U = wintypes.HWND, wintypes.WPARAM, wintypes.LPARAM, wintypes.UINT
    _S, _I = wintypes.LPCWSTR, ctypes.c_int
    _register = _declare("RegisterClassW", wintypes.ATOM, ctypes.c_void_p)
    _unregister = _declare("UnregisterClassW", wintypes.BOOL, _S, wintypes.HINSTANCE)
    _create = _declare(
        *("CreateWindowExW", _H, wintypes.DWORD, _S, _S, wintypes.DWORD, _I, _I, _I, _I),
        *(_H, wintypes.HMENU, wintypes.HINSTANCE, ctypes.c_void_p),
    )
    _default = _declare("DefWindowProcW", _LRESULT, _H, _U, _W, _L)
    _destroy = _declare("DestroyWindow", wintypes.BOOL, _H)
    _quit = _declare("PostQuitMessage", None, _I)
    _post = _declare("PostMessageW", wintypes.BOOL, _H, _U, _W, _L)
    _get = _declare("GetMessageW", _I, ctypes.POINTER(wintypes.MSG), _H, _U, _U)
    _dispatch = _declare("DispatchMessageW", _LRESULT, ctypes.POINTER(wintypes.MSG))
    _block = _declare("ShutdownBlockReasonCreate", wintypes.BOOL, _H, _S)
    _unblock = _declare("ShutdownBlockReasonDestroy", wintypes.BOOL, _H)
    _kernel32.GetModuleHandleW.restype = wintypes.HMODULE
    _kernel32.GetModuleHandleW.argtypes = (_S,)

    class SessionWindow:
        """The window, in a thread of its own; other threads wait for what it is asked."""

        def __init__(self, reason: str) -> None:
            self._reason = reason
            self._procedure = _Procedure(self._answer)  # it must live as long as the window
            self._is_made = threading.Event()
            self._is_asked = threading.Event()
            self._is_decided = threading.Event()
            self._is_done = threading.Event()
            self._ends = False
            self._is_closed = False
            self._failure: OSError | None = None
            self._window: int | None = None
            self._thread = threading.Thread(target=self._live, daemon=True)

        def open(self) -> None:
            """Make the window.

            Raises:
                OSError: there is no desktop to make it on.
            """
            _kernel32.SetProcessShutdownParameters(ASKED_FIRST, 0)
            self._thread.start()
            if not self._is_made.wait(READY_WITHIN_S):
                raise OSError("the window was not made in time")
            if self._failure is not None:
                raise self._failure

        def close(self) -> None:
            """Let the system go on, and remove the window."""
            self._is_done.set()
            if self._window is not None:
                _post(self._window, WM_CLOSE, 0, 0)
            self._thread.join(READY_WITHIN_S)

        def wait(self, timeout_s: float) -> bool:
            """Wait until the session is about to end; tell whether it is."""
            return self._is_asked.wait(timeout_s)

        def was_closed(self) -> bool:
            """Tell whether it was not the session that ended, but a user who wants us to end."""
            return self._is_closed

        def was_cancelled(self) -> bool:
            """Wait until it is known whether the session ends; tell whether it goes on."""
            self._is_done.set()
            self._is_decided.wait()
            if self._ends:
                return False
            self._is_asked.clear()
            self._is_decided.clear()
            self._is_done.clear()
            return True

        def _live(self) -> None:
            module = _kernel32.GetModuleHandleW(None)
            window_class = _WindowClass(
                lpfnWndProc=self._procedure, hInstance=module, lpszClassName=WINDOW_CLASS
            )
            _register(ctypes.byref(window_class))
            window = _create(
                0, WINDOW_CLASS, "boot2docker", 0, 0, 0, 0, 0, None, None, module, None
            )
            if not window:
                self._failure = ctypes.WinError(ctypes.get_last_error())
            self._window = window
            self._is_made.set()
            message = wintypes.MSG()
            while window and _get(ctypes.byref(message), None, 0, 0) > 0:
                _dispatch(ctypes.byref(message))
            _unregister(WINDOW_CLASS, module)

        def _answer(self, window: int, message: int, first: int, second: int) -> int:
            if message == WM_QUERYENDSESSION:
                _block(window, self._reason)
                self._is_asked.set()
                return 1
            if message == WM_ENDSESSION:
                self._ends = bool(first)
                self._is_decided.set()
                if self._ends:
                    self._is_done.wait()
                _unblock(window)
                return 0
            if message == WM_CLOSE:
                _destroy(window)
                return 0
            if message == WM_DESTROY:
                self._ends = self._is_closed = True
                self._is_decided.set()
                self._is_asked.set()
                _quit(0)
                return 0
            return int(_default(window, message, first, second))

    @contextlib.contextmanager
    def asked(reason: str) -> Iterator[SessionWindow]:
        """Have the window for a `with` block.

        Raises:
            OSError: there is no desktop to make it on.
        """
        window = SessionWindow(reason)
        window.open()
        try:
            yield window
        finally:
            window.close()
