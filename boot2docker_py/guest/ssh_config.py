"""What ssh, VS Code and friends read to log in to the guest as we do: ssh_config(5)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from boot2docker_py.address import Address
from boot2docker_py.errors import UsageError


@dataclass(frozen=True)
class HostBlock:
    """One `Host` of ssh_config(5)."""

    host: str  # as typed after `ssh`, and the name in known_hosts
    address: Address
    user: str
    key: Path
    known_hosts: Path

    def text(self, platform: str = sys.platform) -> str:
        """Return the block.

        Raises:
            UsageError: a path cannot be written in such a file.
        """
        lines = [
            f"Host {self.host}",
            f"HostName {self.address.host}",
            f"Port {self.address.port}",
            f"User {self.user}",
            f"IdentityFile {quoted(str(self.key), platform)}",
            "IdentitiesOnly yes",
            "PasswordAuthentication no",
            f"HostKeyAlias {self.host}",
            f"UserKnownHostsFile {quoted(str(self.known_hosts), platform)}",
            "StrictHostKeyChecking yes",
        ]
        return "\n    ".join(lines) + "\n"


def quoted(path: str, platform: str) -> str:
    """Return a path as ssh_config(5) reads it back, whatever is in it.

    Raises:
        UsageError: it cannot be written there.
    """
    if any(letter < " " for letter in path) or "${" in path:
        raise UsageError(
            f"ssh's configuration has no way to write {path!r}",
            resolution="Use a folder with a plainer name (BOOT2DOCKER_DIR).",
        )
    if platform == "win32":
        path = path.replace("\\", "/")  # every ssh for Windows takes it, and none unescapes it
    # Between double quotes a backslash escapes; a percent sign begins a token.
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
