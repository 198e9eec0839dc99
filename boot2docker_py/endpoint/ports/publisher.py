"""Published ports of containers on this machine: they appear and vanish with the containers.

The list comes from the thread of `engine_events.ContainerWatch`; all else is done in the loop's
thread. While the engine or the VM is out of reach nothing listens, so that clients are refused at
once, and do not hang.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Protocol, Sequence

from boot2docker_py.endpoint.ports.engine_events import Container, ContainerWatch
from boot2docker_py.endpoint.ports.published import PublishedPort, published_by
from boot2docker_py.endpoint.ports.tcp import PortListener, listen
from boot2docker_py.endpoint.ports.udp import UDPPort
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.relay import Relay
from boot2docker_py.endpoint.status import ALL, OFF
from boot2docker_py.endpoint.way.reach import Reach
from boot2docker_py.errors import GuestError
from boot2docker_py.ssh.stream import Channel

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

log = logging.getLogger(__name__)

LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
ALL_ADDRESSES = ("0.0.0.0", "::")


class Listener(Protocol):
    """What serves one port; port_listener.py has the one for TCP, udp_port.py the other."""

    port: PublishedPort
    addresses: tuple[str, ...]

    def try_if_due(self) -> None:
        """Try again to get what could not be had."""

    def listens_at(self) -> list[str]:
        """Return the addresses with the port."""

    def problem(self) -> str:
        """Return why it does not listen everywhere that it should."""

    def close(self) -> None:
        """Listen no more."""


class Publisher:
    """Listen for the published ports of one VM; `start` it once the loop is about to run."""

    def __init__(
        self,
        loop: Loop,
        mode: str,
        open_engine: Callable[[Relay], Channel],
        connection: Callable[[], Connection | None],
        udp_helper: str,
        reach: Reach,
    ) -> None:
        self._loop = loop
        self._mode = mode
        self._open_engine = open_engine
        self._connection = connection
        self._udp_helper = udp_helper
        self._reach = reach
        self._lock = threading.Lock()  # the next three are changed together
        self._ports: Sequence[PublishedPort] = ()
        self._unknown_because = "the engine was not asked yet"
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._refused: dict[tuple[str, int], str] = {}  # why the guest did not take a client
        self._relays: set[Relay] = set()

    def start(self) -> None:
        """Follow the engine from now on."""
        self._loop.every_tick(self._try_again)
        ContainerWatch(self._engine_client, self._reach, self._on_list, self._on_lost).start()

    def close(self) -> None:
        """Listen no more, after the loop has ended; the next forwarder wants the same ports."""
        self._follow((), "the forwarder has ended")

    def answer(self) -> dict[str, Any]:
        """Return what is published and what became of it; from any thread."""
        with self._lock:
            ports, reason, listeners = self._ports, self._unknown_because, dict(self._listeners)
        return {
            "unknown_because": reason,
            "ports": [self._row(port, listeners) for port in ports],
        }

    # In the thread of the watch.

    def _engine_client(self) -> socket.socket:
        """Return a connection to the engine, as any client has one."""
        ours, theirs = socket.socketpair()
        self._loop.call_soon(lambda: self._join(theirs, self._open_engine, self._ended))
        return ours

    def _on_list(self, containers: Sequence[Container]) -> None:
        ports = published_by(containers)
        self._loop.call_soon(lambda: self._follow(ports, ""))

    def _on_lost(self, reason: str) -> None:
        self._loop.call_soon(lambda: self._follow((), reason))

    # In the loop's thread.

    def _follow(self, ports: Sequence[PublishedPort], unknown_because: str) -> None:
        if unknown_because and not self._unknown_because:
            log.info("no published ports: %s", unknown_because)
        with self._lock:
            self._ports, self._unknown_because = ports, unknown_because
            wanted = self._wanted(ports)
            for key in [key for key in self._listeners if key not in wanted]:
                log.info("listens no more for '%s'", self._listeners[key].port.container)
                self._listeners.pop(key).close()
                self._refused.pop(key, None)
            for key, port in wanted.items():
                self._serve(key, port)

    def _wanted(self, ports: Sequence[PublishedPort]) -> dict[tuple[str, int], PublishedPort]:
        """Return which port each port here leads to; one that has it already keeps it."""
        wanted: dict[tuple[str, int], PublishedPort] = {}
        for port in ports:
            present = self._listeners.get(port.key)
            is_present = present is not None and present.port.target == port.target
            if self._cannot_serve(port) == "" and (is_present or port.key not in wanted):
                wanted[port.key] = port
        return wanted

    def _serve(self, key: tuple[str, int], port: PublishedPort) -> None:
        listener = self._listeners.get(key)
        addresses = self._addresses(port)
        if listener and (listener.addresses, listener.port.target) == (addresses, port.target):
            listener.port = port
            return
        if listener is not None:
            listener.close()
        if port.protocol == "udp":
            self._listeners[key] = UDPPort(
                self._loop, port, addresses, self._connection, self._udp_helper
            )
        else:
            accept = partial(self._accept, key)
            self._listeners[key] = PortListener(self._loop, port, addresses, listen, accept)

    def _addresses(self, port: PublishedPort) -> tuple[str, ...]:
        """Return where to listen; what was published on loopback alone stays there."""
        is_open = self._mode == ALL and not port.is_for_loopback
        return ALL_ADDRESSES if is_open else LOOPBACK_ADDRESSES

    def _cannot_serve(self, port: PublishedPort) -> str:
        if self._mode == OFF:
            return "off (--publish off)"
        if port.protocol not in ("tcp", "udp"):
            return f"SSH carries no {port.protocol.upper()}"
        return ""

    def _try_again(self) -> None:
        for listener in self._listeners.values():
            listener.try_if_due()

    def _accept(self, key: tuple[str, int], listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client, _address = listener.accept()
                # What comes from the guest is written in pieces, which must not wait for another.
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                open_channel = partial(self._open_port, self._listeners[key].port)
                self._join(client, open_channel, partial(self._port_ended, key))

    def _open_port(self, port: PublishedPort, relay: Relay) -> Channel:
        connection = self._connection()
        if connection is None:
            raise GuestError("not connected to the VM")
        return connection.open_port_stream(port.target, port.port, relay)

    def _join(
        self,
        client: socket.socket,
        open_channel: Callable[[Relay], Channel],
        on_end: Callable[[Relay, str], None],
    ) -> None:
        try:
            self._relays.add(Relay(self._loop, client, open_channel, on_end))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this client's end only
            log.debug("refused a client: %s", error)
            client.close()

    def _ended(self, relay: Relay, reason: str) -> None:
        self._relays.discard(relay)
        if reason:
            log.debug("the end of a client: %s", reason)

    def _port_ended(self, key: tuple[str, int], relay: Relay, reason: str) -> None:
        self._ended(relay, reason)
        if not reason.startswith("the guest refused"):
            self._refused.pop(key, None)
        elif key in self._listeners:
            if key not in self._refused:
                log.warning("container '%s': %s", self._listeners[key].port.container, reason)
            self._refused[key] = reason

    # From any thread.

    def _row(
        self, port: PublishedPort, listeners: dict[tuple[str, int], Listener]
    ) -> dict[str, object]:
        listener = listeners.get(port.key)
        listens_at: list[str] = []
        problem = self._cannot_serve(port)
        if listener is not None and listener.port == port:
            listens_at = listener.listens_at()
            problem = listener.problem() or self._refused.get(port.key, "")
        elif listener is not None:
            problem = f"the port here is that of container '{listener.port.container}'"
        return {
            "container": port.container,
            "protocol": port.protocol,
            "port": port.port,
            "container_port": port.container_port,
            "guest_address": port.guest_address,
            "listens_at": listens_at,
            "problem": problem,
        }
