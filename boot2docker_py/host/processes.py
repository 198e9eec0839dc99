"""The programs above this process, the parent first. The Windows part has not been run there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

MAX_ANCESTORS = 32


def ancestors() -> list[str]:
    """Return the names of the programs above us, as far as the system tells."""
    if sys.platform == "win32":
        found = chain(os.getpid(), windows_processes())
    else:
        found = parent_on_linux(os.getppid())
    return found


def chain(process: int, table: dict[int, tuple[int, str]]) -> list[str]:
    """Return the names above `process` in a table of parents and names.

    Windows uses numbers again, so that a chain may bite its own tail.
    """
    found: list[str] = []
    seen = {process}
    parent, _name = table.get(process, (0, ""))
    while parent in table and parent not in seen and len(found) < MAX_ANCESTORS:
        seen.add(parent)
        above, name = table[parent]
        found.append(name)
        parent = above
    return found


def parent_on_linux(process: int) -> list[str]:
    """Return the name of the program that `process` is, none where the system does not tell."""
    try:
        return [Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()]
    except OSError:
        return []


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _ProcessEntry(ctypes.Structure):
        """PROCESSENTRY32W of tlhelp32.h."""

        _fields_ = (
            ("dwSize", wintypes.DWORD),
            ("cntUsage", wintypes.DWORD),
            ("th32ProcessID", wintypes.DWORD),
            ("th32DefaultHeapID", ctypes.c_size_t),
            ("th32ModuleID", wintypes.DWORD),
            ("cntThreads", wintypes.DWORD),
            ("th32ParentProcessID", wintypes.DWORD),
            ("pcPriClassBase", wintypes.LONG),
            ("dwFlags", wintypes.DWORD),
            ("szExeFile", wintypes.WCHAR * 260),
        )

    def windows_processes() -> dict[int, tuple[int, str]]:
        """Return the parent and the name of every process."""
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        take = kernel32.CreateToolhelp32Snapshot
        take.argtypes, take.restype = (wintypes.DWORD, wintypes.DWORD), wintypes.HANDLE
        kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
        for step in (kernel32.Process32FirstW, kernel32.Process32NextW):
            step.argtypes = (wintypes.HANDLE, ctypes.POINTER(_ProcessEntry))
        snapshot = take(0x2, 0)  # TH32CS_SNAPPROCESS
        if snapshot == ctypes.c_void_p(-1).value:
            return {}
        table: dict[int, tuple[int, str]] = {}
        entry = _ProcessEntry(dwSize=ctypes.sizeof(_ProcessEntry))
        try:
            more = kernel32.Process32FirstW(snapshot, ctypes.byref(entry))
            while more:
                table[entry.th32ProcessID] = (entry.th32ParentProcessID, entry.szExeFile)
                more = kernel32.Process32NextW(snapshot, ctypes.byref(entry))
        finally:
            kernel32.CloseHandle(snapshot)
        return table
