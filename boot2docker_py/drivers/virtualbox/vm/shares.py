"""The folders of the host that a machine shares with its guest; only ours are ever changed."""

from __future__ import annotations

import json
import logging
import ntpath
import sys
from pathlib import Path
from typing import Any, Sequence

from boot2docker_py.drivers.base import Boot, Share
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import sessions, versions

log = logging.getLogger(__name__)

NOTE = "boot2docker-py/shares"  # extra data: names and folders of the shares that we made
SYMLINKS = "VBoxInternal2/SharedFoldersEnableSymlinksCreate/"  # and the name of a share
# Where the guest additions mount, for images that leave it to them.
MOUNT = {"MountPrefix": "/", "MountDir": "/"}
LONG = "\\\\?\\"  # before a path of Windows that may be long
PROPERTY = "/VirtualBox/GuestAdd/SharedFolders/"


def apply(api: API, machine: Any, boot: Boot) -> None:
    """Share what the boot says; nothing is written when that is so already."""
    if boot.shares is None:
        return
    present = {share.name: share.hostPath for share in api.array(machine, "sharedFolders")}
    ours = {
        name: folder for name, folder in _noted(machine).items() if _same(present.get(name), folder)
    }
    wanted = _wanted(boot.shares, present, ours)
    stale = [name for name, folder in ours.items() if not _same(wanted.get(name), folder)]
    missing = {name: folder for name, folder in wanted.items() if name in stale or name not in ours}
    symlinks = {SYMLINKS + name: "" for name in stale}
    symlinks.update({SYMLINKS + name: "1" if boot.share_symlinks else "" for name in wanted})
    changes = {key: value for key, value in symlinks.items() if machine.getExtraData(key) != value}
    if not (stale or missing or changes):
        return
    with sessions.changed(api, machine) as changing:
        changing.setExtraData(NOTE, json.dumps(wanted) if wanted else "")
        for name in stale:
            changing.removeSharedFolder(name)
        for name, folder in missing.items():
            log.info("Sharing '%s' with the VM as '/%s'.", folder, name)
            versions.create_shared_folder(api, changing, name, folder)
        for key, value in changes.items():
            changing.setExtraData(key, value)
        for name, value in MOUNT.items():
            changing.setGuestPropertyValue(PROPERTY + name, value)
    sessions.wait_until_free(api, machine)


def present(api: API, machine: Any) -> tuple[Share, ...]:
    """Return what the machine shares, by whoever it was made."""
    return tuple(
        Share(share.name, Path(_short(share.hostPath)))
        for share in api.array(machine, "sharedFolders")
    )


def _noted(machine: Any) -> dict[str, str]:
    found = machine.getExtraData(NOTE)
    return dict(json.loads(found)) if found else {}


def _wanted(
    shares: Sequence[Share], present: dict[str, str], ours: dict[str, str]
) -> dict[str, str]:
    wanted = {}
    for share in shares:
        if share.name in ours or share.name not in present:
            wanted[share.name] = str(share.folder)
        elif not _same(present[share.name], str(share.folder)):
            log.warning(
                "The VM has a share '%s' of '%s', made elsewhere; it is left as it is.",
                *(share.name, present[share.name]),
            )
    return wanted


def _same(one: str | None, other: str) -> bool:
    return one is not None and plain(one, sys.platform) == plain(other, sys.platform)


def plain(folder: str, platform: str) -> str:
    r"""Return the folder as it is compared; Docker Machine wrote \\?\c:\Users."""
    if platform != "win32":
        return folder
    return ntpath.normcase(_short(folder))


def _short(folder: str) -> str:
    return folder[len(LONG) :] if folder.startswith(LONG) else folder
