"""The folders of the host that a machine shares with its guest; only ours are ever changed."""

from __future__ import annotations

import json
import logging
import ntpath
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from boot2docker_py.drivers.model import Boot, Share
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.vm import sessions, versions

if TYPE_CHECKING:
    from virtualbox.library import IMachine

log = logging.getLogger(__name__)

NOTE = "boot2docker-py/shares"  # extra data: names and folders of the shares that we made
SYMLINKS = "VBoxInternal2/SharedFoldersEnableSymlinksCreate/"  # and the name of a share
# Where the guest additions mount, for images that leave it to them.
MOUNT = {"MountPrefix": "/", "MountDir": "/"}
LONG = "\\\\?\\"  # before a path of Windows that may be long
PROPERTY = "/VirtualBox/GuestAdd/SharedFolders/"


def apply(api: API, machine: IMachine, boot: Boot) -> None:
    """Share what the boot says; nothing is written when that is so already."""
    if boot.shares is None:
        return
    present = {share.name: share.host_path for share in machine.shared_folders}
    ours = {
        name: folder for name, folder in _noted(machine).items() if _same(present.get(name), folder)
    }
    wanted = _wanted(boot.shares, present, ours)
    stale = [name for name, folder in ours.items() if not _same(wanted.get(name), folder)]
    missing = {name: folder for name, folder in wanted.items() if name in stale or name not in ours}
    symlinks = {SYMLINKS + name: "" for name in stale}
    symlinks.update({SYMLINKS + name: "1" if boot.share_symlinks else "" for name in wanted})
    changes = {
        key: value for key, value in symlinks.items() if machine.get_extra_data(key) != value
    }
    if not (stale or missing or changes):
        return
    with sessions.changed(api, machine) as changing:
        changing.set_extra_data(NOTE, json.dumps(wanted) if wanted else "")
        for name in stale:
            changing.remove_shared_folder(name)
        for name, folder in missing.items():
            log.info("Sharing '%s' with the VM as '/%s'.", folder, name)
            versions.create_shared_folder(api, changing, name, folder)
        for key, value in changes.items():
            changing.set_extra_data(key, value)
        for name, value in MOUNT.items():
            changing.set_guest_property_value(PROPERTY + name, value)
    sessions.wait_until_free(api, machine)


def present(machine: IMachine) -> tuple[Share, ...]:
    """Return what the machine shares, by whoever it was made."""
    return tuple(
        Share(share.name, Path(_short(share.host_path))) for share in machine.shared_folders
    )


def _noted(machine: IMachine) -> dict[str, str]:
    found = machine.get_extra_data(NOTE)
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
