"""A watch over calls that wait for VirtualBox's server: one that was killed never answers.

XPCOM of 7.2.22 mostly raises then, but one kill in fifty left a call waiting without end, and no
deadline of ours reaches in there. COM was not seen to do so: there is no watch on Windows.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, Iterator

from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.errors import HypervisorEndedError

if TYPE_CHECKING:
    from boot2docker_py.drivers.base import OnHang

# A new server may still be starting, and the binding mostly sees by itself that the old one ended.
ABSENT_FOR_S = 10
LOOKS_EACH_S = 1.0
PRECISION_S = 1.0  # of ages, as ps tells them
TICKS_PER_S = 100  # of Linux, on all processors that VirtualBox runs on

Ages = Callable[[], Iterable[float]]


class Watch:
    """Tell of a call that waits for a server that is not there any more.

    Quick calls cost nothing: processes are looked at only when one call is seen twice.
    """

    def __init__(self, on_hang: OnHang, ages_s: Ages, clock: Callable[[], float]) -> None:
        self._on_hang = on_hang
        self._ages_s = ages_s
        self._clock = clock
        self._connected_at: float | None = None
        self._call: object = None
        self._seen: object = None
        self._absences = 0

    def start(self) -> None:
        """Look from now on, until this process ends."""
        threading.Thread(target=self._go_on_looking, name="server watch", daemon=True).start()

    def connected(self) -> None:
        """Remember that a server that starts from now on is not ours."""
        self._connected_at = self._clock()

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Hold that what the block does may be waiting for the server."""
        outer, self._call = self._call, self._call or object()
        try:
            yield
        finally:
            self._call = outer

    def look(self) -> None:
        """Look once."""
        call = self._call
        if call is None or call is not self._seen or self._is_there():
            self._seen, self._absences = call, 0
            return
        self._absences += 1
        if self._absences == ABSENT_FOR_S:
            self._on_hang(
                HypervisorEndedError(
                    "VirtualBox's server ended during the command",
                    details="a call to it does not come back",
                    resolution=failures.AGAIN,
                )
            )

    def _is_there(self) -> bool:
        if self._connected_at is None:
            return any(True for _age in self._ages_s())
        connected_for_s = self._clock() - self._connected_at
        return any(age_s + PRECISION_S >= connected_for_s for age_s in self._ages_s())

    def _go_on_looking(self) -> None:
        while True:
            time.sleep(LOOKS_EACH_S)
            self.look()


def watch(on_hang: OnHang) -> Watch:
    """Return a watch over the server of this user, which looks except on Windows."""
    made = Watch(on_hang, _ages_on_macos if sys.platform == "darwin" else _ages, time.monotonic)
    if sys.platform != "win32":
        made.start()
    return made


def _ages() -> Iterator[float]:
    """Yield for how many seconds each VBoxSVC of this user runs, by the kernel's word (proc(5))."""
    up_s = float(Path("/proc/uptime").read_text().split()[0])
    user = Path("/proc/self").stat().st_uid
    place = os.environ.get("VBOX_IPC_SOCKETID", "")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            # The name, in parentheses, may have spaces.
            name, _, fields = (process / "stat").read_text().rpartition(")")
            is_mine = name.endswith("(VBoxSVC") and process.stat().st_uid == user
            if is_mine and _place_of(process) == place:
                yield up_s - int(fields.split()[19]) / TICKS_PER_S


def _place_of(process: Path) -> str:
    for word in (process / "environ").read_bytes().split(b"\0"):
        if word.startswith(b"VBOX_IPC_SOCKETID="):
            return word.partition(b"=")[2].decode(errors="replace")
    return ""


def _ages_on_macos() -> list[float]:
    import subprocess

    command = ["ps", "-x", "-o", "etime=,comm="]
    with contextlib.suppress(subprocess.TimeoutExpired):  # a machine that busy is asked again
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=10)
        return ages_of(told.stdout)
    return []


def ages_of(told: str) -> list[float]:
    """Return the ages in seconds of each VBoxSVC in what `ps -x -o etime=,comm=` printed."""
    pattern = r"^\s*(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)\s+(?:.*/)?VBoxSVC$"
    found = re.findall(pattern, told, re.MULTILINE)
    return [
        float(int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds))
        for days, hours, minutes, seconds in found
    ]
