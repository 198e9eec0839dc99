"""Copy an image of containers from the engine of one guest to that of another, over SSH."""

from __future__ import annotations

import logging
import re
import shlex
from typing import Callable

from boot2docker_py.errors import GuestError
from boot2docker_py.guest.copy.streams import CHUNK_BYTES, Streams
from boot2docker_py.ssh.command import begin
from boot2docker_py.ssh.connection import Connection
from boot2docker_py.ssh.errors import LOST

log = logging.getLogger(__name__)

IMAGE_LIMIT_BYTES = 64 << 30
_ID = re.compile(r"sha256:[0-9a-f]{64}\s*", re.ASCII)


def image_id(connection: Connection, image: str, timeout_s: float) -> str:
    """Return the ID of the image in the guest's engine, nothing when it has none of that name."""
    words = ["docker", "image", "inspect", "--format", "{{.Id}}", "--", image]
    result = connection.run(words, timeout_s=timeout_s)
    told = result.stdout.decode(errors="replace")
    return told.strip() if result.status == 0 and _ID.fullmatch(told) else ""


def pass_on(
    image: str,
    source: Connection,
    target: Connection,
    patience_s: float,
    show: Callable[[int], None] = lambda _bytes: None,
    *,
    limit_bytes: int = IMAGE_LIMIT_BYTES,
) -> int:
    """Give the image to the other engine; return how many bytes went over.

    Nothing of it is kept here. An engine takes an image as a whole or not at all.

    Raises:
        GuestError: one of the engines fails, a connection is lost, or it is longer than any image.
        DeadlineError: nothing moved for `patience_s`.
    """
    count = 0
    with source.open_session() as saving, target.open_session() as loading:
        begin(saving, shlex.join(["docker", "save", "--", image]))
        begin(loading, "docker load --quiet")
        saving.shutdown_write()
        saved, loaded = Streams(saving, patience_s), Streams(loading, patience_s)
        try:
            for data in iter(lambda: saved.read(CHUNK_BYTES), b""):
                loaded.write(data)
                count += len(data)
                show(count)
                if count > limit_bytes:
                    raise GuestError(f"what the engine sends as '{image}' has no end")
            loading.shutdown_write()
        except LOST as error:
            log.debug("the other engine takes no more: %s", error)
            loaded.end(f"the other engine does not take the image '{image}'")
            raise GuestError(f"the other engine took only a part of '{image}'") from error
        saved.end(f"the engine does not hand out the image '{image}'")
        loaded.end(f"the other engine does not take the image '{image}'")
    return count
