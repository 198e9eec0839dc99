"""The switch of an internal network, with sockets in the place of VMs."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.qemu import switch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")

LONG_S = 20.0
SHORT_S = 0.3
A, B, C = (bytes([0x52, 0xB2, 0xD0, 0, 0, number]) for number in (1, 2, 3))
ALL = b"\xff" * 6


class Adapter:
    """A VM's adapter: what it sends, and what reaches it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._switch = str(folder / switch.SWITCH)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / f"{name}.port"))

    def send(self, target: bytes, source: bytes, words: bytes) -> None:
        """Send a frame."""
        self._socket.sendto(target + source + words, self._switch)

    def next_words(self, timeout_s: float = LONG_S) -> bytes:
        """Return what the next frame carries; nothing when none comes."""
        self._socket.settimeout(timeout_s)
        try:
            return self._socket.recv(switch.FRAME_LIMIT_BYTES)[12:]
        except socket.timeout:
            return b""

    def close(self) -> None:
        """Leave the network, as a VM that ends."""
        self._socket.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a network that is served."""
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(switch.main(tmp_path, 1.0)), daemon=True)
    thread.start()
    while not (tmp_path / switch.SWITCH).exists():
        assert thread.is_alive()
    yield tmp_path
    for port in tmp_path.glob(switch.PORTS):
        port.unlink()
    thread.join(LONG_S)
    assert ended == [0]


@pytest.fixture
def three(folder: Path) -> Iterator[list[Adapter]]:
    with contextlib.ExitStack() as stack:
        adapters = [Adapter(folder, name) for name in "abc"]
        for adapter in adapters:
            stack.callback(adapter.close)
        yield adapters


def test_a_frame_to_all_reaches_every_other_vm(three: list[Adapter]) -> None:
    a, b, c = three
    a.send(ALL, A, b"who is there")
    assert (b.next_words(), c.next_words()) == (b"who is there", b"who is there")
    assert a.next_words(SHORT_S) == b""


def test_a_frame_reaches_the_vm_it_is_for_alone(three: list[Adapter]) -> None:
    a, b, c = three
    b.send(ALL, B, b"here")
    assert (a.next_words(), c.next_words()) == (b"here", b"here")
    a.send(B, A, b"for b")
    assert b.next_words() == b"for b"
    assert c.next_words(SHORT_S) == b""


def test_a_vm_that_starts_anew_is_found_again(three: list[Adapter], folder: Path) -> None:
    a, b, c = three
    b.send(ALL, B, b"here")
    assert (a.next_words(), c.next_words()) == (b"here", b"here")
    b.close()
    a.send(B, A, b"lost")
    a.send(C, A, b"arrives")
    assert c.next_words() == b"arrives"
    (folder / "b.port").unlink()
    again = Adapter(folder, "b")
    with contextlib.closing(again):
        again.send(ALL, B, b"here again")
        assert a.next_words() == b"here again"
        a.send(B, A, b"found")
        heard = again.next_words()
        assert (heard if heard != b"arrives" else again.next_words()) == b"found"


def test_a_vm_that_reads_nothing_holds_nobody_up(three: list[Adapter]) -> None:
    a, b, c = three
    for number in range(3 * switch.FRAMES_LIMIT):
        a.send(ALL, A, b"%d" % number)
        assert c.next_words() == b"%d" % number
    assert b.next_words() == b"0"  # which is there, and has more waiting than is kept for it


def test_a_frame_that_is_none_is_dropped(three: list[Adapter]) -> None:
    a, b, _c = three
    a.send(b"", b"", b"short")
    a.send(ALL, A, b"whole")
    assert b.next_words() == b"whole"


def test_a_guest_with_many_addresses_costs_little(three: list[Adapter]) -> None:
    a, b, _c = three
    for number in range(2 * switch.ADDRESSES_LIMIT):
        a.send(ALL, b"\x52" + number.to_bytes(5, "big"), b"x")
        assert b.next_words() == b"x"


def test_a_network_has_one_switch(folder: Path) -> None:
    assert switch.is_served(folder)
    assert switch.main(folder) == 0


def test_a_network_without_vms_is_served_no_more(tmp_path: Path) -> None:
    assert switch.main(tmp_path, 0.2) == 0
    assert not switch.is_served(tmp_path)
