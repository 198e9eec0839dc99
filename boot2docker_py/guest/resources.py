"""What the guest has, and how much of it is left: memory, disk, name servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boot2docker_py.untrusted import number

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

_MOST_KB = 1 << 50
_MOST_SERVERS = 3  # MAXNS of resolv.h
_LENGTH = 60
# The disk is mounted at both places, in our image and in the official one.
_SCRIPT = """
grep -E '^(MemTotal|MemAvailable):' /proc/meminfo
df -Pk /var/lib/docker | tail -n 1 | sed 's/^/disk /'
if grep -qx 'nameserver 127.0.0.53' /etc/resolv.conf; then  # our image's own, which asks others
    sudo -n cat /var/lib/boot2docker/boot2docker-py/dns 2>/dev/null ||
        cat /run/boot2docker/name-servers
else
    cat /etc/resolv.conf
fi | grep '^nameserver'
"""


@dataclass(frozen=True)
class Resources:
    """What the guest has; 0 where it does not say."""

    memory_kb: int = 0
    free_memory_kb: int = 0
    disk_kb: int = 0
    free_disk_kb: int = 0
    name_servers: tuple[str, ...] = ()


def look(connection: Connection, timeout_s: float) -> Resources:
    """Ask the guest.

    Raises:
        DeadlineError: it does not tell in time.
        GuestError: the connection was lost.
    """
    result = connection.run(["sh", "-c", _SCRIPT], timeout_s=timeout_s)
    return read(result.stdout[:4096].decode(errors="replace"))


def read(told: str) -> Resources:
    """Return the resources out of what the guest has said."""
    found: dict[str, int] = {}
    servers = []
    for words in map(str.split, told.splitlines()):
        if words[:1] == ["MemTotal:"] and len(words) > 1:
            found["memory_kb"] = _kb(words[1])
        elif words[:1] == ["MemAvailable:"] and len(words) > 1:
            found["free_memory_kb"] = _kb(words[1])
        elif words[:1] == ["disk"] and len(words) > 4:
            found["disk_kb"], found["free_disk_kb"] = _kb(words[2]), _kb(words[4])
        elif words[:1] == ["nameserver"] and len(words) > 1:
            servers.append(words[1][:_LENGTH])
    return Resources(**found, name_servers=tuple(servers[:_MOST_SERVERS]))


def _kb(text: str) -> int:
    return number(text, 0, _MOST_KB) or 0
