"""Carry clients of a Unix socket of Linux to a TCP port, each direction with its own end.

usage: unix_bridge PATH PORT. It ends, and the socket with it, at the end of its input; `hide` takes
the socket's name away, `show` gives it back.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path

CHUNK_BYTES = 256 * 1024


def carry(source: socket.socket, target: socket.socket) -> None:
    """Carry one direction; what goes wrong in it ends both."""
    try:
        for data in iter(lambda: source.recv(CHUNK_BYTES), b""):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def serve(client: socket.socket, port: int) -> None:
    with client, contextlib.suppress(OSError), socket.create_connection(
        ("127.0.0.1", port)
    ) as engine:
        other = threading.Thread(target=carry, args=(engine, client), daemon=True)
        other.start()
        carry(client, engine)
        other.join()


def accept(listener: socket.socket, port: int) -> None:
    while True:
        client, _nobody = listener.accept()
        threading.Thread(target=serve, args=(client, port), daemon=True).start()


def main(name: str, port: str) -> None:
    path = Path(name)
    away = path.with_name(path.name + ".away")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(name)
    listener.listen(1024)
    threading.Thread(target=accept, args=(listener, int(port)), daemon=True).start()
    print("listens", flush=True)
    for line in sys.stdin:
        if line.strip() == "hide":
            path.rename(away)
        else:
            away.rename(path)
        print("done", flush=True)
    path.unlink(missing_ok=True)
    away.unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
