"""The composition root: what one command works with, made only when it is asked for."""

from __future__ import annotations

import logging
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Mapping

from boot2docker_py import config as configuration
from boot2docker_py import drivers
from boot2docker_py.cli import arguments, screen
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.paths import Paths, VMPaths, find, secure_home
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.config import Config
    from boot2docker_py.docker.config import DockerConfig
    from boot2docker_py.docker.contexts import Context
    from boot2docker_py.drivers.base import Driver, OnHang
    from boot2docker_py.endpoint.of_vm import Endpoint
    from boot2docker_py.image import Images
    from boot2docker_py.machine.access import Access
    from boot2docker_py.machine.questions import Questions
    from boot2docker_py.machine.resets import Resets

log = logging.getLogger(__name__)


class Session:
    """One run of one command."""

    def __init__(self) -> None:
        self.flags: dict[str, object] = {}
        self.as_json = False
        self.on_hang: OnHang = lambda _problem: None
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

    def hand_over(self) -> None:
        """Note that a program of the user begins, which must not be run twice."""
        self.has_handed_over = True

    @cached_property
    def paths(self) -> Paths:
        """Return the paths of this user."""
        return find(os.environ)

    @cached_property
    def vm_paths(self) -> VMPaths:
        """Return the paths of the VM."""
        return self.paths.vm(self.config.vm)

    @cached_property
    def config(self) -> Config:
        """Return the settings, and say which of them do nothing."""
        secure_home(self.paths)  # before what stands in it is believed
        config = configuration.load(self.paths, os.environ, self.flags)
        console = screen.Handler(logging.DEBUG if config.verbose else logging.INFO)
        logging.getLogger("boot2docker_py").addHandler(console)
        for note in config.notes:
            log.debug("%s", note)
        for obsolete in arguments.obsolete_in(self.flags):
            log.warning("%s has no effect: %s.", obsolete.flag, obsolete.reason)
        return config

    @cached_property
    def deadline(self) -> Deadline:
        """Return the moment at which this command must have ended."""
        return Deadline(self.config.timeout_s)

    @cached_property
    def driver(self) -> Driver:
        """Return the driver of the VM, and say which flags mean nothing to it."""
        driver = drivers.choose(self.config.driver, self.vm_paths, self.on_hang)
        for setting in SETTINGS:
            flag = self.config.flag(setting.field)
            if flag and setting.needs and not getattr(driver.features, setting.needs):
                log.warning("%s has no effect with driver %s.", flag, driver.name)
        return driver

    @cached_property
    def images(self) -> Images:
        """Return where images come from."""
        from boot2docker_py.image import ImageRequest, Images

        request = ImageRequest(
            url=self.config.iso_url,
            destination=self.config.iso,
            sha256=self.config.sha256,
            cacert=self.config.cacert,
            offline=self.config.offline,
            allow_unverified=self.config.allow_unverified,
            force=self.config.force_upgrade_download,
        )
        return Images(request, screen.status_line.show_download)

    @cached_property
    def endpoint(self) -> Endpoint:
        """Return what the docker client connects to."""
        from boot2docker_py.endpoint.of_vm import Endpoint

        config = self.config
        return Endpoint(
            self.vm_paths,
            config.ssh_key,
            config.publish,
            config.tcp_port,
            is_plain=config.plain_ssh,
        )

    @cached_property
    def docker_config(self) -> DockerConfig:
        """Return the docker client's own configuration."""
        from boot2docker_py.docker.config import DockerConfig

        return DockerConfig.find(os.environ, self.paths.user_home)

    @cached_property
    def context(self) -> Context:
        """Return the docker context of the VM."""
        from boot2docker_py.docker.contexts import Context

        return Context(self.docker_config, self.vm_paths)

    @cached_property
    def shell(self) -> str:
        """Return the shell that this command was typed in, by its name in `shells.SHELLS`."""
        from boot2docker_py.docker import shells
        from boot2docker_py.host import processes

        return shells.detect(processes.ancestors(), os.environ, sys.platform)

    @cached_property
    def questions(self) -> Questions:
        """Return the VM for those who only ask."""
        from boot2docker_py.machine.questions import Questions

        return Questions(self.config.vm, self.driver, self.paths.other_home_of)

    @cached_property
    def machine(self) -> Resets:
        """Return the VM."""
        from boot2docker_py.machine.resets import Resets

        return Resets(
            self.config,
            self.questions,
            self.endpoint,
            self.images,
            self.vm_paths,
            screen.status_line.show,
            lambda deadline: self.access.engine_state(deadline),
        )

    @cached_property
    def access(self) -> Access:
        """Return the ways into the guest."""
        from boot2docker_py.machine.access import Access

        return Access(
            self.config,
            self.questions,
            self.endpoint,
            self.vm_paths,
            self.paths.certificates(self.config.vm),
            self.deadline,
            self.paths.machine_certificates(self.config.vm),
        )
