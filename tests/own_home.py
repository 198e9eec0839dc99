"""A home for tests and measurements, so that they leave the developer's own ~/.docker alone."""

from __future__ import annotations

from pathlib import Path
from typing import MutableMapping

# Where Python, docker and boot2docker look for the user's files; the last three are Windows'.
HOMES = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")
# What would lead out of it.
OTHER_PLACES = (
    *("BOOT2DOCKER_PROFILE", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"),
    *("MACHINE_STORAGE_PATH", "XDG_CONFIG_HOME"),
)


def move(environ: MutableMapping[str, str], folder: Path) -> None:
    """Let the home of the user and all that lies in it be in `folder`."""
    for name in OTHER_PLACES:
        environ.pop(name, None)
    for name in HOMES:
        environ[name] = str(folder)
