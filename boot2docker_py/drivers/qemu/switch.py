"""The switch of an internal network: `python -m boot2docker_py.drivers.qemu.switch FOLDER`.

Each VM has a Unix datagram socket in the folder, which only the user can enter; a datagram is a
frame (QEMU's `-netdev dgram`, https://www.qemu.org/docs/master/system/invocation.html). Nothing
is registered: a frame says by its sender where that one is, and a VM that has ended refuses.
A VM may start before the switch does and outlive it; frames are lost meanwhile, as on any network.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Iterator

from boot2docker_py import lock

PORTS = "*.port"
SWITCH = "switch"
LOCK = "switch.lock"

# The largest frame of Ethernet is 1518 bytes; QEMU may hand on one that a guest has not cut.
FRAME_LIMIT_BYTES = 65_550
# So many wait for a VM that is slower than its peers, then frames are dropped. Linux itself keeps
# no more than ten for a socket (net.unix.max_dgram_qlen).
FRAMES_LIMIT = 1000
# A guest may send from any number of addresses; real switches forget, too.
ADDRESSES_LIMIT = 4096
IDLE_S = 60.0

# Python for Windows has none, and QEMU there no such networks.
_FAMILY = getattr(socket, "AF_UNIX", -1)
_IS_GROUP = 0x01  # in the first byte of an address: broadcast or multicast
_ADDRESS_BYTES = 6


class _Port:
    """The way to one VM, and what waits for it."""

    def __init__(self, path: str) -> None:
        """Raise OSError when the VM is not there."""
        self.socket = socket.socket(_FAMILY, socket.SOCK_DGRAM)
        try:
            self.socket.settimeout(0)
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.waiting: deque[bytes] = deque()

    def send_waiting(self) -> None:
        """Send what can be sent now; raises OSError when the VM has gone."""
        with contextlib.suppress(BlockingIOError):
            while self.waiting:
                self.socket.send(self.waiting[0])
                self.waiting.popleft()


class Switch:
    """A learning switch among the sockets of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._place_of: dict[bytes, str] = {}
        self._ports: dict[str, _Port] = {}
        own = folder / SWITCH
        own.unlink(missing_ok=True)
        self._selector = selectors.DefaultSelector()
        self._socket = socket.socket(_FAMILY, socket.SOCK_DGRAM)
        self._socket.bind(str(own))
        self._socket.settimeout(0)
        self._selector.register(self._socket, selectors.EVENT_READ)

    def serve(self, idle_s: float = IDLE_S) -> None:
        """Hand frames on until there has been no VM for a while."""
        last_seen_s = time.monotonic()
        while time.monotonic() - last_seen_s < idle_s:
            ready = self._selector.select(idle_s / 10)
            for key, _events in ready:
                if key.data is None:
                    self._hand_on_all()
                else:
                    self._send_waiting(key.data)
            if ready or any(map(is_bound, self._folder.glob(PORTS))):
                last_seen_s = time.monotonic()

    def close(self) -> None:
        """Take no more frames."""
        for path in list(self._ports):
            self._forget(path)
        self._selector.close()
        self._socket.close()

    def _hand_on_all(self) -> None:
        for frame, sender in self._frames():
            target, source = frame[:_ADDRESS_BYTES], frame[_ADDRESS_BYTES : 2 * _ADDRESS_BYTES]
            if not source[0] & _IS_GROUP:
                if len(self._place_of) >= ADDRESSES_LIMIT:
                    self._place_of.clear()
                self._place_of[source] = sender
            place = self._place_of.get(target)
            places = [place] if place else [str(port) for port in self._folder.glob(PORTS)]
            for each in places:
                if each != sender:
                    self._send(frame, each)

    def _frames(self) -> Iterator[tuple[bytes, str]]:
        """Yield what has come, a bounded number, so that what waits is sent between."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(FRAMES_LIMIT):
                frame, sender = self._socket.recvfrom(FRAME_LIMIT_BYTES)
                if isinstance(sender, str) and len(frame) >= 2 * _ADDRESS_BYTES:
                    yield frame, sender

    def _send(self, frame: bytes, path: str) -> None:
        """Send a frame, or let it wait, or drop it."""
        try:
            if path not in self._ports:
                self._ports[path] = _Port(path)
        except OSError:
            self._forget(path)
            return
        port = self._ports[path]
        if len(port.waiting) < FRAMES_LIMIT:
            port.waiting.append(frame)
        if len(port.waiting) == 1:
            self._send_waiting(path)

    def _send_waiting(self, path: str) -> None:
        port = self._ports.get(path)
        if port is None:
            return
        try:
            port.send_waiting()
        except OSError:
            self._forget(path)
            return
        is_registered = port.socket in self._selector.get_map()
        if port.waiting and not is_registered:
            self._selector.register(port.socket, selectors.EVENT_WRITE, path)
        elif not port.waiting and is_registered:
            self._selector.unregister(port.socket)

    def _forget(self, path: str) -> None:
        """Forget a VM that has gone; one that comes back says so by its next frame."""
        port = self._ports.pop(path, None)
        if port:
            with contextlib.suppress(KeyError):
                self._selector.unregister(port.socket)
            port.socket.close()
        self._place_of = {
            address: place for address, place in self._place_of.items() if place != path
        }


def is_bound(port: Path) -> bool:
    """Tell whether a living process has the datagram socket."""
    with socket.socket(_FAMILY, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(str(port))
        except OSError:
            return False
        return True


def is_served(folder: Path) -> bool:
    """Tell whether a process serves the network in the folder."""
    try:
        with (folder / LOCK).open("r+b", buffering=0) as file:
            return not lock.try_lock(file)
    except FileNotFoundError:
        return False


def main(folder: Path, idle_s: float = IDLE_S) -> int:
    """Serve the network in the folder, unless another process does."""
    while True:
        with (folder / LOCK).open("a+b", buffering=0) as file:
            if not lock.try_lock(file):
                return 0
            with contextlib.closing(Switch(folder)) as switch:
                switch.serve(idle_s)
        # Whoever came between the last look and here has seen us serve, and started no other.
        if not any(map(is_bound, folder.glob(PORTS))):
            return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
