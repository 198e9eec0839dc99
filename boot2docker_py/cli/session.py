"""The composition root: what one command works with, made only when it is asked for."""

from __future__ import annotations

import logging
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Iterator, Mapping, Sequence

from boot2docker_py import config as configuration
from boot2docker_py import drivers
from boot2docker_py.cli import arguments, screen
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.errors import GuestError
from boot2docker_py.paths import Paths, VMPaths, find
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.config import Config
    from boot2docker_py.drivers.base import Address, Driver
    from boot2docker_py.endpoint.contexts import Context
    from boot2docker_py.endpoint.docker_config import DockerConfig
    from boot2docker_py.endpoint.of_vm import Endpoint
    from boot2docker_py.guest.copying import Copied
    from boot2docker_py.guest.places import Copy
    from boot2docker_py.guest.session import Sink
    from boot2docker_py.guest.ssh import Connection
    from boot2docker_py.image import Images
    from boot2docker_py.machine.life import Machine
    from boot2docker_py.machine.questions import Questions

log = logging.getLogger(__name__)

# What OpenSSH's ssh(1) exits with when there is no connection.
CONNECTION_FAILED = 255


class Session:
    """One run of one command."""

    def __init__(self) -> None:
        self.flags: dict[str, object] = {}
        self.as_json = False
        self.on_hang: drivers.OnHang = lambda _problem: None
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
        driver = drivers.choose(self.config.driver, self.config.vm, self.vm_paths, self.on_hang)
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
            force=self.config.force_upgrade_download,
        )
        return Images(request, screen.status_line.show_download)

    @cached_property
    def endpoint(self) -> Endpoint:
        """Return what the docker client connects to."""
        from boot2docker_py.endpoint.of_vm import Endpoint

        config = self.config
        return Endpoint(self.vm_paths, config.vm, config.ssh_key, config.publish, config.tcp_port)

    @cached_property
    def docker_config(self) -> DockerConfig:
        """Return the docker client's own configuration."""
        from boot2docker_py.endpoint.docker_config import DockerConfig

        return DockerConfig.find(os.environ, self.paths.user_home)

    @cached_property
    def context(self) -> Context:
        """Return the docker context of the VM."""
        from boot2docker_py.endpoint.contexts import Context

        return Context(self.docker_config, self.config.vm, self.vm_paths.folder)

    @cached_property
    def shell(self) -> str:
        """Return the shell that this command was typed in, by its name in `shells.SHELLS`."""
        from boot2docker_py.endpoint import ancestors, shells

        return shells.detect(ancestors.names(), os.environ, sys.platform)

    @cached_property
    def questions(self) -> Questions:
        """Return the VM for those who only ask."""
        from boot2docker_py.machine.questions import Questions

        return Questions(self.config.vm, self.driver)

    @cached_property
    def machine(self) -> Machine:
        """Return the VM."""
        from boot2docker_py.machine.life import Machine

        return Machine(
            self.config,
            self.driver,
            self.endpoint,
            self.images,
            self.vm_paths,
            screen.status_line.show,
        )

    def ip(self, deadline: Deadline | None = None) -> str:
        """Return the address of the running VM: the host-only one where it has one."""
        address, mac = self.questions.running_address(), self.driver.host_only_mac()
        if not mac:
            return address.host
        found = self.ask_ip(address, mac, deadline or self.deadline)
        if found is None:
            log.warning("The VM has no address on its host-only network.")
        return found or address.host

    def ask_ip(self, address: Address, mac: str, deadline: Deadline) -> str | None:
        """Ask the guest for the address of its adapter with the MAC, None when it has none."""
        from boot2docker_py.guest import addresses

        with self.connect(address, deadline) as connection:
            return addresses.of_mac(connection, mac, deadline)

    def connect(self, address: Address, deadline: Deadline | None = None) -> Connection:
        """Return an SSH connection to the guest; close it."""
        from boot2docker_py.guest import names, ssh

        return ssh.connect(
            address,
            key=self.config.ssh_key,
            known_hosts=self.vm_paths.known_hosts,
            host_name=names.host_name(self.config.vm),
            deadline=deadline or self.deadline,
        )

    def host_only_address(self) -> str | None:
        """Return the running VM's own address, None where it has none."""
        address, mac = self.questions.running_address(), self.driver.host_only_mac()
        return self.ask_ip(address, mac, self.deadline) if mac else None

    def keep_clock_right(self) -> None:
        """Set the guest's clock to this machine's when it is off, and say so."""
        from boot2docker_py.guest import clock

        def connect() -> Connection:
            return self.connect(self.questions.running_address())

        clock.keep_right(self.endpoint, connect, self.deadline)

    def docker_over_tls(self) -> tuple[str, str]:
        """Return `DOCKER_HOST` of the TLS port and the folder of certificates, fetched anew."""
        from boot2docker_py.endpoint import certificates

        folder = self.paths.certificates(self.config.vm)
        with self.connect(self.questions.running_address()) as connection:
            docker_port = self.driver.describe().docker_port
            mac = self.driver.host_only_mac()
            address = certificates.tls_address(connection, docker_port, mac, self.deadline)
            certificates.renew(connection, folder, address, self.deadline)
        return f"tcp://{address.host}:{address.port}", str(folder)

    def show_guest_log(self, name: str, lines: int, sink: Sink, *, follows: bool) -> None:
        """Write the end of a log inside the guest to `sink`, and with `follows` its growth."""
        from boot2docker_py.guest import logs

        with self.connect(self.questions.running_address()) as connection:
            if follows:
                logs.follow(connection, name, lines, sink)
            else:
                logs.show(connection, name, lines, sink, self.deadline)

    def copy(self, copy: Copy, *, as_root: bool) -> Iterator[Copied]:
        """Copy into the VM or out of it; yield what has been copied, source by source."""
        from boot2docker_py.guest.copying import Copier

        with self.connect(self.questions.running_address()) as connection:
            copier = Copier(
                connection,
                self.config.timeout_s,
                screen.status_line.show_copy,
                as_root=as_root,
                target_is_folder=len(copy.sources) > 1,
            )
            for source in copy.sources:
                one = copier.into_vm if copy.is_into_vm else copier.from_vm
                yield one(source, copy.target)

    def run_in_guest(self, address: Address, words: Sequence[str]) -> int:
        """Run a shell, or the command `words`, in the guest; return its exit status."""
        from boot2docker_py.guest import terminal

        try:
            connection = self.connect(address)
        except GuestError as problem:
            screen.error(problem)
            return CONNECTION_FAILED
        with connection:
            self.has_handed_over = True
            return terminal.run(connection, words)
