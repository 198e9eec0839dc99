"""The folders of the host that QEMU shares with its guest, by 9p, each under a tag.

https://www.qemu.org/docs/master/system/invocation.html, -fsdev: with `security_model=none` what the
guest writes is the user's own here, and has the mode that the guest wants.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Sequence

from boot2docker_py.drivers.model import Share
from boot2docker_py.errors import NotFoundError, UsageError

TAG_BYTES = 31  # QEMU takes no longer one
MOST_SHARES = 20  # each takes a place on the bus, which has 32

# The guest mounts a tag at `/TAG`, or where its table of the firmware says.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._/-]+")
_TAG = "boot2docker-share-{}"


def demand_possible(shares: Sequence[Share]) -> None:
    """Raise UsageError when QEMU cannot share so many."""
    if len(shares) > MOST_SHARES:
        raise UsageError(
            f"{len(shares)} folders are to be shared with the VM",
            details=f"QEMU has room for {MOST_SHARES}",
            resolution="Share a folder that has several of them in it.",
        )


def demand_there(shares: Sequence[Share]) -> None:
    """Raise NotFoundError when a folder is gone that a saved guest knows."""
    gone = [str(share.folder) for share in shares if not share.folder.is_dir()]
    if gone:
        raise NotFoundError(
            "a folder that the VM shares is not there: " + ", ".join(f"'{one}'" for one in gone),
            details="The memory of the VM was saved with it, and cannot be restored without.",
            resolution="Put it back, or start without the memory; the data disk is kept: "
            "boot2docker up --discard-saved",
        )


def options(shares: Sequence[Share]) -> list[str]:
    """Return the command line's part for the shares."""
    words: list[str] = []
    for number, share in enumerate(shares):
        tag = _tag(number, share.name)
        path = os.fspath(share.folder).replace(",", ",,")
        back_end = f"local,id=share{number},path={path},security_model=none,multidevs=remap"
        device = f"virtio-9p-pci,fsdev=share{number},mount_tag={tag}"
        words += ["-fsdev", back_end, "-device", device]
        if tag != share.name:
            words += ["-smbios", f"type=11,value={tag}={os.fsencode(share.name).hex()}"]
    return words


def kept(shares: Sequence[Share]) -> list[list[str]]:
    """Return the shares as `vm.json` keeps them."""
    return [[share.name, os.fspath(share.folder)] for share in shares]


def read(shares: Sequence[Sequence[str]]) -> tuple[Share, ...]:
    """Return the shares that were kept."""
    return tuple(Share(name, Path(folder)) for name, folder in shares)


def _tag(number: int, name: str) -> str:
    is_usable = _PLAIN_NAME.fullmatch(name) and len(name) <= TAG_BYTES
    return name if is_usable else _TAG.format(number)
