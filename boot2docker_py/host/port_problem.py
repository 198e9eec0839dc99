"""Why a port of this machine cannot be had, in words for the user."""

from __future__ import annotations

import errno
import sys

from boot2docker_py.host.port_holder import holder


def port_problem(protocol: str, address: str, port: int, error: OSError) -> str:
    """Return why the port cannot be had, and what has it, in words that follow "is"."""
    taken_by = holder(protocol, address, port) if error.errno == errno.EADDRINUSE else ""
    return why_not(error, protocol, port, taken_by, sys.platform)


def why_not(error: OSError, protocol: str, port: int, taken_by: str, platform: str) -> str:
    """Return the words for an error of bind(2) or listen(2); `taken_by` is empty if not known."""
    if error.errno == errno.EADDRINUSE:
        return f"taken by {taken_by or _another(protocol, port, platform)}"
    if error.errno == errno.EACCES and platform == "win32":
        return "kept by Windows (netsh int ipv4 show excludedportrange), or by another program"
    if error.errno == errno.EACCES:
        return f"not for this user: ports as low as {port} need more rights"
    if error.errno == errno.EADDRNOTAVAIL:
        return "not an address of this machine"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "not to be had while so many connections are open"
    number = errno.errorcode.get(error.errno or 0, "no number")
    return (
        f"refused by this system ({number}); a firewall or another program may keep "
        f"{protocol.upper()} port {port}"
    )


def _another(protocol: str, port: int, platform: str) -> str:
    """Return another program, and how to find out which."""
    if platform == "win32":
        return f"another program (which: netstat -ano -p {protocol})"
    if platform == "darwin":
        return f"another program (which: sudo lsof -nP -i {protocol}:{port})"
    return "another program"
