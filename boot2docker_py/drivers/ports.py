"""TCP ports on 127.0.0.1 for the guest's services."""

from __future__ import annotations

import sys

from boot2docker_py.errors import NetworkError

HOST = "127.0.0.1"
USUAL_SSH = 2022  # the original's


def is_free(port: int) -> bool:
    """Tell whether this user can listen on the port now."""
    import socket  # not for a command that only asks

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:  # as QEMU does, so that connections that linger do not count
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError:
            return False
        return True


def any_free() -> int:
    """Return a port that is free now; the operating system chooses."""
    import socket  # not for a command that only asks

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def usual_or_free(besides: int) -> int:
    """Return the usual port for SSH when it is free, else any that is but `besides`."""
    return USUAL_SSH if besides != USUAL_SSH and is_free(USUAL_SSH) else any_free()


def demand_free(port: int, purpose: str) -> None:
    """Raise NetworkError when the port is taken."""
    if not is_free(port):
        raise NetworkError(
            f"port {port} on {HOST}, wanted for {purpose}, is taken by another program",
            resolution="Name another port, or end the program that listens there.",
        )
