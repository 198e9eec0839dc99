"""What the settings say for a start of the VM."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.config.shares import split
from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import Boot, Share, State
from boot2docker_py.errors import UsageError
from boot2docker_py.machine.images import pins
from boot2docker_py.paths import VMPaths, make_private_folder

if TYPE_CHECKING:
    from boot2docker_py.config import Config

log = logging.getLogger(__name__)

# Settings that count at a boot, and not for what runs, or is restored.
AT_BOOT = ("vbox_share", "share_symlinks")


def plan(config: Config, driver: Driver, paths: VMPaths, *, boots: bool) -> Boot:
    """Return what the next start is given; without a boot the shares stay what they are.

    Raises:
        UsageError: a folder that shall be shared is missing.
        NotFoundError: the image that the VM is pinned to is gone.
    """
    if boots and config.flag("vbox_share") and config.vbox_share:
        _demand_shares_possible(driver)
    return Boot(
        shares=_shares(config) if boots and driver.features.has_shared_folders else None,
        share_symlinks=config.share_symlinks,
        window=config.gui,
        iso=image(config, driver, paths) if boots else None,
    )


def note(paths: VMPaths) -> None:
    """Note that a boot begins: it goes on when the command that began it is interrupted.

    Raises:
        StorageError: the VM's folder of sockets cannot be made.
    """
    make_private_folder(paths.run)
    with contextlib.suppress(OSError):  # what the next command says does not stop this one
        paths.booting.touch()


def _demand_shares_possible(driver: Driver) -> None:
    if not driver.features.has_shared_folders:
        raise UsageError(
            f"driver {driver.name} shares no folders on this system",
            details="QEMU has none on Windows.",
            resolution="Use VirtualBox (--driver virtualbox, for a new VM), or copy: "
            "boot2docker cp FOLDER vm:/tmp/",
        )


def image(config: Config, driver: Driver, paths: VMPaths) -> Path | None:
    """Return the image that the next boot changes to, None when it is the one of the last.

    That is the one of a pin; and after a pin, or after the image of a snapshot, the usual one.
    """
    pin = pins.read(paths)
    if pin:
        return pins.demand_image(paths, pin)
    if driver.state() is State.ABSENT:
        return None
    from boot2docker_py.image import kept

    of_last = driver.describe().iso
    was_for_a_while = of_last.parent in (kept.folder_of(config.iso), paths.folder)
    return config.iso if was_for_a_while else None


def _shares(config: Config) -> tuple[Share, ...]:
    shares = [Share(name, Path(folder)) for folder, name in map(split, config.vbox_share)]
    missing = [share for share in shares if not share.folder.is_dir()]
    if missing and config.origins["vbox_share"] != "default":
        folders = ", ".join(f"'{share.folder}'" for share in missing)
        raise UsageError(
            f"there is no folder {folders} to share with the VM",
            details=f"from {config.origins['vbox_share']}",
            resolution="Make it, name another with --vbox-share, or: --vbox-share disable",
        )
    return tuple(share for share in shares if share not in missing)


def say_what_waits(config: Config) -> None:
    """Say which flags count only when the VM boots, which it does not now."""
    for field in AT_BOOT:
        flag = config.flag(field)
        if flag:
            words = "%s counts when VM '%s' boots: give it to up or restart, or to the profile."
            log.warning(words, flag, config.vm)
