"""The streams of one command in the guest, which moves bytes for as long as it takes."""

from __future__ import annotations

import io
import logging
import socket
import threading
import time
from typing import Callable

from boot2docker_py.errors import DeadlineError, GuestError, UsageError
from boot2docker_py.ssh.command import Session, exit_status
from boot2docker_py.ssh.errors import LOST

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
SLICE_S = 1.0
COMPLAINT_BYTES = 64 * 1024
LINE_BYTES = 1024
REST_BYTES = 1 << 20  # `tar` fills up to 10 KB
NOT_USABLE = 65  # our scripts' exit status for a path that cannot be used (EX_DATAERR)
_CHANGED = "file changed as we read it"  # GNU tar, which has read all there is


class Streams:
    """Send and receive; each wait ends when nothing has moved for `patience_s`."""

    def __init__(self, channel: Session, patience_s: float) -> None:
        self._channel = channel
        self._patience_s = patience_s
        self._moved_at = time.monotonic()
        self._complaint = io.BytesIO()
        self.received_bytes = 0
        self.report: Callable[[int], None] = lambda _count: None
        # In slices, because Windows delivers no Ctrl-C to a thread that waits without end.
        channel.settimeout(SLICE_S)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            OSError, EOFError, SSHException: the command takes no more.
            DeadlineError: nothing moved any more.
        """
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._channel.send(rest) :]
                self._moved()
            except socket.timeout:
                self._refuse_standstill()

    def read(self, limit: int) -> bytes:
        """Return up to `limit` bytes of the output, none at its end.

        Raises:
            DeadlineError: nothing moved any more.
        """
        while True:
            try:
                data = self._channel.recv(limit)
            except socket.timeout:
                self._refuse_standstill()
                continue
            except LOST as error:  # reading grants more, so it writes; `end` says what is lost
                log.debug("the connection was lost while reading: %s", error)
                return b""
            self._moved()
            self.received_bytes += len(data)
            self.report(self.received_bytes)
            return data

    def line(self) -> str:
        """Return the first line of the output, without its end; empty when there is none.

        Raises:
            GuestError: it is too long for one.
            DeadlineError: nothing moved any more.
        """
        line = b""
        while not line.endswith(b"\n"):
            byte = self.read(1)
            if not byte:
                return ""
            line += byte
            if len(line) > LINE_BYTES:
                raise GuestError("what the VM sent is damaged", details="its first line is endless")
        self.received_bytes = 0
        return line.decode("ascii", errors="replace").strip()

    def has_ended(self) -> bool:
        """Read what may still come, as the padding of an archive; tell whether it has an end.

        Raises:
            DeadlineError: nothing moved any more.
        """
        rest_bytes = 0
        while rest_bytes <= REST_BYTES:
            data = self.read(CHUNK_BYTES)
            if not data:
                return True
            rest_bytes += len(data)
        return False

    def end(self, brief: str) -> None:
        """Wait for the end of the command.

        Raises:
            UsageError: it says that what was typed cannot be.
            GuestError: it failed, or the connection was lost.
            DeadlineError: nothing moved any more.
        """
        if not self.has_ended():
            raise GuestError(brief, details="the VM sends on after the end of what it announced")
        while not self._channel.status_event.wait(SLICE_S):
            self._refuse_standstill()
        status = exit_status(self._channel)
        self._listener.join(SLICE_S)
        complaint = self._complaint.getvalue().decode(errors="replace").strip()
        lines = complaint.splitlines()
        if status == NOT_USABLE:
            raise UsageError(complaint)
        if status == 1 and lines and all(line.endswith(_CHANGED) for line in lines):
            log.warning("%s", complaint)
        elif status != 0:
            raise GuestError(brief, details=complaint, resolution=_advice(complaint))

    def _moved(self) -> None:
        self._moved_at = time.monotonic()

    def _refuse_standstill(self) -> None:
        if time.monotonic() - self._moved_at >= self._patience_s:
            raise DeadlineError(
                f"nothing was copied for {self._patience_s:g} s",
                resolution="See with 'boot2docker status' whether the VM still runs.",
            )

    def _listen(self) -> None:
        while True:
            try:
                data = self._channel.recv_stderr(CHUNK_BYTES)
            except socket.timeout:
                continue
            except LOST:  # whoever reads the output notices, too
                return
            if not data:
                return
            if self._complaint.tell() < COMPLAINT_BYTES:
                self._complaint.write(data)


def _advice(complaint: str) -> str:
    if "Permission denied" in complaint:
        return "As the VM's root: boot2docker cp --root ..."
    if "No space left" in complaint or "Wrote only" in complaint:
        return "The disk there may be full; look at it with: boot2docker ssh df -h"
    return ""
