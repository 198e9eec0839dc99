"""What goes by the name of a VM, outside of its folder: it follows, and it ends with the VM."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Callable

from boot2docker_py.errors import Boot2DockerError

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts

log = logging.getLogger(__name__)


def to_new_name(old: Parts, new: Parts) -> None:
    """Let docker's context, the start at login and the certificates follow; may be done again."""
    for follow in (_context, _autostart, _certificates):
        _or_warn(follow, old, new)


def to_its_end(parts: Parts) -> None:
    """Remove the docker context of a VM that is deleted, and its start at login."""
    from boot2docker_py.host import autostart

    for remove in (parts.context.remove, autostart.entry(parts.config.vm).remove):
        try:
            remove()
        except Boot2DockerError as problem:
            log.warning("%s", problem.in_a_line())


def _or_warn(follow: Callable[[Parts, Parts], None], old: Parts, new: Parts) -> None:
    try:
        follow(old, new)
    except Boot2DockerError as problem:
        log.warning("%s", problem.in_a_line())
    except OSError as problem:
        log.warning("The certificates of the VM keep its old name: %s.", problem)


def _context(old: Parts, new: Parts) -> None:
    old.context.rename(new.context, new.endpoint.docker_host)


def _autostart(old: Parts, new: Parts) -> None:
    from boot2docker_py.host import autostart
    from boot2docker_py.host.autostart.entry import settings_in

    settings = settings_in(os.environ)
    entry = autostart.entry(old.config.vm)
    kept, saves = entry.kept(settings)
    if kept is not autostart.Kept.OFF:
        job = autostart.Job(new.config.vm, saves, settings=settings)
        autostart.entry(new.config.vm).write(job)
        entry.remove()


def _certificates(old: Parts, new: Parts) -> None:
    folder, target = (one.paths.certificates(one.config.vm) for one in (old, new))
    if folder.is_dir() and not target.exists():
        folder.rename(target)
