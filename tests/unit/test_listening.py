"""No thread goes on accepting at a listener that is ended: it would take another's clients."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from boot2docker_py.endpoint import control
from tests.unit.listening import (
    LONG_S,
    assert_no_thread_is_left_in_accept,
    end_listening,
    wait_until_it_accepts,
)

ROOT = Path(__file__).parents[2]

# In a process of its own, where no other thread gets the signal.
SCRIPT = """
import os, select, signal, socket, threading, time
from tests.unit.listening import LONG_S, end_listening, wait_until_it_accepts

def accept():
    try:
        while True:
            earlier.accept()[0].close()
    except OSError:
        pass

earlier = socket.create_server(("127.0.0.1", 0))
number = earlier.fileno()
thread = threading.Thread(target=accept, daemon=True)
thread.start()
wait_until_it_accepts(thread)
end_listening(earlier, thread)
# A thread that has ended for Python may still load a library (libgcc_s), as a file with our number.
while not thread.is_alive() and os.path.exists(f"/proc/self/task/{thread.native_id}"):
    time.sleep(0.01)
later = socket.create_server(("127.0.0.1", 0))
assert later.fileno() == number
# As subprocess.Popen does in the moment in which it starts a child; another child ends then.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
os.kill(os.getpid(), signal.SIGCHLD)
while thread.is_alive() and signal.SIGCHLD in signal.sigpending():
    thread.join(0.01)
with socket.create_connection(later.getsockname()):
    print("its own" if select.select([later], [], [], LONG_S)[0] else "taken")
"""


@pytest.fixture
def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def accept_one(listener: socket.socket) -> threading.Thread:
    def accept() -> None:
        with contextlib.suppress(OSError):
            listener.accept()[0].close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    return thread


def test_a_listener_that_is_ended_leaves_no_thread(listener: socket.socket) -> None:
    thread = accept_one(listener)
    wait_until_it_accepts(thread)
    end_listening(listener, thread)
    assert not thread.is_alive()
    assert listener.fileno() == -1


def test_a_thread_that_is_left_at_a_closed_listener_is_noticed(listener: socket.socket) -> None:
    address = listener.getsockname()
    thread = accept_one(listener)
    wait_until_it_accepts(thread)
    listener.close()
    with pytest.raises(AssertionError, match=re.escape(thread.name)):
        assert_no_thread_is_left_in_accept()
    socket.create_connection(address).close()  # it listens still, for the call goes on
    thread.join(LONG_S)


@pytest.mark.skipif(sys.platform != "linux", reason="is about how Linux begins a call anew")
def test_after_a_listener_that_is_ended_the_next_one_keeps_its_client() -> None:
    """With `earlier.close()` alone it is mostly taken: the first client gets no answer."""
    told = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, stdout=-1, check=True).stdout
    assert told.strip() == b"its own"


def test_a_forwarder_that_ends_answers_no_more(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with control.serving(tmp_path / "forward.ctl", lambda _question: {}):
        (thread,) = set(threading.enumerate()) - before
        wait_until_it_accepts(thread)
    assert not thread.is_alive()
