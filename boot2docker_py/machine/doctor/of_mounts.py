"""The check of bind mounts: the engine makes up an empty folder for what the VM does not see."""

from __future__ import annotations

import ntpath
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any, Iterator, Mapping, Sequence

from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import Share
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.machine.doctor.findings import (
    Check,
    Finding,
    Patient,
    of_error,
    ok,
    skipped,
    warning,
)

MOST_TOLD = 5
# What a container may well want of the VM itself, though this machine has a folder of that name.
OF_THE_VM = frozenset("bin boot dev etc lib lib64 proc run sbin sys usr var".split())
_OF_DRIVE = re.compile(r"/([A-Za-z])(/.*)?")


def _mounts(patient: Patient) -> Iterator[Finding]:
    driver = patient.driver
    if isinstance(driver, Boot2DockerError) or not patient.is_running or patient.engine_reason:
        yield skipped("mounts", "the engine does not answer")
        return
    try:
        shared = driver.shares()
    except Boot2DockerError as error:
        yield of_error("mounts", error)
        return
    unseen = list(_unseen(patient.endpoint.containers(), shared, patient.platform))
    for container, folder in unseen[:MOST_TOLD]:
        words = (
            f"container '{container}' mounts '{folder}' of the VM, which may be empty: "
            "the folder of this machine is not shared with the VM"
        )
        yield warning("mounts", words, _how_to_share(driver, folder))
    if not unseen:
        names = ", ".join(f"'{share.folder}' at '/{share.name}'" for share in shared)
        yield ok("mounts", f"shared with the VM: {names or 'no folder of this machine'}")


def _how_to_share(driver: Driver, folder: str) -> str:
    if driver.features.has_shared_folders:
        return f'boot2docker restart --vbox-share "{folder}", with those that are shared already'
    return "Copy it into the VM (boot2docker cp), or into the container (docker cp)."


def _unseen(
    containers: Sequence[Mapping[str, Any]], shares: Sequence[Share], platform: str
) -> Iterator[tuple[str, str]]:
    """Yield each bind mount of a folder that is here, and that the VM does not see."""
    for container in containers:
        for mount in container.get("Mounts") or ():
            source = str(mount.get("Source", ""))
            if mount.get("Type") == "bind" and not _is_shared(source, shares):
                here = here_of(source, platform)
                if here and os.path.lexists(here):
                    yield _name(container), here


def _is_shared(source: str, shares: Sequence[Share]) -> bool:
    path = PurePosixPath(source)
    return any(PurePosixPath("/", share.name) in (path, *path.parents) for share in shares)


def here_of(source: str, platform: str) -> str:
    r"""Return the path on this machine that a mount was meant for; empty when for the VM's own.

    On Windows docker writes C:\Users as /c/Users, or leaves it as it is.
    """
    if platform == "win32":
        in_drive = _OF_DRIVE.fullmatch(source)
        if in_drive:
            return ntpath.normpath(f"{in_drive[1].upper()}:{in_drive[2] or '/'}")
        return source if ntpath.splitdrive(source)[0] else ""
    parts = Path(source).parts
    return source if len(parts) > 1 and parts[1] not in OF_THE_VM else ""


def _name(container: Mapping[str, Any]) -> str:
    names = container.get("Names") or [str(container.get("Id", "?"))[:12]]
    return str(names[0]).lstrip("/")


CHECKS = (
    Check(
        "mounts",
        "What is shared with the VM, and the bind mounts of containers",
        "warning: a container mounts a folder of this machine that the VM does not see",
        _mounts,
    ),
)
