"""What one VM is made of, for one command or one call: each part is made when it is needed."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from boot2docker_py import config as configuration
from boot2docker_py import drivers
from boot2docker_py.drivers.base import ShowBytes, show_no_bytes
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.machine.steps import ShowStep, show_no_step
from boot2docker_py.paths import Paths, VMPaths, find
from boot2docker_py.wait import Deadline, Report, silent

if TYPE_CHECKING:
    from boot2docker_py.config import Config
    from boot2docker_py.docker.config import DockerConfig
    from boot2docker_py.docker.contexts import Context
    from boot2docker_py.drivers.base import Driver, OnHang
    from boot2docker_py.drivers.many import Listed
    from boot2docker_py.drivers.model import Snapshot
    from boot2docker_py.endpoint.of_vm import Endpoint
    from boot2docker_py.image import DownloadProgress, Images
    from boot2docker_py.machine.access import Access
    from boot2docker_py.machine.changing import Change
    from boot2docker_py.machine.copies import Copies
    from boot2docker_py.machine.images.upgrades import Upgrades
    from boot2docker_py.machine.questions import Questions


class Parts:
    """The parts of one VM; whoever makes them gives settings, and shows progress."""

    def __init__(
        self,
        flags: Mapping[str, object] = {},
        *,
        show: Report = silent,
        show_download: Callable[[DownloadProgress], None] = lambda _progress: None,
        show_copy: ShowBytes = show_no_bytes,
        show_step: ShowStep = show_no_step,
    ) -> None:
        self.flags = flags  # the settings given to this command or call
        self.show = show
        self.show_download = show_download
        self.show_copy = show_copy
        self.show_step = show_step
        self.on_hang: OnHang = lambda _problem: None

    @cached_property
    def config(self) -> Config:
        """Return the settings, those of the profile and the environment among them."""
        return configuration.load(self.paths, os.environ, self.flags)

    @cached_property
    def paths(self) -> Paths:
        """Return the paths of this user."""
        return find(os.environ)

    @cached_property
    def vm_paths(self) -> VMPaths:
        """Return the paths of the VM."""
        return self.paths.vm(self.config.vm)

    @cached_property
    def deadline(self) -> Deadline:
        """Return the moment at which this command must have ended."""
        return Deadline(self.config.timeout_s)

    @cached_property
    def driver(self) -> Driver:
        """Return the driver of the VM."""
        return drivers.choose(self.config.driver, self.vm_paths, self.on_hang)

    @property
    def listed_snapshots(self) -> Sequence[Snapshot]:
        """Return the snapshots of the VM for those who are in a hurry: a shell that completes."""
        return drivers.snapshots(self.config.driver, self.vm_paths, self.on_hang)

    @cached_property
    def every_vm(self) -> Sequence[Listed]:
        """Return all VMs of this user, by name."""
        from boot2docker_py.drivers import many

        return many.every(self.paths, self.config.driver, self.on_hang)

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
        return Images(request, self.show_download)

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
            swarm_socket=self._swarm_socket,
        )

    def _swarm_socket(self) -> Path | None:
        """Return where clients of the VM's swarm come in, None when it is on no network of one."""
        network = self.driver.describe().internal_network
        return self.paths.swarm_socket(network.name) if network else None

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
    def questions(self) -> Questions:
        """Return the VM for those who only ask."""
        from boot2docker_py.machine.questions import Questions

        return Questions(self.config.vm, self.driver, self.paths.other_home_of)

    @cached_property
    def machine(self) -> Copies:
        """Return the VM."""
        from boot2docker_py.machine.copies import Copies

        machine = Copies(
            self.config,
            self.questions,
            lambda: self.endpoint,
            self.images,
            self.vm_paths,
            self.show,
            lambda deadline: self.access.engine_state(deadline),
            lambda: self.access,
        )
        machine.show_step = self.show_step
        return machine

    def other(self, vm_name: str) -> Parts:
        """Return the parts of another VM, driven by the same hypervisor, with our settings.

        Raises:
            UsageError: that is no name for a VM.
        """
        parts = Parts(
            {**self.flags, "vm": vm_name, "driver": self.driver.name},
            show=self.show,
            show_download=self.show_download,
            show_copy=self.show_copy,
            show_step=self.show_step,
        )
        parts.on_hang = self.on_hang
        return parts

    def anew(self) -> Parts:
        """Return the parts of this VM with its settings as they are now."""
        return self.other(self.config.vm)

    def set(
        self, given: Mapping[str, Any], *, unset: Sequence[str] = (), restart: bool = False
    ) -> Change:
        """Change settings of the VM alone; the engine of one that runs takes its own at once.

        Raises:
            GuestError: the engine refuses them; it goes on with those of before, and so do we.
            UsageError, NetworkError: as `Machine.set`.
        """
        from boot2docker_py.drivers.model import State
        from boot2docker_py.machine import changing

        before = self.config.own
        change = self.machine.set(given, self.deadline, unset=unset, restart=restart)
        of_engine = {*given, *unset} & {*changing.OF_ENGINE}
        if of_engine and self.driver.state() is State.RUNNING:
            try:
                self.anew().access.settle_engine()
            except Boot2DockerError:
                changing_back = {field: before[field] for field in of_engine if field in before}
                kept = {k: v for k, v in self.machine.config.own.items() if k not in of_engine}
                self.machine.keep({**kept, **changing_back})
                raise
        return change

    @cached_property
    def upgrades(self) -> Upgrades:
        """Return the VM as one whose image is exchanged."""
        from boot2docker_py.machine.images.upgrades import Upgrades

        upgrades = Upgrades(
            self.config,
            self.questions,
            lambda: self.endpoint,
            self.images,
            self.vm_paths,
            self.show,
            lambda deadline: self.access.engine_state(deadline),
            lambda: self.access,
        ).among(lambda: self.every_vm)
        upgrades.show_step = self.show_step
        return upgrades

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
