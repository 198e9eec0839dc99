"""The background process of one VM: a Unix socket here, the engine's socket there.

Started by `process.start`, as `python -m boot2docker_py.endpoint SETTINGS`. It ends when it is told
to, when the VM is out of reach for long, and when its folder is gone.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import signal
import socket
from pathlib import Path
from typing import Any

from boot2docker_py import __version__, lock
from boot2docker_py.endpoint import control
from boot2docker_py.endpoint.link import Link
from boot2docker_py.endpoint.loop import READ, Loop
from boot2docker_py.endpoint.publisher import Publisher
from boot2docker_py.endpoint.relay import Channel, Relay
from boot2docker_py.endpoint.status import ForwarderStatus, Settings
from boot2docker_py.errors import BusyError, GuestError
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

LOCK_WITHIN_S = 0.1  # who only looks whether it is held has it for a moment
LOG_BYTES = 256 * 1024


class Forwarder:
    """Accept clients and relay each to the engine; answer questions about it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._paths = settings.paths
        self._loop = Loop()
        self._link = Link(settings, on_end=self._stop_soon)
        self._relays: set[Relay] = set()
        self._publisher = Publisher(
            self._loop,
            settings.publish,
            self._open_channel,
            lambda: self._link.connection,
            settings.udp_helper,
        )
        self._counted = ForwarderStatus(
            version=__version__,
            pid=os.getpid(),
            phase=self._link.phase,
            address=str(settings.address),
            key=str(settings.key),
            publish=settings.publish,
        )

    def run(self) -> None:
        """Serve until it makes no sense any more; leaves no sockets behind."""
        with contextlib.ExitStack() as stack:
            clients = stack.enter_context(_socket_file(self._paths.docker_socket))
            questions = stack.enter_context(_socket_file(self._paths.forwarder_control))
            clients.settimeout(0)
            inode = self._paths.docker_socket.stat().st_ino
            self._loop.watch(clients, READ, lambda _events: self._accept(clients))
            self._loop.every_tick(lambda: self._stop_if_not_wanted(inode))
            self._loop.every_tick(self._look_at_clients)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_arguments: self._stop_soon())
            control.Server(questions, self._answer).start()
            self._link.start()
            self._publisher.start()
            stack.callback(self._publisher.close)
            self._loop.run()
            log.info("ends")

    def _accept(self, clients: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client, _address = clients.accept()
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            relay = Relay(self._loop, client, self._open_channel, self._ended)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this client's end only
            log.debug("refused a client: %s", error)
            self._count(refused_connections=1)
            client.close()
            return
        self._relays.add(relay)
        self._count(total_connections=1)

    def _open_channel(self, relay: Relay) -> Channel:
        connection = self._link.connection
        if connection is None:
            raise GuestError("not connected to the VM", details=self._link.reason)
        return connection.open_stream(self._settings.engine_socket, relay)

    def _ended(self, relay: Relay, reason: str) -> None:
        self._relays.discard(relay)
        self._count(
            bytes_to_guest=relay.bytes_to_guest,
            bytes_to_client=relay.bytes_to_client,
            refused_connections=int(reason.startswith("the guest refused")),
        )
        if reason:
            log.debug("a client's end: %s", reason)

    def _count(self, **more: int) -> None:
        sums = {name: getattr(self._counted, name) + number for name, number in more.items()}
        self._counted = self._counted.but(**sums)

    def _look_at_clients(self) -> None:
        for relay in list(self._relays):
            relay.end_if_client_is_gone()

    def _stop_if_not_wanted(self, inode: int) -> None:
        if not control.is_ours(self._paths.docker_socket, inode):
            log.info("the socket is gone, so nobody wants it any more")
            self._loop.stop()

    def _stop_soon(self) -> None:
        self._loop.call_soon(self._loop.stop)

    def _answer(self, question: str) -> dict[str, Any]:
        if question == "stop":
            self._stop_soon()
        if question == "ports":
            return self._publisher.answer()
        return self._status().as_dict()

    def _status(self) -> ForwarderStatus:
        relays = list(self._relays)
        link = self._link
        return self._counted.but(
            phase=link.phase,
            reason=link.reason,
            last_error=link.last_error,
            reconnections=link.reconnections,
            open_connections=len(relays),
            bytes_to_guest=self._counted.bytes_to_guest + sum(r.bytes_to_guest for r in relays),
            bytes_to_client=self._counted.bytes_to_client + sum(r.bytes_to_client for r in relays),
        )


@contextlib.contextmanager
def _socket_file(path: Path) -> Any:
    """Listen at `path`; take the file away at the end, if it is still ours."""
    listener = control.listen(path)
    inode = path.stat().st_ino
    try:
        yield listener
    finally:
        listener.close()
        if control.is_ours(path, inode):
            path.unlink()


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    package = logging.getLogger("boot2docker_py")
    package.addHandler(handler)
    package.setLevel(logging.INFO)


def main(arguments: list[str]) -> int:
    """Run the process."""
    settings = Settings.from_json(arguments[0])
    os.umask(0o077)
    _log_to(settings.paths.forwarder_log)
    deadline = Deadline(LOCK_WITHIN_S)
    try:
        with lock.hold(settings.paths.forwarder_lock, deadline, purpose="forwarding the engine"):
            log.info("starts for '%s' at %s", settings.vm_name, settings.address)
            Forwarder(settings).run()
    except BusyError as error:
        log.info("another forwarder serves this VM: %s", error.details)
        return error.exit_status
    return 0
