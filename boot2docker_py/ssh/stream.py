"""What carries bytes to the guest and back, as those see it that use it: protocols alone."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Sequence


class Stream(Protocol):
    """What a socket and an SSH channel have in common."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`."""

    def recv(self, limit: int, /) -> bytes:
        """Return up to `limit` bytes, none at the end."""

    def settimeout(self, timeout_s: float, /) -> None:
        """Let no operation take longer."""

    def close(self) -> None:
        """Close both directions."""


class StreamListener(Protocol):
    """Hears, in the thread that reads the SSH connection, what happens; must not block."""

    def stream_opened(self) -> None:
        """The guest's end is connected."""

    def stream_refused(self, reason: str) -> None:
        """The guest could not connect; nothing else follows."""

    def stream_received(self, pieces: Sequence[memoryview]) -> None:
        """Bytes came."""

    def stream_ended(self) -> None:
        """No more bytes will come; they may still be sent."""

    def stream_closed(self) -> None:
        """The guest has closed both directions."""

    def stream_lost(self) -> None:
        """The SSH connection is lost; nothing else follows."""

    def stream_may_send(self) -> None:
        """The guest takes more bytes than before."""


class Channel(Protocol):
    """The guest's end; ssh/over_paramiko/transport.py has the real one."""

    header_bytes: ClassVar[int]
    listener: StreamListener  # may be changed at any time

    def begin(self) -> None:
        """Do what must come between the opening and the first byte."""

    def sendable_bytes(self) -> int:
        """Return how many bytes may be sent now."""

    def send_message(self, memory: memoryview, /) -> None:
        """Send what follows the first `header_bytes`."""

    def grant(self, count: int, /) -> None:
        """Let the guest send so many bytes more."""

    def grant_at_once(self, count: int, /) -> bool:
        """Do so from the thread that reads; False if it would have to wait."""

    def shutdown_write(self) -> None:
        """Say that no more bytes will come."""

    def close(self) -> None:
        """Close both directions."""


class Carrier(Protocol):
    """The connection that a channel sends over."""

    def send_now(self, message: Any, /) -> None:
        """Send one message; not for the thread that reads."""

    def send_at_once(self, message: Any, /) -> bool:
        """Send one message from any thread; False if that would have to wait."""

    def send_together(self, messages: Sequence[Any], /) -> None:
        """Send some messages by one call of the system, in order; not for the thread that reads."""

    def deliver_before_reading(self, channel: Any, /) -> None:
        """Let the channel deliver what has come for it, when all that was read is sorted."""

    def forget(self, number: int, /) -> None:
        """Let go of a channel that both ends have closed."""
