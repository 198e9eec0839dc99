"""The relays of one loop: known from when a client is joined until both of its sides are gone."""

from __future__ import annotations

import logging
import socket
from functools import partial
from typing import TYPE_CHECKING, Callable, NamedTuple

from boot2docker_py.endpoint.relay.client import Client
from boot2docker_py.endpoint.relay.ending import End, Ending
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.relay import Relay

if TYPE_CHECKING:
    from boot2docker_py.ssh.stream import Channel

log = logging.getLogger(__name__)

OpenChannel = Callable[[Relay], "Channel"]
OnEnd = Callable[[Relay, Ending], None]


class NotJoinedError(Exception):
    """There is no way to the guest for a client now; it says why."""


class Counts(NamedTuple):
    """What clients had of a loop, as the forwarder's health names it."""

    open_connections: int
    total_connections: int
    refused_connections: int
    bytes_to_guest: int
    bytes_to_client: int


class Relays:
    """Join clients to channels, and count; for the loop's thread, except `count`."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._open: set[Relay] = set()
        self._ended = Counts(0, 0, 0, 0, 0)

    def join(
        self,
        client: socket.socket | Client,
        open_channel: OpenChannel,
        on_end: OnEnd = lambda _relay, _ending: None,
        on_refused: Callable[[Client], None] | None = None,
        before_started: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """Join `client` to a channel, see `Relay`; `on_end` hears how that ended.

        Raises:
            NotJoinedError: no channel can be opened; the client is as it was.
        """
        forget = partial(self._forget, on_end)
        try:
            relay = Relay(self._loop, client, open_channel, forget, on_refused, before_started)
        except Exception as error:
            log.debug("refused a client: %s", error)
            self._add(refused=1)
            raise NotJoinedError(str(error)) from error
        self._open.add(relay)
        self._add(total=1)

    def join_or_close(
        self,
        client: socket.socket | Client,
        open_channel: OpenChannel,
        on_end: OnEnd = lambda _relay, _ending: None,
    ) -> None:
        """Join `client` to a channel; where that cannot be, all it sees is a hang-up."""
        try:
            self.join(client, open_channel, on_end)
        except NotJoinedError:
            client.close()

    def end_those_whose_client_is_gone(self) -> None:
        """Notice clients that have not only ended their bytes, but hung up; for every tick."""
        for relay in list(self._open):
            relay.end_if_client_is_gone()

    def count(self) -> Counts:
        """Return what clients had up to now; from any thread."""
        relays, ended = list(self._open), self._ended
        return ended._replace(
            open_connections=len(relays),
            bytes_to_guest=ended.bytes_to_guest + sum(relay.bytes_to_guest for relay in relays),
            bytes_to_client=ended.bytes_to_client + sum(relay.bytes_to_client for relay in relays),
        )

    def _forget(self, on_end: OnEnd, relay: Relay, ending: Ending) -> None:
        self._open.discard(relay)
        self._add(
            refused=int(ending.end is End.REFUSED),
            to_guest=relay.bytes_to_guest,
            to_client=relay.bytes_to_client,
        )
        on_end(relay, ending)

    def _add(self, total: int = 0, refused: int = 0, to_guest: int = 0, to_client: int = 0) -> None:
        more = (0, total, refused, to_guest, to_client)
        self._ended = Counts(*(have + new for have, new in zip(self._ended, more)))
