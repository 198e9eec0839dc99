"""Whether what we write to a pipe is still read."""

from __future__ import annotations

import errno
import sys


def is_gone(error: Exception, descriptor: int) -> bool:
    """Tell whether an error means that what is written to `descriptor` is not read any more.

    The descriptor is asked, because the error may be of another pipe, or a socket; and Windows
    calls it EINVAL, like much else.
    """
    if not isinstance(error, OSError):
        return False
    if sys.platform == "win32":
        return error.errno in (errno.EPIPE, errno.EINVAL) and _refuses_a_write(descriptor)
    else:
        return isinstance(error, BrokenPipeError) and _has_no_other_end(descriptor)


if sys.platform == "win32":

    def _refuses_a_write(descriptor: int) -> bool:
        """Tell by a write of no bytes."""
        import ctypes
        import msvcrt

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        count = ctypes.c_ulong()
        if kernel32.WriteFile(handle, b"", 0, ctypes.byref(count), None):
            return False
        broken_pipe, no_data = 109, 232  # winerror.h
        return ctypes.get_last_error() in (broken_pipe, no_data)

else:

    def _has_no_other_end(descriptor: int) -> bool:
        import select

        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        # Linux says POLLERR of a pipe, macOS and sockets POLLHUP.
        return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
