"""The ways into the guest of one VM: its address, SSH, clock, certificates, logs and copies."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator, Sequence

from boot2docker_py.errors import Boot2DockerError, WrongStateError
from boot2docker_py.wait import Check, Deadline, wait_for

if TYPE_CHECKING:
    from boot2docker_py.address import Address
    from boot2docker_py.config import Config
    from boot2docker_py.drivers.base import Driver
    from boot2docker_py.endpoint.of_vm import Endpoint
    from boot2docker_py.guest.copy.copier import Copied
    from boot2docker_py.guest.copy.places import Copy
    from boot2docker_py.guest.engine_state import EngineState
    from boot2docker_py.machine.questions import Questions
    from boot2docker_py.paths import VMPaths
    from boot2docker_py.ssh.command import Sink
    from boot2docker_py.ssh.connection import Connection

log = logging.getLogger(__name__)

CONSOLE_WITHIN_S = 5.0
REST_WITHIN_S = 5.0

# Bytes so far, and in all; 0 when that is not known.
ShowCopy = Callable[[int, int], None]


class Access:
    """What is done inside a VM that runs, until one deadline."""

    def __init__(
        self,
        config: Config,
        questions: Questions,
        endpoint: Endpoint,
        paths: VMPaths,
        certificates: Path,
        deadline: Deadline,
        certificate_stores: Sequence[Path] = (),
    ) -> None:
        self._config = config
        self._questions = questions
        self._endpoint = endpoint
        self._paths = paths
        self._certificates = certificates
        self._deadline = deadline
        self._certificate_stores = certificate_stores

    @property
    def _driver(self) -> Driver:
        return self._questions.driver

    def connect(
        self, address: Address, deadline: Deadline | None = None, *, is_plain: bool | None = None
    ) -> Connection:
        """Return an SSH connection to the guest, on the way that the settings say; close it."""
        from boot2docker_py.guest import names
        from boot2docker_py.ssh.connection import connect

        return connect(
            address,
            key=self._config.ssh_key,
            known_hosts=self._paths.known_hosts,
            user=names.USER,
            host_name=names.host_name(self._paths.name),
            deadline=deadline or self._deadline,
            is_plain=self._config.plain_ssh if is_plain is None else is_plain,
        )

    def exchange_problem(self, deadline: Deadline, *, is_plain: bool) -> str:
        """Return why bytes do not come back from the guest as they were sent, nothing if they do.

        Raises:
            NotFoundError, WrongStateError: there is no VM, or it does not run.
        """
        from boot2docker_py.ssh import exchange

        address = self._questions.running_address()
        try:
            with self.connect(address, deadline, is_plain=is_plain) as connection:
                return exchange.problem_of(connection, deadline)
        except Boot2DockerError as error:
            return f"{error.brief}: {error.details}"
        except Exception as error:  # noqa: BLE001 - a fault of the way may be of any kind
            log.debug("the exchange failed", exc_info=True)
            return str(error) or type(error).__name__

    def _connect_to_running(self) -> Connection:
        return self.connect(self._questions.running_address())

    def ip(self, deadline: Deadline | None = None) -> str:
        """Return the address of the running VM: the host-only one where it has one."""
        address, mac = self._questions.running_address(), self._driver.host_only_mac()
        if not mac:
            return address.host
        found = self.ask_ip(address, mac, deadline or self._deadline)
        if found is None:
            log.warning("The VM has no address on its host-only network.")
        return found or address.host

    def host_only_address(self) -> str | None:
        """Return the running VM's own address, None where it has none."""
        address, mac = self._questions.running_address(), self._driver.host_only_mac()
        return self.ask_ip(address, mac, self._deadline) if mac else None

    def ask_ip(self, address: Address, mac: str, deadline: Deadline) -> str | None:
        """Ask the guest for the address of its adapter with the MAC, None when it has none."""
        from boot2docker_py.guest import addresses

        with self.connect(address, deadline) as connection:
            return addresses.of_mac(connection, mac, deadline)

    def keep_clock_right(self) -> None:
        """Set the guest's clock to this machine's when it is off, and say so."""
        from boot2docker_py.guest import clock

        skew_s = clock.skew_s(self._endpoint)
        if skew_s is None or not clock.is_off(skew_s):
            return  # our image sets it by itself when it has stood still
        self._endpoint.wait_for_clock()  # a second SSH connection takes longer
        clock.keep_right(self._endpoint, self._connect_to_running, self._deadline)

    def engine_state(self, deadline: Deadline) -> EngineState:
        """Ask the guest what became of an engine that does not answer."""
        from boot2docker_py.guest import engine_state

        with self.connect(self._questions.running_address(), deadline) as connection:
            return engine_state.look(connection, deadline.remaining_s())

    def settle(self) -> None:
        """Do what a guest needs whose engine has just come up: the time, and its settings.

        Raises:
            GuestError: the engine refuses its settings, or a script failed.
        """
        self.keep_clock_right()
        self.settle_engine()

    def settle_engine(self) -> None:
        """Bring the engine's settings, and the user's scripts, into the running guest.

        Nothing is asked of a guest that never got any when none are wanted now.

        Raises:
            GuestError: the engine refuses them, or a script failed.
        """
        from boot2docker_py.machine import engine

        wanted = engine.settings_of(self._config, self._this_machine())
        record = self._paths.engine_record
        if not (any(wanted) or self._config.provision or record.exists()):
            return
        from boot2docker_py.guest import engine_settings, provision

        record.touch()
        with self._connect_to_running() as connection:
            was_restarted = engine_settings.apply(connection, wanted, self._deadline)
            if was_restarted:
                self._wait_for_engine()
            provision.run(connection, self._config.provision, self._deadline)
        if not (any(wanted) or self._config.provision):
            record.unlink()

    def _this_machine(self) -> str:
        """Return the address at which the VM sees this machine, as its NAT has it."""
        return self._driver.describe().nat_network.rpartition(".")[0] + ".2"

    def _wait_for_engine(self) -> None:
        check = Check("the Docker Engine", lambda _deadline: self._endpoint.ping())
        wait_for([check], self._deadline)

    def docker_over_tls(self) -> tuple[str, str]:
        """Return `DOCKER_HOST` of the TLS port and the folder of certificates, fetched anew."""
        from boot2docker_py.docker import certificates, foreign_certificates

        with self._connect_to_running() as connection:
            docker_port = self._driver.describe().docker_port
            mac = self._driver.host_only_mac()
            address = certificates.tls_address(connection, docker_port, mac, self._deadline)
            authority = foreign_certificates.authority(connection, self._deadline)
            if authority is None:
                certificates.renew(connection, self._certificates, address, self._deadline)
            else:
                stores = self._certificate_stores
                foreign_certificates.take(authority, stores, self._certificates, address)
        return f"tcp://{address.host}:{address.port}", str(self._certificates)

    def release_shares(self, deadline: Deadline) -> None:
        """Unmount the shared folders in the running guest.

        Raises:
            WrongStateError: something uses them; nothing is changed.
        """
        from boot2docker_py.guest import mounted_shares

        with self.connect(self._questions.running_address(), deadline) as connection:
            mounted_shares.release(connection, deadline)

    def mount_shares(self, deadline: Deadline) -> None:
        """Mount the shared folders that the running guest has not mounted."""
        from boot2docker_py.guest import mounted_shares

        with self.connect(self._questions.running_address(), deadline) as connection:
            mounted_shares.mount(connection, deadline)

    def let_rest(self) -> None:
        """Give a guest that runs a moment to come to rest; it may be busy, and need not answer."""
        from boot2docker_py.guest import rest

        within = Deadline(REST_WITHIN_S)
        try:
            with self.connect(self._questions.running_address(), within) as connection:
                rest.wait(connection, within)
        except Boot2DockerError as error:
            log.debug("not waited until the VM rests: %s", error.in_a_line())

    def show_log(self, name: str, lines: int, sink: Sink, *, follows: bool) -> None:
        """Write the end of a log inside the guest to `sink`, and with `follows` its growth."""
        from boot2docker_py.guest import logs

        with self._connect_to_running() as connection:
            if follows:
                logs.follow(connection, name, lines, sink)
            else:
                logs.show(connection, name, lines, sink, self._deadline)

    def join_console(self, joined: Callable[[], None]) -> bool:
        """Join the serial console; tell whether we were detached, False at its end.

        `joined` is called when that is done, before anything is typed or shown.

        Raises:
            WrongStateError: the hypervisor does not offer it.
        """
        from boot2docker_py.guest import serial_console

        try:
            stream = self._driver.open_console(CONSOLE_WITHIN_S)
        except OSError as error:
            raise WrongStateError(
                f"the console of VM '{self._paths.name}' cannot be joined",
                details=f"{error.strerror or error}. Another program may have joined it.",
                resolution="A VM that an older boot2docker has started offers it after: "
                "boot2docker restart",
            ) from error
        with contextlib.closing(stream):
            joined()
            return serial_console.join(stream)

    def copy(self, copy: Copy, show: ShowCopy, *, as_root: bool) -> Iterator[Copied]:
        """Copy into the VM or out of it; yield what has been copied, source by source."""
        from boot2docker_py.guest.copy.copier import Copier

        with self._connect_to_running() as connection:
            copier = Copier(
                connection,
                self._config.timeout_s,
                show,
                as_root=as_root,
                target_is_folder=len(copy.sources) > 1,
            )
            for source in copy.sources:
                one = copier.into_vm if copy.is_into_vm else copier.from_vm
                yield one(source, copy.target)

    def run(
        self,
        address: Address,
        words: Sequence[str],
        begun: Callable[[], None],
        *,
        tty: bool | None = None,
    ) -> int:
        """Run a shell, or the command `words`, on our own streams; return its exit status.

        `tty` says whether it gets a terminal; None decides as ssh(1) does. `begun` is called when
        the guest has let us in, before anything runs there.

        Raises:
            GuestError: there is no connection.
        """
        from boot2docker_py.guest import terminal

        with self.connect(address) as connection:
            begun()
            return terminal.run(connection, words, tty=tty)
