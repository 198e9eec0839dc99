"""What is going on now, on stderr: a line written over on a terminal, plain lines elsewhere.

One clock serves all that is waited for, and ticks by itself: what is waited for may be silent.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Callable, Iterator, TextIO

import click

from boot2docker_py.cli.terminal import (
    can_write_over,
    columns,
    columns_of,
    fitted,
    plain,
    whole_clauses,
)
from boot2docker_py.wait import Progress

if TYPE_CHECKING:
    from boot2docker_py.image import DownloadProgress

TICK_S = 1.0
SHOWN_AFTER_S = 1.0  # what is done sooner needs no line
REPEAT_S = 15.0  # without a terminal, a line this often
REDRAW_S = 0.1
SILENT_S = 3.0  # after so long without a byte, a download is shown as stalled
BAR_WIDTH = 14
MB = 1e6

# What stands behind the words of a phase: its seconds are given, and how many columns there are.
_Rest = Callable[[float, int], str]


class StatusLine:
    """The phase that the command is in, and for how long."""

    def __init__(
        self,
        monotonic_s: Callable[[], float] = time.monotonic,
        stream: Callable[[], TextIO] = lambda: sys.stderr,
    ) -> None:
        self._now_s = monotonic_s
        self._stream = stream
        self._lock = threading.RLock()
        self._width = 0
        self._ended: threading.Event | None = None  # of the thread that ticks
        self.phase = ""
        self._rest: _Rest = _seconds
        self._began_s = self._said_at_s = self._drawn_at_s = 0.0
        self._is_said = False  # without a terminal: that there is such a phase
        self._reason = ""
        self._download: DownloadProgress | None = None
        self._came_at_s = 0.0

    def begin(self, phase: str) -> None:
        """Begin a phase, named as a clause: "The VM boots"."""
        with self._lock:
            self._begin(phase, _seconds)

    def show(self, progress: Progress) -> None:
        """Show what is being waited for, for how long, and why, when it lasts unusually long."""
        with self._lock:
            phase = progress.doing or f"Waiting for {progress.what}"
            if progress.is_done:
                self.end()
                return
            if phase != self.phase:
                self._begin(phase, _seconds, progress.waited_s)
            self._reason = progress.reason if progress.waited_s >= progress.usual_s else ""
            self._say_phase_once(progress)
            self._tick_if_due()

    def show_download(self, progress: DownloadProgress) -> None:
        """Show how much of an image has come, how quickly, and how long the rest will take."""
        with self._lock:
            if self.phase != "Fetching the image":
                self._begin("Fetching the image", self._downloaded)
            self._download, self._came_at_s = progress, self._now_s()
            self._tick_if_due()

    def show_copy(self, copied_bytes: int, total_bytes: int) -> None:
        """Show how much has been copied; a total of 0 means it is unknown."""
        of_all = f" of {size(total_bytes)}" if total_bytes else ""
        with self._lock:
            if self.phase != "Copying":
                self._begin("Copying", _seconds)
            self._rest = lambda _waited_s, _columns: f": {size(copied_bytes)}{of_all}"
            self._tick_if_due()

    def tick(self) -> None:
        """Show how long the phase has lasted now."""
        with self._lock:
            waited_s = self._now_s() - self._began_s
            if not self.phase or waited_s < SHOWN_AFTER_S:
                return
            if can_write_over(self._stream()):
                room = columns(self._stream()) - 1
                text = self.phase + self._rest(waited_s, room - len(self.phase))
                self.write(text + self._why(room - columns_of(text)))
            elif self._now_s() - self._said_at_s >= REPEAT_S:
                self._said_at_s = self._now_s()
                text = self.phase + self._rest(waited_s, sys.maxsize) + self._why(sys.maxsize)
                click.echo(plain(text), file=self._stream())

    def write(self, text: str) -> None:
        """Write `text` over the line."""
        with self._lock:
            text = fitted(text, columns(self._stream()) - 1)
            width = columns_of(text)
            click.echo("\r" + text + " " * (self._width - width), file=self._stream(), nl=False)
            self._width, self._drawn_at_s = width, self._now_s()

    def clear(self) -> None:
        """Remove the line, so that others can write; the phase goes on."""
        with self._lock:
            if self._width:
                click.echo("\r" + " " * self._width + "\r", file=self._stream(), nl=False)
                self._width = 0

    def end(self) -> None:
        """End the phase, and the line."""
        with self._lock:
            self.clear()
            self.phase = self._reason = ""
            if self._ended:
                self._ended.set()
                self._ended = None

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Remove the line for a `with` block that writes something else."""
        with self._lock:
            self.clear()
            yield

    def _begin(self, phase: str, rest: _Rest, waited_s: float = 0.0) -> None:
        self.end()
        self.phase, self._rest = phase, rest
        self._began_s = self._said_at_s = self._now_s() - waited_s
        self._drawn_at_s, self._is_said = 0.0, False
        self._ended = threading.Event()
        threading.Thread(target=self._tick_until, args=[self._ended], daemon=True).start()

    def _tick_until(self, ended: threading.Event) -> None:
        while not ended.wait(TICK_S):
            with self._lock:
                if not ended.is_set():
                    self.tick()

    def _tick_if_due(self) -> None:
        """Show the news, not more often than an eye can follow."""
        if self._now_s() - self._drawn_at_s >= REDRAW_S:
            self.tick()

    def _say_phase_once(self, progress: Progress) -> None:
        """Without a terminal, say what is waited for as soon as it is known to last."""
        if progress.reason and not self._is_said and not can_write_over(self._stream()):
            self._is_said, self._said_at_s = True, self._now_s()
            click.echo(plain(f"{self.phase}..."), file=self._stream())

    def _why(self, room: int) -> str:
        reason = whole_clauses(self._reason, room - len(", "))
        return f", {reason}" if reason else ""

    def _downloaded(self, _waited_s: float, room: int) -> str:
        progress = self._download
        if progress is None:
            return ""
        words = f": {size(progress.received_bytes)}"
        if progress.total_bytes:
            share = progress.received_bytes / progress.total_bytes
            words = f": {share:.0%} of {size(progress.total_bytes)}"
            bar = "#" * int(share * BAR_WIDTH)
        words += self._speed(progress)
        is_wide = len(words) + BAR_WIDTH + 4 <= room
        if progress.total_bytes and is_wide and can_write_over(self._stream()):
            return f": [{bar:.<{BAR_WIDTH}}]{words[1:]}"
        return words

    def _speed(self, progress: DownloadProgress) -> str:
        silent_s = self._now_s() - self._came_at_s
        if silent_s >= SILENT_S:
            return f", nothing came for {silent_s:.0f} s"
        if not progress.bytes_per_second:
            return ""
        words = f", {size(progress.bytes_per_second)}/s"
        if progress.total_bytes:
            left_s = (progress.total_bytes - progress.received_bytes) / progress.bytes_per_second
            words += f", {duration(left_s)} left"
        return words


def _seconds(waited_s: float, _columns: int) -> str:
    return f": {duration(waited_s)}"


def duration(seconds: float) -> str:
    """Return a time as a person says it: `31 s`, `2 min 5 s`."""
    whole = int(seconds + 0.5)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def size(count_bytes: float) -> str:
    """Return a size as a person says it: `400 bytes`, `1.2 MB`."""
    if count_bytes < 1000:
        return f"{count_bytes:.0f} bytes"
    if count_bytes < MB:
        return f"{count_bytes / 1000:.1f} kB"
    return f"{count_bytes / MB:.1f} MB" if count_bytes < 1e9 else f"{count_bytes / 1e9:.2f} GB"
