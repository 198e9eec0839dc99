"""The background process of one VM: a Unix socket here, the engine's socket there.

Started by `process.start`, as `python -m boot2docker_py.endpoint SETTINGS`. It lives as long as the
VM exists, on or off: it ends on request, and when its own or the VM's folder is gone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import signal
from typing import TYPE_CHECKING, Any

from boot2docker_py import __version__, lock
from boot2docker_py.endpoint import control, forwarder_log
from boot2docker_py.endpoint.own_clients import OwnClients
from boot2docker_py.endpoint.ports.publisher import Publisher
from boot2docker_py.endpoint.relay.client import Client
from boot2docker_py.endpoint.relay.ending import End, Ending
from boot2docker_py.endpoint.relay.listeners import Listeners, wanted
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.refusal import Refusal
from boot2docker_py.endpoint.relay.relay import Relay
from boot2docker_py.endpoint.relay.relays import NotJoinedError, Relays
from boot2docker_py.endpoint.relay.room import Room, Shares
from boot2docker_py.endpoint.status import OFF, ForwarderStatus, Settings
from boot2docker_py.endpoint.swarm_door import SwarmDoor
from boot2docker_py.endpoint.way.guest_clock import GuestClock
from boot2docker_py.endpoint.way.link import Link
from boot2docker_py.endpoint.way.reach import Reach
from boot2docker_py.endpoint.way.reserve import Reserve
from boot2docker_py.endpoint.way.route import Route
from boot2docker_py.errors import Boot2DockerError, BusyError, GuestError
from boot2docker_py.host import descriptors, file_problem
from boot2docker_py.host.sleep import SleepWatch
from boot2docker_py.paths import USUAL_VM
from boot2docker_py.ssh.stream import Channel
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

log = logging.getLogger(__name__)

LOCK_WITHIN_S = 0.1  # a process that probes the lock holds it for a moment


class Forwarder:
    """Accept clients and relay each to the engine; answer questions about it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._paths = settings.paths
        self._loop = Loop()
        self._route = Route(settings.engine_socket)
        self._reserve = Reserve(self._loop, self._route)
        self._reach = Reach()
        self._guest_clock = GuestClock()
        self._link = Link(settings, self._connected, self._reach.lost)
        shares = Shares.of(descriptors.allow_many())
        room = Room(self._loop, shares.docker_clients)
        self._listeners = Listeners(self._loop, wanted(settings), room, self._join)
        self._swarm_door = self._door_of_swarm(room)
        self._relays = Relays(self._loop)
        self._refusals: list[Refusal] = []
        self._own_clients = OwnClients(self._loop, self._open_channel)
        self._publisher = Publisher(
            settings.publish,
            self._own_clients.connect,
            lambda: self._link.connection,
            settings.udp_helper,
            self._reach,
            shares,
        )

        publishes = settings.publish != OFF
        self._before_started = self._publisher.when_served if publishes else None

    def run(self) -> None:
        """Serve until it makes no sense any more; leaves no sockets behind."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._listeners)
            stack.enter_context(control.serving(self._paths.forwarder_control, self._answer))
            self._loop.every_tick(self._stop_if_not_wanted)
            self._loop.every_tick(self._look_at_clients)
            self._loop.every_tick(self._reserve.tidy)
            self._loop.every_tick(self._listeners.try_again)
            self._loop.every_tick(SleepWatch(self._woke_up).look)
            if self._swarm_door:
                self._loop.every_tick(self._swarm_door.look)
                stack.callback(self._swarm_door.close)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_arguments: self._stop_soon())
            self._link.start()
            self._publisher.start()
            stack.callback(self._publisher.close)
            self._loop.run()
            log.info("ends")

    def _door_of_swarm(self, room: Room) -> SwarmDoor | None:
        """Return where clients of the swarm come in, None when the VM is on no network of one."""
        socket = self._settings.swarm_socket
        if socket is None:
            return None
        from boot2docker_py.guest.swarm import Engine  # few VMs are of one

        def is_reached() -> bool:
            return self._link.connection is not None and not self._reach.is_held()

        engine = Engine(self._settings.vm_name, lambda: self._own_clients.connect())
        return SwarmDoor(socket, self._loop, room, self._join, engine, is_reached)

    def _connected(self, connection: Connection) -> None:
        if self._link.reconnections:  # at the first, who started the VM looks
            self._guest_clock.keep_right(connection)
        self._route.find_out(connection)
        self._reach.connected()

    def _join(self, client: Client) -> None:
        try:
            self._relays.join(
                client, self._open_channel, self._ended, self._refuse, self._before_started
            )
        except NotJoinedError as error:
            self._tell(client, self._why_not(error))

    def _refuse(self, client: Client) -> None:
        name = self._settings.vm_name
        self._tell(
            client,
            f"the engine of VM '{name}' is not running, or takes no more clients; "
            "see: boot2docker logs engine",
        )

    def _tell(self, client: Client, message: str) -> None:
        self._refusals.append(Refusal(self._loop, client, message))

    def _open_channel(self, relay: Relay) -> Channel:
        connection = self._link.connection
        if connection is None:
            raise GuestError("not connected to the VM", details=self._link.reason)
        return self._reserve.open(connection, relay)

    def _why_not(self, error: Exception) -> str:
        name, reason = self._settings.vm_name, self._link.reason or error
        command = f"boot2docker --vm {shlex.quote(name)}" if name != USUAL_VM else "boot2docker"
        return f"VM '{name}' cannot be reached ({reason}); see: {command} status, {command} up"

    def _ended(self, relay: Relay, ending: Ending) -> None:
        if relay.bytes_to_client:
            if not self._reach.is_held():
                self._reserve.refill()
        elif ending.end is End.DONE:
            log.info("a client got no answer: the engine ended first")
        elif ending.end is not End.REFUSED:  # which the client hears itself
            log.info("a client got no answer: %s", ending)

    def _look_at_clients(self) -> None:
        self._relays.end_those_whose_client_is_gone()
        self._refusals = [refusal for refusal in self._refusals if not refusal.is_over]

    def _woke_up(self) -> None:
        log.info("this machine has slept, or its clock was set; is the VM still there?")
        self._link.wake()
        connection = self._link.connection
        if connection is not None:  # it may well outlive a sleep
            self._guest_clock.keep_right(connection)

    def _stop_if_not_wanted(self) -> None:
        if not self._listeners.are_wanted():
            log.info("the socket is gone, so the forwarder is not wanted any more")
            self._loop.stop()
        elif not self._paths.folder.exists():
            log.info("the VM's folder is gone, and the VM with it")
            self._loop.stop()

    def _stop_soon(self) -> None:
        self._loop.call_soon(self._loop.stop)

    def _answer(self, question: str) -> dict[str, Any]:
        if question == "stop":
            self._stop_soon()
        elif question == "rest":
            self._link.rest()
        elif question == "expect_stop":
            self._reach.hold()
            self._loop.call_soon(self._reserve.drop)
        elif question == "wake":
            self._reach.resume()
            self._link.wake()
            if self._swarm_door:
                self._loop.call_soon(self._swarm_door.look_now)
        elif question == "ports":
            return self._publisher.answer()
        return self._status().as_dict()

    def _status(self) -> ForwarderStatus:
        link, door = self._link, self._swarm_door
        return ForwarderStatus(
            version=__version__,
            pid=os.getpid(),
            address=str(self._settings.address),
            key=str(self._settings.key),
            publish=self._settings.publish,
            tcp_port=self._settings.tcp_port,
            is_plain=self._settings.is_plain,
            listeners=self._listeners.status() + ((door.status(),) if door else ()),
            swarm_socket=str(self._settings.swarm_socket or ""),
            phase=link.phase,
            reason=link.reason,
            last_error=link.last_error,
            reconnections=link.reconnections,
            transport=self._route.way.value if self._route.way else "",
            looks_at_clock=self._guest_clock.is_looked_at,
            **self._relays.count()._asdict(),
        )


def serve(settings: Settings) -> None:
    """Forward until it makes no sense any more.

    Raises:
        BusyError: another process does so.
    """
    deadline = Deadline(LOCK_WITHIN_S)
    with lock.hold(settings.paths.forwarder_lock, deadline, purpose="forwarding the engine"):
        log.info("starts for '%s' at %s", settings.vm_name, settings.address)
        Forwarder(settings).run()


def main(arguments: list[str]) -> int:
    """Run the process."""
    settings = Settings.from_json(arguments[0])
    os.umask(0o077)
    forwarder_log.keep(settings.paths.forwarder_log)
    try:
        serve(settings)
    except BusyError as error:
        log.info("another forwarder serves this VM: %s", error.details)
        return error.exit_status
    except OSError as error:
        problem = file_problem.explained(error, settings.paths.run)
        if problem is None:
            raise
        raise SystemExit(_words(problem)) from error
    except Boot2DockerError as error:
        raise SystemExit(_words(error)) from error
    return 0


def _words(problem: Boot2DockerError) -> str:
    """Return the end of this process for the one that started it and waits."""
    return f"{problem.brief}: {problem.details}\n{problem.resolution}"
