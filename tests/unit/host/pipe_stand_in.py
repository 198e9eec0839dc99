"""A pipe as Windows has them, made of a socket: it waits, and tells an end from a hang-up."""

from __future__ import annotations

import contextlib
import select
import socket


class PipeStandIn:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._has_ended = False

    def read_into(self, memory: bytearray) -> int:
        if self._has_ended:
            self._wait_for_hang_up()
        count = self._sock.recv_into(memory)
        self._has_ended = not count
        return count

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)

    def end_writing(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _wait_for_hang_up(self) -> None:
        poll = select.poll()
        poll.register(self._sock, 0)
        poll.poll()
        raise ConnectionResetError
