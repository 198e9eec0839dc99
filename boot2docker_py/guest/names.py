"""The name of the guest in its own network and in known_hosts, and of its user."""

from __future__ import annotations

USER = "docker"


def host_name(vm_name: str) -> str:
    """Return the VM's name as a host name may look (RFC 1123); `boot2docker` if nothing is left."""
    letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in vm_name)
    return letters.strip("-")[:63].rstrip("-") or "boot2docker"


# Ours and 18.09 or later; before; the boot that is now, ours;
# the official one; all boots, ours.
LOGS = {
    "engine": ("/var/lib/boot2docker/log/docker.log", "/var/lib/boot2docker/docker.log"),
    "provision": ("/var/lib/boot2docker/log/provision.log",),
    "boot": ("/run/boot2docker/boot.log", "/boot.log", "/var/lib/boot2docker/log/boot.log"),
}
