"""A socket at an address of this machine that no other shares."""

from __future__ import annotations

import socket
import sys


def bind(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """Return a socket with that address, which does not block.

    Raises:
        OSError: it cannot be had.
    """
    is_ipv6 = ":" in address
    sock = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, kind)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind is socket.SOCK_STREAM:  # so that connections that linger do not count
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.settimeout(0)
    except BaseException:
        sock.close()
        raise
    return sock
