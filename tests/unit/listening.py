"""How a listener that a thread accepts at is ended.

A thread that waits in accept() waits on when the listener is closed under it. Any signal to that
thread lets Linux begin the call anew, with the number of the descriptor, which is another
listener's by then: the thread takes that one's next client. SIGCHLD is such a signal, for it goes
to another thread while `subprocess.Popen` blocks it in its own, since Python 3.10.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Iterator

LONG_S = 60.0
SOON_S = 5.0
SHORT_S = 0.2


def end_listening(listener: socket.socket, accepting: threading.Thread) -> None:
    """Take no more clients: wake the thread, see it end, and only then give up the number."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":  # where only the next client wakes a waiting accept
            listener.settimeout(0)
            socket.create_connection(listener.getsockname()).close()
        else:
            listener.shutdown(socket.SHUT_RDWR)
    accepting.join(LONG_S)
    assert not accepting.is_alive(), "it does not end"
    listener.close()


def wait_until_it_accepts(thread: threading.Thread) -> None:
    """Wait until the thread is in the system's own accept(), as far as the system says it."""
    end = time.monotonic() + LONG_S
    while not _is_in_accept(thread):
        assert thread.is_alive(), "it has ended"
        assert time.monotonic() < end, "it does not accept"
        time.sleep(0.01)
    if not _call_of(thread).exists():
        thread.join(SHORT_S)  # from Python's accept it is not far to the system's


def _is_in_accept(thread: threading.Thread) -> bool:
    # Debuggers use it, too; there is no public way to where a thread is.
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - see above
    if frame is None or frame.f_code is not socket.socket.accept.__code__:
        return False
    call = _call_of(thread)
    listener: socket.socket = frame.f_locals["self"]
    return not call.exists() or call.read_text().split()[1:2] == [hex(listener.fileno())]


def _call_of(thread: threading.Thread) -> Path:
    """Return where Linux says in which call a thread waits, and for what."""
    return Path(f"/proc/self/task/{thread.native_id}/syscall")


def assert_no_thread_is_left_in_accept() -> None:
    """Fail when a thread waits in accept() although the listener was closed under it."""
    end = time.monotonic() + SOON_S
    while _threads_at_closed_listeners():
        assert time.monotonic() < end, f"at a closed listener: {_threads_at_closed_listeners()}"
        time.sleep(0.01)


def _threads_at_closed_listeners() -> list[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    waiting = (number for number, listener in _accepts() if listener.fileno() < 0)
    return [names.get(number, str(number)) for number in waiting]


def _accepts() -> Iterator[tuple[int, socket.socket]]:
    for number, frame in sys._current_frames().items():  # noqa: SLF001 - see above
        if frame.f_code is socket.socket.accept.__code__:
            yield number, frame.f_locals["self"]
