"""One published UDP port on this machine.

SSH carries streams. So a helper in the guest, udp-relay of our image, carries the datagrams over
its input and output, in frames: see iso/helpers/udp-relay.c. A datagram that cannot be passed on
at once is lost, as datagrams are.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Callable, Iterator, Sequence

from boot2docker_py.endpoint.ports.published import PublishedPort
from boot2docker_py.endpoint.ports.rooms import Rooms
from boot2docker_py.endpoint.ports.tcp import FIRST_PAUSE_S, LONGEST_PAUSE_S, Close, PortListener
from boot2docker_py.endpoint.ports.udp_clients import Client, Clients
from boot2docker_py.endpoint.relay.loop import READ, Loop
from boot2docker_py.errors import Boot2DockerError, GuestError
from boot2docker_py.host import exclusive_socket
from boot2docker_py.wait import Pauses

if TYPE_CHECKING:
    from boot2docker_py.ssh.command import Session
    from boot2docker_py.ssh.connection import Connection

log = logging.getLogger(__name__)

GREETING = b"UDP1"
HEADER = struct.Struct(">IH")  # the number of a client, the length of the datagram
MAX_DATAGRAM_BYTES = 65535
IN_A_ROW = 64
NOT_RUNNABLE = (126, 127)  # what a POSIX shell says of a command that it cannot find, or run
CHUNK_BYTES = 128 * 1024

_bind = partial(exclusive_socket.bind, socket.SOCK_DGRAM)


class NoHelperError(GuestError):
    """The image has no helper, and trying again does not give it one."""


class UDPPort:
    """Carry datagrams for one port, as soon as the helper in the guest answers."""

    def __init__(
        self,
        loop: Loop,
        port: PublishedPort,
        addresses: Sequence[str],
        connection: Callable[[], Connection | None],
        helper: str,
        rooms: Rooms,
    ) -> None:
        self.port = port
        self.addresses = tuple(addresses)
        self._loop = loop
        self._connection = connection
        self._helper = helper
        self._rooms = rooms
        self._has_room = False
        self._clients = Clients()
        self._channel: Session | None = None
        self._listener: PortListener | None = None
        self._problem = "the UDP helper in the VM is starting"
        self._is_closed = False
        self._is_trying = False
        self._was_tried = False
        self._pauses = Pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._next_try_s = 0.0
        self.try_if_due()

    # In the loop's thread.

    def try_if_due(self) -> None:
        """Start the helper again when it has ended, and take ports that are free now."""
        if self._listener is not None:
            self._listener.try_if_due()
        elif not self._is_trying and not self._is_closed and time.monotonic() >= self._next_try_s:
            self._has_room = self._has_room or self._rooms.udp_ports.take()
            if not self._has_room:
                self._problem = f"one too many: at most {self._rooms.udp_ports.most} UDP ports"
                return
            self._is_trying = True
            self._next_try_s = time.monotonic() + self._pauses.next()
            threading.Thread(target=self._carry, daemon=True, name="udp").start()

    def is_settled(self) -> bool:
        """Tell whether the helper has answered once, or failed, or cannot be had."""
        return self._was_tried or not self._has_room

    def listens_at(self) -> list[str]:
        """Return the addresses with the port; from any thread."""
        listener = self._listener
        return listener.listens_at() if listener else []

    def problem(self) -> str:
        """Return why it does not listen everywhere that it should; from any thread."""
        listener = self._listener
        return listener.problem() if listener else self._problem

    def close(self) -> None:
        """Listen no more, and end the helper."""
        self._is_closed = True
        if self._listener is not None:
            self._listener.close()
        if self._channel is not None:
            self._channel.close()
        if not self._is_trying:  # else its thread and its session are still there
            self._give_room_back()

    def _give_room_back(self) -> None:
        if self._has_room:
            self._has_room = False
            self._rooms.udp_ports.give_back()

    def _opened(self, channel: Session) -> None:
        self._channel = channel
        if self._is_closed:
            channel.close()

    def _begin(self) -> None:
        self._was_tried = True
        if self._is_closed:
            return
        self._problem = ""
        self._pauses.reset()
        self._listener = PortListener(
            self.port, self.addresses, self._rooms.sockets, _bind, self._serve
        )

    def _end(self, problem: str, *, is_final: bool) -> None:
        if problem != self._problem and not self._is_closed:
            log.warning("container '%s': %s", self.port.container, problem)
        self._problem, self._is_trying, self._channel = problem, False, None
        self._was_tried = True
        if is_final:
            self._next_try_s = float("inf")
        if self._is_closed:
            self._give_room_back()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _serve(self, sock: socket.socket) -> Close:
        self._loop.watch(sock, READ, lambda _events: self._receive(sock))

        def close() -> None:
            self._loop.watch(sock, 0, lambda _events: None)
            sock.close()

        return close

    def _receive(self, sock: socket.socket) -> None:
        for _datagram in range(IN_A_ROW):
            try:
                data, address = sock.recvfrom(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:  # Windows tells here that a client has gone
                log.debug("a UDP socket: %s", error)
                continue
            self._send(HEADER.pack(self._clients.number(Client(sock, address)), len(data)) + data)

    def _send(self, frame: bytes) -> None:
        channel = self._channel
        if channel is None or channel.out_window_size < len(frame):
            return
        try:
            channel.sendall(frame)
        except Exception as error:  # noqa: BLE001 - paramiko's are many; the other thread ends it
            log.debug("the UDP helper takes no more: %s", error)

    # In a thread of its own.

    def _carry(self) -> None:
        problem, is_final = "the UDP helper in the VM has ended", False
        try:
            for number, data in self._answers():
                client = self._clients.find(number)
                if client is not None:
                    with contextlib.suppress(OSError):
                        client.sock.sendto(data, client.address)
        except Boot2DockerError as error:
            problem = ": ".join(part for part in (error.brief, error.details) if part)
            is_final = isinstance(error, NoHelperError)
        except Exception as error:
            log.exception("a defect of boot2docker")
            problem = f"the forwarder failed: {error!r}"
        self._loop.call_soon(lambda: self._end(problem, is_final=is_final))

    def _answers(self) -> Iterator[tuple[int, bytes]]:
        from boot2docker_py.ssh.command import begin, command_line, exit_status

        connection = self._connection()
        if connection is None:
            raise Boot2DockerError("not connected to the VM")
        command = command_line([self._helper, self.port.target, str(self.port.port)])
        with connection.open_session() as channel:
            self._loop.call_soon(lambda: self._opened(channel))
            begin(channel, command)
            if channel.recv(len(GREETING)) != GREETING:
                raise _why_it_ended(exit_status(channel))
            self._loop.call_soon(self._begin)
            yield from frames(lambda: channel.recv(CHUNK_BYTES))


def _why_it_ended(status: int) -> GuestError:
    if status in NOT_RUNNABLE:
        return NoHelperError(
            "SSH carries no UDP, and the VM's image has no helper for it",
            details="use our image, or the VM's own address",
        )
    return GuestError("the UDP helper in the VM does not start", details=f"exit status {status}")


def frames(read: Callable[[], bytes]) -> Iterator[tuple[int, bytes]]:
    """Return number and datagram of each whole frame, until `read` returns nothing."""
    received = b""
    for data in iter(read, b""):
        received += data
        begin = 0
        while len(received) - begin >= HEADER.size:
            number, length = HEADER.unpack_from(received, begin)
            end = begin + HEADER.size + length
            if len(received) < end:
                break
            yield number, received[begin + HEADER.size : end]
            begin = end
        received = received[begin:]
