"""Whether what we write to a pipe is still read."""

from __future__ import annotations

import errno
import sys


def is_gone(error: Exception, descriptor: int) -> bool:
    """Tell whether an error of writing to `descriptor` means that it is not read any more.

    Windows calls that EINVAL, like much else: so the pipe is asked, with a write of no bytes.
    """
    if isinstance(error, BrokenPipeError):
        return True
    if sys.platform == "win32" and isinstance(error, OSError) and error.errno == errno.EINVAL:
        import ctypes
        import msvcrt

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        count = ctypes.c_ulong()
        if not kernel32.WriteFile(handle, b"", 0, ctypes.byref(count), None):
            broken_pipe, no_data = 109, 232  # winerror.h
            return ctypes.get_last_error() in (broken_pipe, no_data)
    return False
