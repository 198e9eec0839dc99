"""Which program has a port of this machine. Best effort: empty where the system does not tell.

The part of Windows is written after the documentation of GetExtendedTcpTable and has not been run
there. macOS tells only through other programs, and is not asked.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
import struct
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Iterator, NamedTuple

PROC = Path("/proc")

# proc(5): the state LISTEN, and the one that a UDP socket without a peer has.
_LINUX_STATES = {"tcp": "0A", "udp": "07"}


class Holder(NamedTuple):
    """What Linux tells of a socket."""

    inode: int
    user: int


def holder(protocol: str, address: str, port: int) -> str:
    """Return the program that is in the way, in words for the user, empty if it is not known."""
    find = {"win32": _holder_on_windows, "linux": _holder_on_linux}.get(sys.platform)
    return find(protocol, address, port) if find else ""


def is_in_the_way(found: bytes, wanted: str) -> bool:
    """Tell whether a socket at the address `found`, packed, keeps others from `wanted`."""
    address = ipaddress.ip_address(found)
    return address.is_unspecified or wanted in (str(address), "0.0.0.0", "::")


def _holder_on_linux(protocol: str, address: str, port: int) -> str:
    tables = (f"{protocol}6", protocol) if ":" in address else (protocol, f"{protocol}6")
    for table in tables:
        with contextlib.suppress(OSError):
            text = (PROC / "net" / table).read_text(encoding="ascii")
            for found in linux_holders(text, address, port, _LINUX_STATES[protocol]):
                return _process_with(found.inode) or f"a program of user {_user_name(found.user)}"
    return ""


def linux_holders(table: str, wanted: str, port: int, state: str) -> Iterator[Holder]:
    """Return what has `port`, out of the text of /proc/net/tcp or the like; see proc(5)."""
    for line in table.splitlines()[1:]:
        words = line.split()
        address, _, number = words[1].partition(":")
        if (int(number, 16), words[3]) != (port, state):
            continue
        # Words of four bytes, as this machine's CPU has them.
        numbers = (int(address[begin : begin + 8], 16) for begin in range(0, len(address), 8))
        if is_in_the_way(b"".join(struct.pack("=I", word) for word in numbers), wanted):
            yield Holder(inode=int(words[9]), user=int(words[7]))


def _process_with(inode: int) -> str:
    # Looking through all processes takes a while, and many ports may be asked for together.
    second = int(time.monotonic())
    process = _processes_by_socket(second).get(inode)
    if process is None:
        _processes_by_socket.cache_clear()
        process = _processes_by_socket(second).get(inode)
    if process is not None:
        with contextlib.suppress(OSError):  # it has just ended
            return f"{_program(process)} (process {process.name})"
    return ""


@lru_cache(maxsize=1)
def _processes_by_socket(_second: int) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for process in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # another user's, or just gone
            for descriptor in os.scandir(process / "fd"):
                with contextlib.suppress(OSError):
                    kind, _, inode = os.readlink(descriptor.path).partition(":[")
                    if kind == "socket":
                        found[int(inode[:-1])] = process
    return found


def _program(process: Path) -> str:
    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    return forwarder_in(words) or (process / "comm").read_text(errors="replace").strip()


def forwarder_in(words: list[str]) -> str:
    """Return which VM's forwarder the command line is, empty if it is another program's."""
    if "boot2docker_py.endpoint" not in words:
        return ""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        settings = json.loads(words[words.index("boot2docker_py.endpoint") + 1])
        name = settings["paths"]["name"]
        return f"the forwarder of VM '{name}'"
    return "the forwarder of another VM"


def windows_holders(table: bytes, protocol: str, wanted: str, port: int) -> Iterator[int]:
    """Return the processes that have `port`, out of MIB_TCPTABLE_OWNER_PID or the one for UDP.

    A row is of 6 words for TCP (state, address, port, ...) and of 3 for UDP (address, port, ...);
    the process comes last. A port is in network order, in the first half of its word.
    """
    row = struct.Struct("<4x4sH2x8xI" if protocol == "tcp" else "<4sH2xI")
    (count,) = struct.unpack_from("<I", table)
    for number in range(count):
        address, its_port, process = row.unpack_from(table, 4 + row.size * number)
        if socket.ntohs(its_port) == port and is_in_the_way(address, wanted):
            yield process


if sys.platform == "win32":
    import ctypes

    from boot2docker_py.host import processes

    def _holder_on_windows(protocol: str, address: str, port: int) -> str:
        for process in windows_holders(_windows_table(protocol), protocol, address, port):
            _parent, name = processes.windows_processes().get(process, (0, "a program"))
            return f"{name} (process {process})"
        return ""

    def process_listening(address: str, port: int, program: str) -> int:
        """Return the process at a TCP port whose program's name begins so, 0 if there is none.

        Wine does not tell whose a port is, so this has not been run.
        """
        for process in windows_holders(_windows_table("tcp"), "tcp", address, port):
            _parent, name = processes.windows_processes().get(process, (0, ""))
            if name.lower().startswith(program):
                return process
        return 0

    def _windows_table(protocol: str) -> bytes:
        api = ctypes.WinDLL("iphlpapi")
        # AF_INET; TCP_TABLE_OWNER_PID_LISTENER, UDP_TABLE_OWNER_PID.
        family, kind = 2, {"tcp": 3, "udp": 1}[protocol]
        call = api.GetExtendedTcpTable if protocol == "tcp" else api.GetExtendedUdpTable
        size = ctypes.c_ulong(0)
        unsorted = 0
        call(None, ctypes.byref(size), unsorted, family, kind, 0)
        table = ctypes.create_string_buffer(size.value + 4096)
        size.value = len(table)
        if call(table, ctypes.byref(size), unsorted, family, kind, 0) != 0:
            return bytes(4)
        return table.raw

    def _user_name(number: int) -> str:
        return str(number)
else:
    import pwd

    def _holder_on_windows(_protocol: str, _address: str, _port: int) -> str:
        return ""

    def process_listening(_address: str, _port: int, _program: str) -> int:
        """Return 0: only Windows is asked so."""
        return 0

    def _user_name(number: int) -> str:
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return str(number)
