"""The console of Windows: its raw mode, and its text as the guest's UTF-8. Run under Wine.

Microsoft, "SetConsoleMode function" and "Console Virtual Terminal Sequences". Before Windows 10 a
console knows no escape sequences: keys and colours are then as plain as it can do.

Text goes by ReadConsole and WriteConsole, which take Unicode whatever the code page is. The code
page of UTF-8, 65001, would not do: before Windows 10, a console that has it reads no letter beyond
ASCII, and counts what it has written in letters instead of bytes (https://bugs.python.org/issue1602).
"""

from __future__ import annotations

import codecs
import contextlib
import sys
from typing import Callable, Iterator

STD_INPUT_HANDLE, STD_OUTPUT_HANDLE = -10, -11

PROCESSED_INPUT, LINE_INPUT, ECHO_INPUT = 0x0001, 0x0002, 0x0004
VIRTUAL_TERMINAL_INPUT = 0x0200
# A console of Windows 7 takes no more than 64 KB at once, with what else it has in store.
UNITS = 8192
END_OF_INPUT = "\x1a"  # Ctrl-Z at the beginning of a line

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
    with _mode_of(STD_INPUT_HANDLE) as keys, _mode_of(STD_OUTPUT_HANDLE) as screen:
        # The first mode that the console accepts.
        if keys:
            any(keys.set(mode) for mode in raw_input_modes(keys.before))
        if screen:
            any(screen.set(mode) for mode in raw_output_modes(screen.before))
        yield


class _Mode:
    """The mode of a console: what it was before, and how to change it."""

    def __init__(self, before: int, change: Callable[[int], bool]) -> None:
        self.before = before
        self.set = change


@contextlib.contextmanager
def _mode_of(which: int) -> Iterator[_Mode | None]:
    """Yield the mode of a console for a `with` block, None if it is a pipe or a file."""
    if sys.platform == "win32":
        handle = ctypes.c_void_p(_kernel32.GetStdHandle(which))
        before = wintypes.DWORD()
        if not _kernel32.GetConsoleMode(handle, ctypes.byref(before)):
            yield None
            return
        try:
            yield _Mode(before.value, lambda mode: bool(_kernel32.SetConsoleMode(handle, mode)))
        finally:
            _kernel32.SetConsoleMode(handle, before.value)
    else:
        yield None


def terminal_name() -> str:
    """Return what the guest shall take a console for: one that knows escape sequences, or not."""
    with _mode_of(STD_OUTPUT_HANDLE) as console:
        is_able = console is None or console.set(raw_output_modes(console.before)[0])
    return "xterm-256color" if is_able else "dumb"


class InputText:
    """Turn what a console gives into bytes for the guest; a letter may come in two pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")

    def bytes_of(self, units: bytes, *, is_line: bool) -> bytes:
        """Return the UTF-8 of some UTF-16; a line ends as one of Linux does."""
        text = self._decoder.decode(units)
        return (text.replace("\r\n", "\n") if is_line else text).encode("utf-8", "replace")


class OutputText:
    """Turn bytes of the guest into what a console takes; a letter may come in several pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def units_of(self, data: bytes) -> Iterator[bytes]:
        """Yield UTF-16 in pieces that a console takes at once."""
        text = self._decoder.decode(data)
        for begin in range(0, len(text), UNITS // 2):  # a letter may be two units
            yield text[begin : begin + UNITS // 2].encode("utf-16-le")


if sys.platform == "win32":
    import ctypes
    import msvcrt
    import time
    from ctypes import wintypes

    _ERROR_OPERATION_ABORTED = 995
    _PAUSE_S = 0.05

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.GetStdHandle.restype = wintypes.HANDLE
    _kernel32.GetConsoleMode.argtypes = [wintypes.HANDLE, ctypes.c_void_p]
    _kernel32.SetConsoleMode.argtypes = [wintypes.HANDLE, wintypes.DWORD]
    for _function in (_kernel32.ReadConsoleW, _kernel32.WriteConsoleW):
        _function.argtypes = [
            wintypes.HANDLE,
            ctypes.c_void_p,
            wintypes.DWORD,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]

    def at(descriptor: int) -> Console | None:
        """Return the console that one of our standard streams is, None if it is another thing."""
        try:
            console = Console(msvcrt.get_osfhandle(descriptor))
            console.mode()
        except OSError:
            return None
        return console

    class Console:
        """A console that is read and written as a stream of UTF-8."""

        def __init__(self, handle: int) -> None:
            self._handle = handle
            self._input, self._output = InputText(), OutputText()

        def mode(self) -> int:
            """Return its mode.

            Raises:
                OSError: it is no console.
            """
            mode = wintypes.DWORD()
            self._check(_kernel32.GetConsoleMode(self._handle, ctypes.byref(mode)))
            return int(mode.value)

        def read(self, limit: int) -> bytes:
            """Return what was typed, none at the end: Ctrl-Z in a line of its own, as there."""
            memory = ctypes.create_string_buffer(2 * min(UNITS, max(1, limit // 4)))
            count = wintypes.DWORD()
            while True:
                is_line = bool(self.mode() & LINE_INPUT)
                ctypes.set_last_error(0)
                if not _kernel32.ReadConsoleW(
                    self._handle, memory, len(memory) // 2, ctypes.byref(count), None
                ):
                    return b""
                if not count.value and ctypes.get_last_error() == _ERROR_OPERATION_ABORTED:
                    time.sleep(_PAUSE_S)  # Ctrl-C, which the main thread sees to
                    continue
                units = memory.raw[: 2 * count.value]
                if is_line and units.startswith(END_OF_INPUT.encode("utf-16-le")):
                    return b""
                data = self._input.bytes_of(units, is_line=is_line)
                if data or not count.value:
                    return data

        def write(self, data: bytes) -> None:
            """Write all of `data`."""
            count = wintypes.DWORD()
            for piece in self._output.units_of(data):
                rest = piece
                while rest:
                    self._check(
                        _kernel32.WriteConsoleW(
                            self._handle, rest, len(rest) // 2, ctypes.byref(count), None
                        )
                    )
                    rest = rest[2 * count.value :]

        @staticmethod
        def _check(worked: int) -> None:
            if not worked:
                raise ctypes.WinError(ctypes.get_last_error())
