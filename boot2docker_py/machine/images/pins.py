"""The pin of a VM: the image that it boots, whatever the others boot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from boot2docker_py import untrusted, whole_file
from boot2docker_py.errors import NotFoundError, StorageError
from boot2docker_py.paths import VMPaths, make_private_folder

if TYPE_CHECKING:
    from boot2docker_py.image import Image

_MOST_BYTES = 100_000


class Pin(NamedTuple):
    """A kept image, as it was when the VM was pinned to it."""

    path: Path
    version: str


def read(paths: VMPaths) -> Pin | None:
    """Return what the VM is pinned to, None when it is not.

    Raises:
        StorageError: that cannot be read.
    """
    try:
        with paths.pin.open("rb") as file:
            document = untrusted.parsed_json(file.read(_MOST_BYTES))
        return Pin(Path(str(document["path"])), str(document["version"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"the image that VM '{paths.name}' is pinned to is not known",
            details=f"'{paths.pin}': {error}",
            resolution="Take the pin away: boot2docker upgrade --unpin",
        ) from error


def write(paths: VMPaths, image: Image) -> None:
    """Pin the VM to a kept image."""
    make_private_folder(paths.folder)
    document = {"path": str(image.path), "version": image.version}
    whole_file.write(paths.pin, json.dumps(document).encode() + b"\n")


def remove(paths: VMPaths) -> bool:
    """Take the pin away; tell whether there was one."""
    was_there = paths.pin.exists()
    paths.pin.unlink(missing_ok=True)
    whole_file.clear(paths.pin)
    return was_there


def demand_image(paths: VMPaths, pin: Pin) -> Path:
    """Return the image of a pin.

    Raises:
        NotFoundError: it is gone.
    """
    if not pin.path.is_file():
        raise NotFoundError(
            f"the image {pin.version} that VM '{paths.name}' is pinned to is gone",
            details=f"There is no '{pin.path}'.",
            resolution=f"Fetch it again: boot2docker upgrade --pin --to {pin.version}\n"
            "Or take the pin away: boot2docker upgrade --unpin",
        )
    return pin.path
