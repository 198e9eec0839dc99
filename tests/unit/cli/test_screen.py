"""Progress on stderr: written over on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import pytest

from boot2docker_py.cli import screen
from boot2docker_py.cli.status_line import StatusLine
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.wait import Progress
from tests.conftest import Boot2Docker
from tests.fakes import FakeClock, FakeDriver, FakeEndpoint, FakeSession

EVIL = "\x1b]0;OWNED\x07name\x9b31m\x00\x08"
TAME = "\\x1b]0;OWNED\\x07name\\x9b31m\\x00\\x08"


class TestTextOfOthers:
    """Guests, servers and names of files say what they like; no terminal obeys."""

    def test_control_characters_are_spelled_out(self) -> None:
        assert screen.plain(EVIL) == TAME
        assert screen.plain("a\tb\nKäse ☃\r\n") == "a\tb\nKäse ☃\n"
        assert screen.plain("over\rwritten") == "over\\x0dwritten"

    def test_errors(self, capsys: pytest.CaptureFixture[str]) -> None:
        screen.error(Boot2DockerError(EVIL, details=EVIL, resolution=EVIL))
        assert capsys.readouterr().err.count(TAME) == 3

    def test_log_records(self, capsys: pytest.CaptureFixture[str]) -> None:
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            record = logging.LogRecord("b.c", level, "", 0, "%s http://a:s3cr3t@h/", (EVIL,), None)
            screen.Handler().emit(record)
        shown = capsys.readouterr().err
        assert shown.count(TAME) == 3
        assert "s3cr3t" not in shown

    def test_waiting(self, capsys: pytest.CaptureFixture[str]) -> None:
        clock = FakeClock()
        line = StatusLine(clock.monotonic)
        for _ in range(3):
            line.show(Progress(EVIL, EVIL, clock.monotonic()))
            clock.sleep(20)
        line.write(EVIL)
        line.end()
        shown = capsys.readouterr().err
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert shown.count("OWNED") == 6

    def test_data(self, capsys: pytest.CaptureFixture[str]) -> None:
        screen.data(EVIL)
        assert capsys.readouterr().out == TAME + "\n"

    def test_bytes_stay_as_they_are_in_a_pipe(
        self, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        screen.raw(EVIL.encode())
        sys.stdout.flush()
        assert capfdbinary.readouterr().out == EVIL.encode()

    def test_bytes_on_a_terminal_keep_their_colours_only(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        screen.raw(b"\x1b[1;31mred\x1b[0m \x1b]0;x\x07\r\r\n")
        shown = capsys.readouterr().out
        assert "red" in shown
        assert "\x1b]" not in shown
        assert "\x07" not in shown


def test_no_command_prints_past_the_screen() -> None:
    """`click.echo` is for help pages, which are ours; all else may hold words of others."""
    for file in (Path(screen.__file__).parent / "commands").glob("*.py"):
        found = [
            line.strip() for line in file.read_text("utf-8").splitlines() if "click.echo(" in line
        ]
        assert all(
            "get_help" in line or "pages." in line or "screen.plain(" in line for line in found
        ), file


@pytest.mark.parametrize(
    ("wish", "environ", "on_terminal", "in_pipe"),
    [
        ("auto", {}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": ""}, True, False),
        ("auto", {"NO_COLOR": "1"}, False, False),
        ("auto", {"TERM": "dumb"}, False, False),
        ("auto", {"CLICOLOR": "0"}, False, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, True, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, True, True),
        ("never", {"CLICOLOR_FORCE": "1"}, False, False),
    ],
)
def test_colours_are_what_the_user_wants(
    wish: str, environ: dict[str, str], on_terminal: bool, in_pipe: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    colours = screen.Colours()
    colours.wish = wish
    assert colours.are_for(Terminal(), environ) is on_terminal
    assert colours.are_for(io.StringIO(), environ) is in_pipe


def test_colours_by_flag_variable_and_profile(
    boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def session() -> FakeSession:
        return FakeSession(FakeDriver(State.RUNNING), FakeEndpoint())

    assert "\x1b[" in boot2docker(["doctor", "--color", "always"], session()).out
    monkeypatch.setenv("BOOT2DOCKER_COLOR", "always")
    assert "\x1b[33mwarning: " in boot2docker(["status", "--retries", "1"], session()).err
    for words in (["--color", "never"], ["--color=auto"]):
        assert "\x1b[" not in boot2docker(["doctor", *words], session()).out


def test_words_do_not_stand_behind_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen.status_line.write("Fetching the image: [####]")
    screen.words("Image 1.0 is at x.")
    shown = capsys.readouterr().err
    assert shown.endswith("\r" + " " * 26 + "\rImage 1.0 is at x.\n")


@pytest.mark.parametrize(
    ("resolution", "shown"),
    [
        ("boot2docker up", "try: boot2docker up\n"),
        ("Write the side in the VM as vm:PATH, as in: boot2docker cp a vm:b", "Write the side"),
        ("See the log.", "See the log.\n"),
    ],
)
def test_only_commands_are_to_be_tried(
    resolution: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    screen.error(Boot2DockerError("wrong", resolution=resolution))
    assert capsys.readouterr().err.splitlines(keepends=True)[1].startswith(shown)


def test_verbose_leaves_the_wire_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    for place, is_shown in [
        ("boot2docker_py.drivers.qemu.qmp", False),
        ("boot2docker_py.ssh.over_paramiko.transport", False),
        ("boot2docker_py.drivers.virtualbox.binding.loading", False),
        ("boot2docker_py.drivers.qemu.process", True),
        ("boot2docker_py.machine.steps", True),
    ]:
        screen.Handler().emit(logging.LogRecord(place, logging.DEBUG, "", 0, "told", None, None))
        assert ("told" in capsys.readouterr().err) is is_shown
