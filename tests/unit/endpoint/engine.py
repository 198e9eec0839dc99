"""What stands in for the engine: a server that does what its client's first line says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
from pathlib import Path

from tests.unit.guest_side import UnixServer, path_there
from tests.unit.listening import end_listening

CHUNK_BYTES = 256 * 1024


class Engine:
    """Serve `echo`, `hash`, `send N`, `silent`, `deaf` and `GET /_ping` at one socket."""

    def __init__(self, path: Path) -> None:
        self.path, self.there = path, path_there(path)
        self._server = UnixServer(path)
        self._listener = self._server.listener
        self.hide, self.show = self._server.hide, self._server.show
        self._open: list[socket.socket] = []
        self._is_over = threading.Event()
        self.accepted = 0
        self.ended = 0
        self.last_hash = b""
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._is_over.set()
        end_listening(self._listener, self._accepting)
        self._server.remove()
        self.hang_up()

    def hang_up(self) -> None:
        """End all its connections."""
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _address = self._listener.accept()
                self._open.append(sock)
                self.accepted += 1
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError), sock.makefile("rb") as lines:
            word, *arguments = lines.readline().decode().split() or [""]
            if word == "echo":
                for data in iter(lambda: lines.read1(CHUNK_BYTES), b""):
                    sock.sendall(data)
            elif word == "hash":
                sock.sendall(_hash(iter(lambda: lines.read1(CHUNK_BYTES), b"")))
            elif word == "send":
                _send_random(sock, int(arguments[0]))
            elif word == "end-then-hash":
                sock.sendall(b"first")
                sock.shutdown(socket.SHUT_WR)
                self.last_hash = _hash(iter(lambda: lines.read1(CHUNK_BYTES), b""))
            elif word == "silent":
                lines.read()
            elif word == "deaf":
                self._is_over.wait()
            elif word == "GET":
                sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        self._open.remove(sock)
        self.ended += 1


def _hash(chunks: object) -> bytes:
    digest = hashlib.sha256()
    for data in chunks:  # type: ignore[attr-defined]
        digest.update(data)
    return digest.hexdigest().encode()


def _send_random(sock: socket.socket, count: int) -> None:
    """Send that many bytes, and then their hash."""
    digest = hashlib.sha256()
    data = os.urandom(CHUNK_BYTES)
    while count > 0:
        piece = data[:count]
        digest.update(piece)
        sock.sendall(piece)
        count -= len(piece)
    sock.sendall(digest.hexdigest().encode())
