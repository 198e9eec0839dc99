"""Published ports of containers on this machine: they appear and vanish with the containers.

The list comes from the thread of `engine_events.ContainerWatch`; all else is done in the thread of
a loop of its own, so that thousands of ports take no time of docker's clients. While the engine or
the VM is out of reach nothing listens, so that clients are refused at once, and do not hang.
"""

from __future__ import annotations

import logging
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Protocol, Sequence

from boot2docker_py.endpoint.ports.engine_events import ContainerWatch, Publishing
from boot2docker_py.endpoint.ports.published import PublishedPort, published_by
from boot2docker_py.endpoint.ports.rooms import Rooms
from boot2docker_py.endpoint.ports.tcp import Close, PortListener, listen
from boot2docker_py.endpoint.ports.udp import UDPPort
from boot2docker_py.endpoint.relay.client import SocketClient
from boot2docker_py.endpoint.relay.door import Door
from boot2docker_py.endpoint.relay.ending import End, Ending
from boot2docker_py.endpoint.relay.loop import Call, Loop
from boot2docker_py.endpoint.relay.relay import Relay
from boot2docker_py.endpoint.relay.relays import Relays
from boot2docker_py.endpoint.relay.room import Shares
from boot2docker_py.endpoint.status import ALL, OFF
from boot2docker_py.endpoint.way.reach import Reach
from boot2docker_py.errors import GuestError
from boot2docker_py.ssh.stream import Channel

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

log = logging.getLogger(__name__)

LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
ALL_ADDRESSES = ("0.0.0.0", "::")
IN_A_ROW = 16  # clients of one port, before the others have their turn
END_WITHIN_S = 5.0
SERVED_WITHIN_S = 3.0
LOOK_EVERY_S = 0.01


class Listener(Protocol):
    """What serves one port; port_listener.py has the one for TCP, udp_port.py the other."""

    port: PublishedPort
    addresses: tuple[str, ...]

    def try_if_due(self) -> None:
        """Try again to get what could not be had."""

    def is_settled(self) -> bool:
        """Tell whether it was tried at least once."""

    def listens_at(self) -> list[str]:
        """Return the addresses with the port."""

    def problem(self) -> str:
        """Return why it does not listen everywhere that it should."""

    def close(self) -> None:
        """Listen no more."""


class Publisher:
    """Listen for the published ports of one VM."""

    def __init__(
        self,
        mode: str,
        open_engine: Callable[[], socket.socket],
        connection: Callable[[], Connection | None],
        udp_helper: str,
        reach: Reach,
        shares: Shares,
    ) -> None:
        self._loop = Loop()
        self._thread = threading.Thread(target=self._loop.run, daemon=True, name="ports")
        self._rooms = Rooms.of(self._loop, shares)
        self._mode = mode
        self._watch = ContainerWatch(open_engine, reach, self._on_list, self._on_lost)
        self._connection = connection
        self._udp_helper = udp_helper
        self._lock = threading.Lock()  # the next three are changed together
        self._ports: Sequence[PublishedPort] = ()
        self._unknown_because = "the engine was not asked yet"
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._refused: dict[tuple[str, int], str] = {}  # why the guest did not take a client
        self._relays = Relays(self._loop)

    def start(self) -> None:
        """Follow the engine from now on."""
        self._loop.every_tick(self._try_again)
        self._thread.start()
        self._watch.start()

    def close(self) -> None:
        """Listen no more; the next forwarder wants the same ports."""
        self._on_lost("the forwarder has ended")
        self._loop.call_soon(self._loop.stop)
        self._thread.join(END_WITHIN_S)

    def answer(self) -> dict[str, Any]:
        """Return what is published and what became of it; from any thread."""
        with self._lock:
            ports, reason, listeners = self._ports, self._unknown_because, dict(self._listeners)
        return {
            "unknown_because": reason,
            "sockets": self._rooms.sockets.taken,
            "most_sockets": self._rooms.sockets.most,
            "clients": self._rooms.clients.taken,
            "most_clients": self._rooms.clients.most,
            "ports": [self._row(port, listeners) for port in ports],
        }

    def when_served(self, call: Call) -> None:
        """Make the call when all that is published by now is served here, or cannot be.

        It is made after SERVED_WITHIN_S in any case, in the thread of the ports. From any thread.
        """
        self._loop.call_soon(lambda: self._expect(_Once(call)))

    # In the thread of the watch.

    def _on_list(self, publishing: Sequence[Publishing]) -> None:
        ports = published_by(publishing)
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

    def _expect(self, call: _Once) -> None:
        if self._unknown_because:
            call()
            return
        self._loop.call_later(SERVED_WITHIN_S, call)
        self._watch.refresh(lambda: self._loop.call_soon(lambda: self._call_if_settled(call)))

    def _call_if_settled(self, call: _Once) -> None:
        if all(listener.is_settled() for listener in self._listeners.values()):
            call()
        elif not call.was_made:
            self._loop.call_later(LOOK_EVERY_S, lambda: self._call_if_settled(call))

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
                self._loop, port, addresses, self._connection, self._udp_helper, self._rooms
            )
        else:
            serve = partial(self._open_door, key)
            self._listeners[key] = PortListener(port, addresses, self._rooms.sockets, listen, serve)

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

    def _open_door(self, key: tuple[str, int], server: socket.socket) -> Close:
        def join(client: SocketClient) -> None:
            self._join(key, client)

        return Door(self._loop, server, self._rooms.clients, join, in_a_row=IN_A_ROW).close

    def _open_port(self, port: PublishedPort, relay: Relay) -> Channel:
        connection = self._connection()
        if connection is None:
            raise GuestError("not connected to the VM")
        return connection.open_port_stream(port.target, port.port, relay)

    def _join(self, key: tuple[str, int], client: SocketClient) -> None:
        open_channel = partial(self._open_port, self._listeners[key].port)
        self._relays.join_or_close(client, open_channel, partial(self._ended, key))

    def _ended(self, key: tuple[str, int], _relay: Relay, ending: Ending) -> None:
        log.debug("the end of a client: %s", ending)
        if ending.end is not End.REFUSED:
            self._refused.pop(key, None)
        elif key in self._listeners:
            if key not in self._refused:
                log.warning("container '%s': %s", self._listeners[key].port.container, ending)
            self._refused[key] = str(ending)

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


class _Once:
    """A call that is made once, by whoever comes first."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.was_made = False

    def __call__(self) -> None:
        if not self.was_made:
            self.was_made = True
            self._call()
