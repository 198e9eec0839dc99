"""One client's socket joined to one channel into the guest: exact bytes, each direction's own end.

Two threads meet here. The one that reads the SSH connection (the methods `stream_...`) writes to
the client what the client takes at once, and never waits. All else is done in the loop's thread.
What the client does not take yet is kept, and the guest may send no more than the channel's window
before the client has taken it: so a slow client costs the window, and no more.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Callable, Sequence

from boot2docker_py.endpoint.relay.client import Client, SocketClient
from boot2docker_py.endpoint.relay.ending import End, Ending
from boot2docker_py.endpoint.relay.loop import READ, WRITE, Loop
from boot2docker_py.endpoint.relay.start_answer import asks_for_start, says_started

if TYPE_CHECKING:
    from boot2docker_py.ssh.stream import Channel

log = logging.getLogger(__name__)

PACKET_BYTES = 32 * 1024
PACKETS_IN_A_ROW = 8  # from one client, before the others have their turn
GRANT_BYTES = 256 * 1024


class Relay:
    """Join a connected client to the channel that `open_channel` begins to open.

    A client that the guest refuses is given to `on_refused`, if there is one, unread and open. The
    answer that a container has started waits until `before_started` calls what it was given.
    """

    def __init__(
        self,
        loop: Loop,
        client: socket.socket | Client,
        open_channel: Callable[[Relay], Channel],
        on_end: Callable[[Relay, Ending], None],
        on_refused: Callable[[Client], None] | None = None,
        before_started: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self.bytes_to_guest = 0
        self.bytes_to_client = 0
        self._loop = loop
        self._client: Client = SocketClient(client) if isinstance(client, socket.socket) else client
        self._on_end = on_end
        self._on_refused = on_refused
        self._before_started = before_started
        self._is_over = False
        self._lock = threading.Lock()  # guards what the two threads share: the next six
        self._expects_started = False
        self._is_held = False
        self._waiting: deque[memoryview] = deque()
        self._ungranted = 0
        self._takes_bytes = True
        self._starved = False
        self._is_open = False
        self._client_has_ended = False
        self._guest_has_ended = False
        self._guest_has_closed = False
        self._channel = open_channel(self)

    # In the thread that reads the SSH connection.

    def stream_opened(self) -> None:
        """The guest's end is connected."""
        self._loop.call_soon(self._opened)

    def stream_refused(self, reason: str) -> None:
        """The guest could not connect."""
        self._loop.call_soon(lambda: self._refused(Ending(End.REFUSED, reason)))

    def stream_received(self, pieces: Sequence[memoryview]) -> None:
        """Pass bytes on as far as the client takes them at once."""
        with self._lock:
            if not self._takes_bytes:
                return
            rest = memoryview(b"".join(pieces)) if len(pieces) > 1 else pieces[0]
            if self._expects_started:
                self._hold_if_started(rest)
            if not self._waiting and not self._is_held:
                rest = self._write_to_client(rest)
            if rest:
                self._waiting.append(rest)
            elif self._ungranted >= GRANT_BYTES and self._channel.grant_at_once(self._ungranted):
                self._ungranted = 0
            must_tell = bool(rest) or self._ungranted >= GRANT_BYTES or not self._takes_bytes
        if must_tell:
            self._loop.call_soon(self._look_after)

    def _hold_if_started(self, piece: memoryview) -> None:
        """Hold the answer to a start of a container back; holds the lock."""
        self._expects_started = False
        if self._before_started is not None and says_started(piece):
            self._is_held = True
            self._before_started(lambda: self._loop.call_soon(self._release))

    def stream_may_send(self) -> None:
        """Read from the client again, if that had to stop."""
        if self._starved:
            self._loop.call_soon(self._fed)

    def stream_ended(self) -> None:
        """No more bytes come from the guest."""
        if self._takes_bytes:
            self._loop.call_soon(self._guest_ended)

    def stream_closed(self) -> None:
        """The guest has closed both directions."""
        if self._takes_bytes:
            self._loop.call_soon(self._guest_closed)

    def stream_lost(self) -> None:
        """The SSH connection is lost."""
        self._loop.call_soon(lambda: self._end(Ending(End.LOST)))

    # In the loop's thread.

    def end_if_client_is_gone(self) -> None:
        """Notice a client that has not only ended its own bytes, but hung up."""
        if self._client_has_ended and self._takes_bytes and self._client.has_hung_up():
            self._end(Ending(End.CLIENT))

    def _opened(self) -> None:
        self._is_open = True
        if self._takes_bytes:
            if self._tell_guest(self._channel.begin):
                self._read_from_client()  # its question is there already, as a rule
                self._watch()
        else:
            self._close_channel()

    def _fed(self) -> None:
        self._starved = False
        self._watch()

    def _guest_ended(self) -> None:
        self._guest_has_ended = True
        self._look_after()

    def _guest_closed(self) -> None:
        self._guest_has_closed = True
        self._look_after()

    def _look_after(self) -> None:
        """Grant, watch and finish as the state of things asks for."""
        with self._lock:
            granted = self._ungranted if self._ungranted >= GRANT_BYTES else 0
            self._ungranted -= granted
            is_done = not self._waiting
            takes_bytes = self._takes_bytes
        if not takes_bytes:
            self._end(Ending(End.CLIENT))
            return
        if granted and not self._guest_has_closed:
            self._tell_guest(lambda: self._channel.grant(granted))
        if is_done and self._guest_has_ended:
            self._client.end_writing()
        if is_done and (
            self._guest_has_closed or (self._guest_has_ended and self._client_has_ended)
        ):
            self._end(Ending(End.DONE))
        else:
            self._watch()

    def _watch(self) -> None:
        if not self._takes_bytes:
            return
        events = WRITE if self._waiting and not self._is_held else 0
        if self._is_open and not (self._client_has_ended or self._starved):
            events |= READ
        self._client.watch(self._loop, events, self._on_ready)

    def _on_ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and self._takes_bytes:
            self._read_from_client()

    def _release(self) -> None:
        with self._lock:
            self._is_held = False
        if not self._is_over:
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            while self._waiting and self._takes_bytes and not self._is_held:
                rest = self._write_to_client(self._waiting[0])
                if rest:
                    self._waiting[0] = rest
                    break
                self._waiting.popleft()
        self._look_after()

    def _write_to_client(self, data: memoryview) -> memoryview:
        """Write what the client takes at once and return the rest; holds the lock."""
        try:
            count = self._client.send(data)
        except BlockingIOError:
            return data
        except OSError as error:
            log.debug("a client takes no more: %s", error)
            self._takes_bytes = False
            return data[:0]
        self._ungranted += count
        self.bytes_to_client += count
        return data[count:]

    def _read_from_client(self) -> None:
        header = self._channel.header_bytes
        memory = memoryview(self._loop.scratch)
        for _packet in range(PACKETS_IN_A_ROW):
            limit = min(self._channel.sendable_bytes(), PACKET_BYTES)
            if not limit:
                self._starve()
                return
            try:
                count = self._client.recv_into(memory[header : header + limit])
            except BlockingIOError:
                return
            except OSError as error:
                self._end(Ending(End.CLIENT, str(error)))
                return
            if not count:
                self._client_ended()
                return
            self.bytes_to_guest += count
            if self._before_started and asks_for_start(memory[header : header + count]):
                self._expects_started = True
            try:
                self._channel.send_message(memory[: header + count])
            except Exception as error:  # noqa: BLE001 - paramiko's are many, and mean the same
                self._end(Ending(End.LOST, str(error)))
                return
            if count < limit:  # that was all; should more come, the loop says so
                return

    def _starve(self) -> None:
        self._starved = True
        if self._channel.sendable_bytes():  # fed between the question and the note
            self._starved = False
        self._watch()

    def _client_ended(self) -> None:
        self._client_has_ended = True
        self.end_if_client_is_gone()
        if self._takes_bytes and self._tell_guest(self._channel.shutdown_write):
            self._look_after()

    def _tell_guest(self, tell: Callable[[], None]) -> bool:
        try:
            tell()
        except Exception as error:  # noqa: BLE001 - paramiko's are many, and mean the same
            self._end(Ending(End.LOST, str(error)))
            return False
        return True

    def _refused(self, ending: Ending) -> None:
        if self._on_refused is None or self._is_over:
            self._end(ending)
        else:
            self._let_go()
            self._on_refused(self._client)
            self._on_end(self, ending)

    def _end(self, ending: Ending) -> None:
        if self._is_over:
            return
        self._let_go()
        self._client.watch(self._loop, 0, self._on_ready)
        self._client.close()
        self._loop.call_when_idle(partial(self._clear_up, ending))

    def _clear_up(self, ending: Ending) -> None:
        self._on_end(self, ending)  # may have work for the guest, which goes first
        if self._is_open:
            self._close_channel()

    def _let_go(self) -> None:
        self._is_over = True
        with self._lock:
            self._takes_bytes = False
            self._waiting.clear()

    def _close_channel(self) -> None:
        try:
            self._channel.close()
        except Exception as error:  # noqa: BLE001 - the connection is going down with it
            log.debug("could not close a channel: %s", error)
