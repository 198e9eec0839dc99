"""A selector for any number of sockets, none and thousands, on every platform.

On Windows, Python's own takes no more than 512, the size of a set when Python was built, and fails
without any. Winsock's `select` takes sets of any size: FD_SETSIZE is the caller's constant
(Microsoft's page "select function"), and libevent has relied on that for years (win32select.c).
WSAPoll has no limit either, but before Windows 10 it never tells of a refused connection.
"""

from __future__ import annotations

import selectors
import sys

if sys.platform == "win32":
    import ctypes
    import time
    from array import array
    from typing import Any

    # An fd_set is a count and that many SOCKETs: with the padding, all are words of this size.
    _WORD = "Q" if sys.maxsize > 2**32 else "L"
    _winsock = ctypes.WinDLL("ws2_32", use_last_error=True)
    _winsock.select.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 4]
    _winsock.select.restype = ctypes.c_int

    class _Timeval(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("microseconds", ctypes.c_long))

    class Selector(selectors.SelectSelector):
        """Winsock's `select`, with sets as large as need be."""

        def __init__(self) -> None:
            super().__init__()
            self._sets: tuple[array[int], array[int]] | None = None

        def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
            """See `selectors`."""
            self._sets = None
            return super().register(fileobj, events, data)

        def unregister(self, fileobj: Any) -> selectors.SelectorKey:
            """See `selectors`."""
            self._sets = None
            return super().unregister(fileobj)

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """See `selectors`.

            Raises:
                OSError: one of the sockets was closed.
            """
            readable, writable = (known[:] for known in self._known_sets())
            failed = writable[:]  # where a refused connection shows
            if not readable[0] + writable[0]:
                time.sleep(max(0.0, timeout or 0.0))
                return []
            addresses = [memory.buffer_info()[0] for memory in (readable, writable, failed)]
            if _winsock.select(0, *addresses, _timeval(timeout)) < 0:
                raise ctypes.WinError(ctypes.get_last_error())
            events: dict[int, int] = {}
            for memory, event in (
                (readable, selectors.EVENT_READ),
                (writable, selectors.EVENT_WRITE),
                (failed, selectors.EVENT_WRITE),
            ):
                for descriptor in memory[1 : 1 + memory[0]]:
                    events[descriptor] = events.get(descriptor, 0) | event
            keys = self.get_map()
            return [(keys[descriptor], event) for descriptor, event in events.items()]

        def _known_sets(self) -> tuple[array[int], array[int]]:
            if self._sets is None:
                keys = list(self.get_map().values())
                self._sets = (
                    _fd_set([key.fd for key in keys if key.events & selectors.EVENT_READ]),
                    _fd_set([key.fd for key in keys if key.events & selectors.EVENT_WRITE]),
                )
            return self._sets

    def _fd_set(descriptors: list[int]) -> array[int]:
        return array(_WORD, [len(descriptors), *descriptors])

    def _timeval(timeout_s: float | None) -> Any:
        if timeout_s is None:
            return None
        microseconds = max(0, -int(-timeout_s * 1_000_000 // 1))
        return ctypes.byref(_Timeval(*divmod(microseconds, 1_000_000)))
else:
    Selector = selectors.DefaultSelector
