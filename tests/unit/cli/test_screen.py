"""Progress on stderr: written over on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import pytest

from boot2docker_py.cli import screen
from tests.fakes import FakeClock


def test_long_copy_without_a_terminal_says_so_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = FakeClock()
    line = screen.StatusLine(clock.monotonic)
    for _ in range(40):
        line.show_copy(12_300_000, 100_000_000)
        clock.sleep(1)
    assert capsys.readouterr().err == 2 * "Copying: 12.3 of 100.0 MB\n"
