"""The VM's serial console on our own terminal: a way in when SSH is dead."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING

from boot2docker_py.guest.terminal import STDIN, STDOUT, raw_terminal, standard_stream

if TYPE_CHECKING:
    from boot2docker_py.ssh.command import Sink, Source
    from boot2docker_py.ssh.stream import Stream

# As in telnet and virsh: no shell and no editor of the guest needs it often.
DETACH, DETACH_NAME = b"\x1d", "Ctrl-]"
LOOK_EVERY_S = 0.2
CHUNK_BYTES = 4096


def join(console: Stream) -> bool:
    """Join the console on our own streams; tell whether we were detached, False when it ended.

    The end of our input detaches, too.
    """
    with raw_terminal() if os.isatty(STDIN) else contextlib.nullcontext():
        return pump(console, standard_stream(STDIN), standard_stream(STDOUT))


def pump(console: Stream, keys: Source, screen: Sink) -> bool:
    """Carry `keys` to the console and what it says to `screen`, until one of them ends."""
    console.settimeout(LOOK_EVERY_S)
    detached = threading.Event()
    threading.Thread(target=_type, args=(console, keys, detached), daemon=True).start()
    while not detached.is_set():
        try:
            said = console.recv(CHUNK_BYTES)
        except (socket.timeout, TimeoutError):
            continue
        except OSError:
            return detached.is_set()
        if not said:
            return detached.is_set()
        screen.write(said)
    return True


def _type(console: Stream, keys: Source, detached: threading.Event) -> None:
    try:
        for typed in iter(lambda: keys.read(CHUNK_BYTES), b""):
            before, has_left, _ = typed.partition(DETACH)
            rest = memoryview(before)
            while rest and not detached.is_set():
                rest = _sent(console, rest)
            if has_left:
                break
    finally:
        detached.set()


def _sent(console: Stream, typed: memoryview) -> memoryview:
    """Send a little at a time: a guest that is stuck takes nothing, and must not keep us."""
    try:
        console.sendall(bytes(typed[:1]))
    except (socket.timeout, TimeoutError):
        return typed
    except OSError:
        return typed[:0]
    return typed[1:]
