"""The console of Windows in raw mode. Written after the documentation; never run so far.

Microsoft, "SetConsoleMode function" and "Console Virtual Terminal Sequences". Before Windows 10 a
console knows no escape sequences: keys and colours are then as plain as it can do.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Iterator

STD_INPUT_HANDLE, STD_OUTPUT_HANDLE = -10, -11

PROCESSED_INPUT, LINE_INPUT, ECHO_INPUT = 0x0001, 0x0002, 0x0004
VIRTUAL_TERMINAL_INPUT = 0x0200
PROCESSED_OUTPUT, VIRTUAL_TERMINAL_PROCESSING, NO_AUTO_RETURN = 0x0001, 0x0004, 0x0008


def raw_input_modes(mode: int) -> tuple[int, int]:
    """Return the input mode to try first, and the one for consoles that know no sequences."""
    plain = mode & ~(PROCESSED_INPUT | LINE_INPUT | ECHO_INPUT)
    return plain | VIRTUAL_TERMINAL_INPUT, plain


def raw_output_modes(mode: int) -> tuple[int, int]:
    """Return the output mode to try first, and the one for consoles that know no sequences."""
    return mode | PROCESSED_OUTPUT | VIRTUAL_TERMINAL_PROCESSING | NO_AUTO_RETURN, mode


@contextlib.contextmanager
def raw() -> Iterator[None]:
    """Set the console's modes, and set them back whatever happens."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_changed(STD_INPUT_HANDLE, is_input=True))
        stack.enter_context(_changed(STD_OUTPUT_HANDLE, is_input=False))
        yield


@contextlib.contextmanager
def _changed(which: int, *, is_input: bool) -> Iterator[None]:
    if sys.platform == "win32":
        import ctypes

        kernel32 = ctypes.windll.kernel32
        handle = kernel32.GetStdHandle(which)
        before = ctypes.c_ulong()
        if not kernel32.GetConsoleMode(handle, ctypes.byref(before)):
            yield  # no console, but a pipe or a file
            return
        modes = raw_input_modes(before.value) if is_input else raw_output_modes(before.value)
        try:
            # The first that the console accepts.
            any(kernel32.SetConsoleMode(handle, mode) for mode in modes)
            yield
        finally:
            kernel32.SetConsoleMode(handle, before.value)
    else:
        yield
