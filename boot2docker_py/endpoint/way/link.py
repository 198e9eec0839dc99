"""Keep the one SSH connection of a forwarder: connect, watch, connect again, as long as it lives.

A VM that is off costs a refused TCP connection every few seconds. Commands that start or
stop the VM say so (`wake`, `rest`), so that nothing waits for the next look.
"""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Callable

from boot2docker_py.address import Address
from boot2docker_py.endpoint.status import LastError, Phase, Settings
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import names
from boot2docker_py.wait import Deadline, Pauses

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

log = logging.getLogger(__name__)

AFTER_A_LOSS_S = 10.0  # a lost VM that is back by then is reached without another question
ROUND_S = 300.0  # for a VM whose port takes connections, but which does not greet yet
KNOCK_WITHIN_S = 3.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0
FAILED_PAUSE_S = 60.0  # waiting does not help, but the user may repair it
REST_S = 60.0  # long enough to shut down or save; and what starts the VM says `wake`


class Link(threading.Thread):
    """Hold `connection` while there is one; tell of each new one, and of its end."""

    def __init__(
        self,
        settings: Settings,
        on_connected: Callable[[Connection], None],
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(daemon=True, name="link")
        self._settings = settings
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._disturbed = threading.Event()  # what waits for the VM has to look again
        self._rests = False
        self.connection: Connection | None = None
        self.phase = Phase.CONNECTING
        self.reason = "starting"
        self.last_error: LastError | None = None
        self.reconnections = 0

    # From any thread.

    def rest(self) -> None:
        """Let go of the VM, which is about to stop, and leave it alone for a while."""
        self._rests = True
        self._disturbed.set()
        connection = self.connection
        if connection is not None:
            connection.close()

    def wake(self) -> None:
        """Look for the VM now: it has been started, or may have changed."""
        self._rests = False
        self._disturbed.set()
        self.doubt()

    def doubt(self) -> None:
        """Ask the guest now whether it is still there."""
        connection = self.connection
        if connection is not None:
            connection.doubt()

    # In the link's own thread.

    def run(self) -> None:
        """Connect again and again; ends with the process."""
        round_s = self._settings.patience_s
        while True:
            try:
                round_s = self._connect_and_hold(round_s)
            except Boot2DockerError as error:
                log.error("%s", error.in_a_line())  # noqa: TRY400 - no traceback
                self._fail(LastError.of(error))
            except Exception as error:
                log.exception("a defect of boot2docker")
                self._fail(LastError(f"the forwarder failed: {error!r}"))

    def _connect_and_hold(self, round_s: float) -> float:
        """Try for `round_s`, hold the connection, and return how long to try the next time."""
        # Here, because loading them takes longer than all else that the process does at its start.
        from boot2docker_py.ssh.connection import connect
        from boot2docker_py.ssh.errors import NotReadyError

        self._sit_out_rest()
        try:
            connection = self._connect(connect, round_s)
        except NotReadyError as error:
            log.debug("not reached: %s", error.details)
            self._wait_for_port()
            return ROUND_S
        with connection:
            self._hold(connection)
        return AFTER_A_LOSS_S

    def _connect(self, connect: Callable[..., Connection], round_s: float) -> Connection:
        if self.phase is not Phase.FAILED:  # which is shown until it is repaired
            self.phase = Phase.CONNECTING
        self._disturbed.clear()
        return connect(
            self._settings.address,
            user=self._settings.user,
            key=self._settings.key,
            known_hosts=self._settings.paths.known_hosts,
            host_name=names.host_name(self._settings.vm_name),
            deadline=_Round(round_s, self._disturbed),
            on_wait=self._note,
            is_plain=self._settings.is_plain,
        )

    def _hold(self, connection: Connection) -> None:
        self.connection, self.phase, self.reason = connection, Phase.FORWARDING, ""
        if self._rests:  # asked for while it was connecting
            connection.close()
        log.info("connected to %s", self._settings.address)
        self._on_connected(connection)
        lost = connection.wait_until_lost()
        self.connection, self.phase, self.reason = None, Phase.CONNECTING, lost
        log.info("connection lost: %s", lost)
        self._on_lost()
        self.reconnections += 1
        if not self._rests:
            self.last_error = LastError("the connection to the VM was lost", lost, exit_status=9)

    def _sit_out_rest(self) -> None:
        if self._rests:
            self._disturbed.clear()
            self._waits("the VM was stopped, or is about to be")
            was_woken = not self._rests or self._disturbed.wait(REST_S)
            self._rests = False
            if not was_woken:
                self._wait_for_port()

    def _wait_for_port(self) -> None:
        """Return when the port of the VM takes a connection, or `disturb` was called."""
        pauses = Pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while not self._disturbed.is_set():
            problem = knock(self._settings.address)
            if not problem:
                return
            self._waits(problem)
            self._disturbed.wait(pauses.next())

    def _waits(self, reason: str) -> None:
        self.reason = reason
        if self.phase is not Phase.FAILED:
            self.phase = Phase.WAITING

    def _note(self, reason: str) -> None:
        if self.phase is not Phase.FAILED:
            self.reason = reason

    def _fail(self, error: LastError) -> None:
        self.last_error, self.phase, self.reason = error, Phase.FAILED, error.brief
        self._disturbed.wait(FAILED_PAUSE_S)


class _Round(Deadline):
    """A deadline that also passes when the wait is disturbed."""

    def __init__(self, timeout_s: float, disturbed: threading.Event) -> None:
        super().__init__(timeout_s)
        self._disturbed = disturbed

    def has_passed(self) -> bool:
        return self._disturbed.is_set() or super().has_passed()


def knock(address: Address) -> str:
    """Return why no program takes a TCP connection at `address`; nothing if one does."""
    try:
        socket.create_connection((address.host, address.port), KNOCK_WITHIN_S).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""
