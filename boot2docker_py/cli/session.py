"""The composition root: what one command works with, made only when it is asked for."""

from __future__ import annotations

import logging
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Mapping

from boot2docker_py.cli import arguments, screen
from boot2docker_py.cli.next_command import next_command
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.machine.parts import Parts
from boot2docker_py.paths import secure_home

if TYPE_CHECKING:
    from boot2docker_py.api import VM
    from boot2docker_py.config import Config
    from boot2docker_py.drivers.base import Driver

log = logging.getLogger(__name__)


class Session(Parts):
    """One run of one command."""

    def __init__(self) -> None:
        line = screen.status_line
        super().__init__(show=line.show, show_download=line.show_download, show_copy=line.show_copy)
        self.flags: dict[str, object] = {}
        self.as_json = False
        self.has_handed_over = False  # to a program of the user, which must not be run twice

    def take(self, given: Mapping[str, object]) -> None:
        """Take flags that were given on one side of the command; the last one counts.

        Of those that may be given more than once, all count.
        """
        typed = {name: value for name, value in given.items() if value not in (None, ())}
        for name, value in typed.items():
            if isinstance(value, tuple):
                typed[name] = (*self.flags.get(name, ()), *value)  # type: ignore[misc]
        self.as_json = bool(typed.pop("as_json", self.as_json))
        self.flags.update(typed)

    def of(self, vm_name: str) -> Parts:
        """Return the parts of another VM of this user, with the settings of this command."""
        return Parts({**self.flags, "vm": vm_name}, show=self.show)

    def hand_over(self) -> None:
        """Note that a program of the user begins, which must not be run twice."""
        screen.status_line.end()
        self.has_handed_over = True

    @cached_property
    def config(self) -> Config:
        """Return the settings, and say which of them do nothing."""
        secure_home(self.paths)  # before what stands in it is believed
        config = super().config
        next_command.take(self.flags)
        screen.colours.wish = config.color
        console = screen.Handler(logging.DEBUG if config.verbose else logging.INFO)
        logging.getLogger("boot2docker_py").addHandler(console)
        for note in config.notes:
            log.debug("%s", note)
        for warning in config.warnings:
            log.warning("%s", warning)
        for obsolete in arguments.obsolete_in(self.flags):
            log.warning("%s has no effect: %s.", obsolete.flag, obsolete.reason)
        return config

    @cached_property
    def vm(self) -> VM:
        """Return the VM as programs have it, which this command is made of."""
        from boot2docker_py.api.vm import of_command

        return of_command(self)

    @cached_property
    def driver(self) -> Driver:
        """Return the driver of the VM, and say which flags mean nothing to it."""
        driver = super().driver
        for setting in SETTINGS:
            flag = self.config.flag(setting.field)
            if flag and setting.needs and not getattr(driver.features, setting.needs):
                log.warning("%s has no effect with driver %s.", flag, driver.name)
        return driver

    @cached_property
    def shell(self) -> str:
        """Return the shell that this command was typed in, by its name in `shells.SHELLS`."""
        from boot2docker_py.docker import shells
        from boot2docker_py.host import processes

        return shells.detect(processes.ancestors(), os.environ, sys.platform)
