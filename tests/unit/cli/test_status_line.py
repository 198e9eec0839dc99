"""The line that says what goes on: its clock, its width, and what it says without a terminal."""

from __future__ import annotations

import io
import os
import threading
from typing import Iterator

import pytest

from boot2docker_py.cli import status_line
from boot2docker_py.cli.status_line import StatusLine, duration, size
from boot2docker_py.cli.terminal import fitted, wrapped
from boot2docker_py.image import DownloadProgress
from boot2docker_py.wait import Progress
from tests.fakes import FakeClock


class Terminal(io.StringIO):
    """What is written to a terminal of 80 columns, or so many."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = 80

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    @property
    def lines(self) -> list[str]:
        """Return what the line has been, one after the other."""
        return [line.rstrip() for line in self.getvalue().split("\r") if line.strip()]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def silent_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the thread never tick: tests do."""
    monkeypatch.setattr(status_line, "TICK_S", 1e6)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(
        os, "get_terminal_size", lambda _fd: os.terminal_size((terminal.columns, 24))
    )
    return terminal


@pytest.fixture
def line(
    clock: FakeClock, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StatusLine]:
    """Give the line of a terminal."""
    silent_clock(monkeypatch)
    line = StatusLine(clock.monotonic, lambda: terminal)
    yield line
    line.end()


@pytest.fixture
def piped(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[StatusLine]:
    """Give the line of a pipe."""
    silent_clock(monkeypatch)
    line = StatusLine(clock.monotonic)
    yield line
    line.end()


BOOT = Progress("SSH", "", 0.0, doing="The VM boots", usual_s=45.0)


class TestClock:
    def test_it_ticks_while_what_is_waited_for_is_silent(
        self, line: StatusLine, terminal: Terminal, clock: FakeClock
    ) -> None:
        line.show(BOOT)
        for _ in range(3):
            clock.sleep(1)
            line.tick()
        assert terminal.lines == [f"The VM boots: {seconds} s" for seconds in (1, 2, 3)]

    def test_it_ticks_by_itself(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        ticked = threading.Event()

        class Counted(StatusLine):
            def tick(self) -> None:
                ticked.set()

        monkeypatch.setattr(status_line, "TICK_S", 0.01)
        line = Counted(stream=lambda: terminal)
        line.begin("The VM boots")
        assert ticked.wait(60)
        line.end()

    def test_nothing_is_drawn_once_it_has_ended(
        self, line: StatusLine, terminal: Terminal, clock: FakeClock
    ) -> None:
        line.show(BOOT)
        clock.sleep(5)
        line.tick()
        line.show(BOOT._replace(is_done=True))
        before = terminal.getvalue()
        line.tick()
        assert terminal.getvalue() == before
        assert before.endswith("\r" + " " * len("The VM boots: 5 s") + "\r")

    def test_what_is_quick_is_not_shown(
        self, line: StatusLine, terminal: Terminal, clock: FakeClock
    ) -> None:
        for _ in range(3):
            line.show(BOOT)
            clock.sleep(0.3)
            line.tick()
            line.end()
        assert terminal.getvalue() == ""


class TestReason:
    def test_it_comes_when_the_phase_lasts_longer_than_usual(
        self, line: StatusLine, terminal: Terminal, clock: FakeClock
    ) -> None:
        for waited_s in (40.0, 80.0):
            clock.sleep(40)
            line.show(BOOT._replace(reason="no SSH greeting", waited_s=waited_s))
        assert terminal.lines == ["The VM boots: 40 s", "The VM boots: 80 s, no SSH greeting"]

    @pytest.mark.parametrize(
        ("columns", "shown"),
        [
            (100, ", the engine of VM 'vm' is not running, or takes no more clients"),
            (80, ", the engine of VM 'vm' is not running"),
            (60, ", the engine of VM 'vm' is not running"),
            (50, ""),
        ],
    )
    def test_what_does_not_fit_of_it_is_left_out_in_whole_clauses(
        self,
        line: StatusLine,
        terminal: Terminal,
        clock: FakeClock,
        columns: int,
        shown: str,
    ) -> None:
        terminal.columns = columns
        reason = "the engine of VM 'vm' is not running, or takes no more clients"
        clock.sleep(50)
        line.show(BOOT._replace(reason=reason, waited_s=50.0))
        assert terminal.lines == [f"The VM boots: 50 s{shown}"]


class TestDownload:
    HALF = DownloadProgress(62_000_000, 124_000_000, 3_100_000.0)

    def test_speed_and_time_left(
        self, line: StatusLine, terminal: Terminal, clock: FakeClock
    ) -> None:
        line.show_download(self.HALF)
        clock.sleep(2)
        line.show_download(self.HALF)
        bar = "#" * 7 + "." * 7
        assert terminal.lines == [
            f"Fetching the image: [{bar}] 50% of 124.0 MB, 3.1 MB/s, 20 s left"
        ]

    def test_60_columns_have_no_room_for_the_bar(
        self, line: StatusLine, terminal: Terminal, clock: FakeClock
    ) -> None:
        terminal.columns = 60
        line.show_download(self.HALF)
        clock.sleep(2)
        line.show_download(self.HALF)
        assert terminal.lines == ["Fetching the image: 50% of 124.0 MB, 3.1 MB/s, 20 s left"]

    def test_silence_is_said(self, line: StatusLine, terminal: Terminal, clock: FakeClock) -> None:
        line.show_download(self.HALF)
        clock.sleep(8)
        line.tick()
        assert terminal.lines[-1].endswith("50% of 124.0 MB, nothing came for 8 s")

    def test_of_unknown_size(self, line: StatusLine, terminal: Terminal, clock: FakeClock) -> None:
        line.show_download(DownloadProgress(62_000_000, None, 3_100_000.0))
        clock.sleep(2)
        line.tick()
        assert terminal.lines == ["Fetching the image: 62.0 MB, 3.1 MB/s"]


class TestPipe:
    """Without a terminal: whole lines, every 15 seconds."""

    def test_a_download(
        self, piped: StatusLine, clock: FakeClock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for second in range(40):
            piped.show_download(DownloadProgress(1_000_000 * second, 100_000_000, 1e6))
            piped.tick()
            clock.sleep(1)
        assert capsys.readouterr().err == (
            "Fetching the image: 15% of 100.0 MB, 1.0 MB/s, 85 s left\n"
            "Fetching the image: 30% of 100.0 MB, 1.0 MB/s, 70 s left\n"
        )

    def test_a_wait(
        self, piped: StatusLine, clock: FakeClock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for second in range(50):
            piped.show(BOOT._replace(reason="no greeting" * bool(second), waited_s=float(second)))
            piped.tick()
            clock.sleep(1)
        assert capsys.readouterr().err == (
            "The VM boots...\n"
            "The VM boots: 16 s\n"
            "The VM boots: 31 s\n"
            "The VM boots: 46 s, no greeting\n"
        )

    def test_a_copy(
        self, piped: StatusLine, clock: FakeClock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for _ in range(40):
            piped.show_copy(12_300_000, 100_000_000)
            clock.sleep(1)
        assert capsys.readouterr().err == 2 * "Copying: 12.3 MB of 100.0 MB\n"

    def test_a_dumb_terminal_is_one(
        self,
        line: StatusLine,
        terminal: Terminal,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("TERM", "dumb")
        line.show(BOOT)
        clock.sleep(20)
        line.tick()
        assert terminal.getvalue() == "The VM boots: 20 s\n"


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("short", 60, "short"),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two ..."),
        ("one, two three", 9, "one ..."),
        ("\x1b[31mred\nand  blue", 40, "\\x1b[31mred and blue"),
        ("漢字 漢字 漢字", 12, "漢字 ..."),
        ("a" * 100, 20, "a" * 10),
    ],
)
def test_a_line_fits(text: str, columns: int, shown: str) -> None:
    assert fitted(text, columns) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("the engine of VM 'vm' answers", "the engine of VM\n'vm' answers"),
        ("now type this: boot2docker up --use", "now type this:\nboot2docker up --use"),
        ("  two words indented", "  two words\n  indented"),
        ("/a/path/that/is/longer/than/the/line", "/a/path/that/is/longer/than/the/line"),
        ("one\ntwo", "one\ntwo"),
    ],
)
def test_words_are_broken_between_words_and_commands_are_not(
    text: str, shown: str, terminal: Terminal
) -> None:
    terminal.columns = 20
    assert wrapped(text, terminal) == shown
    assert wrapped(text, io.StringIO()) == text


def test_times_and_sizes_are_said_as_people_do() -> None:
    assert [duration(seconds) for seconds in (0.4, 31.2, 119, 125)] == [
        *("0 s", "31 s", "119 s", "2 min 5 s")
    ]
    assert [size(count) for count in (0, 400, 1500, 12_300_000, 2_500_000_000)] == [
        *("0 bytes", "400 bytes", "1.5 kB", "12.3 MB", "2.50 GB")
    ]
