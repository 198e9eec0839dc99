"""Keep the one SSH connection of a forwarder: connect, watch, connect again."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Callable

from boot2docker_py.endpoint.status import LastError, Phase, Settings
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import names
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.guest.ssh import Connection

log = logging.getLogger(__name__)

# How long a lost VM may stay away before the forwarder ends, and how long a failure is on show.
PATIENCE_S = 60.0


class Link(threading.Thread):
    """Hold `connection` while there is one; `on_end` is called when there will be none any more."""

    def __init__(self, settings: Settings, on_end: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="link")
        self._settings = settings
        self._on_end = on_end
        self.connection: Connection | None = None
        self.phase = Phase.CONNECTING
        self.reason = "starting"
        self.last_error: LastError | None = None
        self.reconnections = 0

    def run(self) -> None:
        """Connect again and again, until that makes no sense any more."""
        try:
            self._keep_connected()
        except Boot2DockerError as error:
            log.error("%s: %s", error.brief, error.details)  # noqa: TRY400 - ours, no traceback
            self._fail(LastError.of(error))
        except Exception as error:
            log.exception("a defect of boot2docker")
            self._fail(LastError(f"the forwarder failed: {error!r}"))
        self._on_end()

    def _keep_connected(self) -> None:
        # Here, because loading them takes longer than all else that the process does at its start.
        from boot2docker_py.guest import ssh
        from boot2docker_py.guest.errors import NotReadyError

        patience_s = self._settings.patience_s
        while True:
            try:
                connection = self._connect(ssh.connect, patience_s)
            except NotReadyError as error:
                log.info("giving up: %s: %s", error.brief, error.details)
                return
            with connection:
                self.connection, self.phase, self.reason = connection, Phase.FORWARDING, ""
                self.last_error = None
                log.info("connected to %s", self._settings.address)
                lost = connection.wait_until_lost()
                self.connection, self.phase, self.reason = None, Phase.CONNECTING, lost
            log.info("connection lost: %s", lost)
            self.reconnections += 1
            patience_s = PATIENCE_S

    def _connect(self, connect: Callable[..., Connection], patience_s: float) -> Connection:
        return connect(
            self._settings.address,
            user=self._settings.user,
            key=self._settings.key,
            known_hosts=self._settings.paths.known_hosts,
            host_name=names.host_name(self._settings.vm_name),
            deadline=Deadline(patience_s),
            on_wait=self._note,
        )

    def _note(self, reason: str) -> None:
        self.reason = reason

    def _fail(self, error: LastError) -> None:
        self.last_error, self.phase, self.reason = error, Phase.FAILED, error.brief
        threading.Event().wait(PATIENCE_S)
