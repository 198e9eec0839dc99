"""The boot image of boot2docker-py as a file: an ISO with the Docker Engine, made from Debian.

Beside it lie its SHA-256 (`.sha256`), the versions of the packages in it and where their sources
are (`.manifest`), and their licences (`.licences.tar.xz`).
"""

from pathlib import Path

__all__ = ["path"]


def path() -> Path:
    """Return where the image lies."""
    return Path(__file__).with_name("boot2docker.iso")
