"""The logs inside the guest, in the places of our image and of the official ones."""

from __future__ import annotations

import io
import shlex
import threading
from typing import TYPE_CHECKING, Any, Sequence

from boot2docker_py.errors import GuestError
from boot2docker_py.guest.names import LOGS as PLACES
from boot2docker_py.ssh.command import Pumps, Sink, begin, exit_status

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

NO_LOG = 66
COMPLAINT_BYTES = 64 * 1024


def script(places: Sequence[str], lines: int, *, follows: bool) -> str:
    """Return the shell code that prints the end of the first log there is, and then its growth.

    What follows ends with our end of the connection, which it hears from its input; `tail` alone
    would stay until it has something to say.
    """
    find = f'for log in {shlex.join(places)}; do [ ! -e "$log" ] || break; done'
    missing = f'[ -e "$log" ] || {{ echo "there is no $log" >&2; exit {NO_LOG}; }}'
    show = f'tail -n {lines} "$log"'
    if follows:
        show = f'tail -n {lines} -F "$log" 2>/dev/null & cat > /dev/null; kill $!'
    # The engine's log may be for root alone.
    return f"sudo -n sh -c {shlex.quote(f'{find}; {missing}; {show}')}"


def show(connection: Connection, name: str, lines: int, sink: Sink, deadline: Deadline) -> None:
    """Write the last lines of a log to `sink`.

    Raises:
        GuestError: there is no such log, or the connection was lost.
        DeadlineError: it took too long.
    """
    result = connection.run(
        script(PLACES[name], lines, follows=False), timeout_s=deadline.remaining_s()
    )
    _refuse(name, result.status, result.stderr)
    sink.write(result.stdout)


def follow(connection: Connection, name: str, lines: int, sink: Sink) -> None:
    """Write the last lines of a log to `sink`, and what is added to it, until interrupted.

    Raises:
        GuestError: there is no such log, or the connection was lost.
        OSError: the sink takes no more.
    """
    complaint = _Complaint()
    with connection.open_session() as channel:
        begin(channel, script(PLACES[name], lines, follows=True))
        pumps = Pumps(channel, _Silence(), sink, complaint)
        pumps.wait()
        if pumps.failure is not None:
            raise pumps.failure
        _refuse(name, exit_status(channel), complaint.getvalue())


class _Complaint(io.BytesIO):
    """The beginning of what the guest says is wrong, for it may go on for days."""

    def write(self, data: Any, /) -> int:
        return super().write(data[: max(0, COMPLAINT_BYTES - self.tell())])


class _Silence:
    """An input that does not end, with nothing in it."""

    def read(self, _limit: int) -> bytes:
        threading.Event().wait()
        return b""


def _refuse(name: str, status: int, complaint: bytes) -> None:
    if status != 0:
        raise GuestError(
            f"the VM does not show its {name} log",
            details=complaint.decode(errors="replace").strip() or f"exit status {status}",
            resolution="boot2docker logs console",
        )
