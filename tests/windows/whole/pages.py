"""Press buttons in windows that nobody sees, by their words; a program of its own, for Windows.

usage: python pages.py "WORDS: BUTTON"... < COMMAND_LINE
Starts the command; waits for a window that has the words and the button, presses that, waits for
the next. Prints what stands in each, one window a line, and ends as the command does.
"""

# mypy: ignore-errors
# What is called is of Windows alone.

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from ctypes import wintypes

WITHIN_S = 500.0
LOOK_EVERY_S = 0.1
DIALOG = "#32770"  # the class of every dialog of Windows
BM_CLICK = 0x00F5
WM_GETTEXT = 0x000D
LONGEST = 4096

user32 = ctypes.WinDLL("user32", use_last_error=True)
Visit = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
user32.EnumWindows.argtypes = (Visit, wintypes.LPARAM)
user32.EnumChildWindows.argtypes = (wintypes.HWND, Visit, wintypes.LPARAM)
user32.GetClassNameW.argtypes = (wintypes.HWND, wintypes.LPWSTR, ctypes.c_int)
user32.SendMessageTimeoutW.argtypes = (
    *(wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPVOID),
    *(wintypes.UINT, wintypes.UINT, wintypes.LPVOID),
)
user32.PostMessageW.argtypes = (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
user32.IsWindowVisible.argtypes = user32.IsWindowEnabled.argtypes = (wintypes.HWND,)


def words(window: int) -> str:
    """Return what stands in a window, also in one of another program."""
    text = ctypes.create_unicode_buffer(LONGEST)
    user32.SendMessageTimeoutW(window, WM_GETTEXT, LONGEST, text, 2, 5000, None)
    return " ".join(text.value.replace("&", "").split())


def kind(window: int) -> str:
    name = ctypes.create_unicode_buffer(256)
    user32.GetClassNameW(window, name, 256)
    return name.value


def dialogs() -> list[int]:
    found: list[int] = []
    visit = Visit(lambda window, _: found.append(window) or True)
    user32.EnumWindows(visit, 0)
    return [
        one
        for one in found
        if kind(one) == DIALOG and user32.IsWindowVisible(one) and user32.IsWindowEnabled(one)
    ]


def inside(window: int) -> list[int]:
    found: list[int] = []
    visit = Visit(lambda child, _: found.append(child) or True)
    user32.EnumChildWindows(window, visit, 0)
    return [one for one in found if user32.IsWindowVisible(one)]


def press(wanted: str) -> None:
    """Wait for the window, say what stands in it, and press the button."""
    some_words, button = wanted.split(": ")
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        for window in dialogs():
            there = {child: words(child) for child in inside(window)}
            buttons = [one for one, text in there.items() if text == button]
            text = " | ".join([words(window), *filter(None, there.values())])
            if some_words in text and any(map(user32.IsWindowEnabled, buttons)):
                print(text)
                user32.PostMessageW(buttons[0], BM_CLICK, 0, 0)
                return
        time.sleep(LOOK_EVERY_S)
    there = [[words(window), *map(words, inside(window))] for window in dialogs()]
    raise SystemExit(f"there is no '{wanted}', but {there}")


sys.stdout.reconfigure(encoding="utf-8")
program = subprocess.Popen(sys.stdin.buffer.read().decode("utf-8"))
for wanted in sys.argv[1:]:
    press(wanted)
sys.exit(program.wait(WITHIN_S))
