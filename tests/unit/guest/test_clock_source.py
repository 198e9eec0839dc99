"""A guest whose clock runs too fast counts by another source; the script is that of the guest."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Sequence

import pytest

from boot2docker_py.guest import clock_source
from boot2docker_py.ssh.connection import Result
from boot2docker_py.wait import Deadline

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the script is the guest's")


class Guest:
    """Files in place of a kernel's: two clocks, of which one may be faster; and its choice."""

    def __init__(self, folder: Path, rate: int) -> None:
        self.places = [folder, folder / "rtc", folder / "uptime"]
        self._files = self.places[1:]
        self._rate = rate
        self.choice = folder / "current_clocksource"
        self.choice.write_text("tsc\n")
        self._is_over = threading.Event()
        self._seconds = 0
        self._pass_a_second()
        self._clock = threading.Thread(target=self._tick, daemon=True)
        self._clock.start()

    def run(self, command: Sequence[str], *, timeout_s: float) -> Result:
        words = [*command[2:6], *map(str, self.places)]
        done = subprocess.run(words, capture_output=True, timeout=timeout_s, check=False)
        self._is_over.set()
        self._clock.join()
        return Result(done.returncode, done.stdout, done.stderr)

    def _tick(self) -> None:
        while not self._is_over.wait(0.1):
            self._pass_a_second()

    def _pass_a_second(self) -> None:
        self._seconds += 1
        hardware, running = f"{10**9 + self._seconds}\n", f"{self._rate * self._seconds}.5 1\n"
        for place, value in zip(self._files, (hardware, running)):
            place.with_suffix(".new").write_text(value)
            place.with_suffix(".new").replace(place)


@pytest.mark.parametrize(("rate", "source", "replaced"), [(100, "hpet", True), (1, "tsc", False)])
def test_one_that_runs_too_fast_counts_by_another_source(
    tmp_path: Path, rate: int, source: str, *, replaced: bool
) -> None:
    guest = Guest(tmp_path, rate)
    assert clock_source.replace_if_fast(guest, Deadline(60)) is replaced  # type: ignore[arg-type]
    assert guest.choice.read_text().strip() == source


def test_one_that_counts_by_another_source_is_left_alone(tmp_path: Path) -> None:
    guest = Guest(tmp_path, 14)
    guest.choice.write_text("acpi_pm\n")
    assert not clock_source.replace_if_fast(guest, Deadline(60))  # type: ignore[arg-type]
    assert guest.choice.read_text() == "acpi_pm\n"


def test_one_without_a_clock_in_hardware_is_left_alone(tmp_path: Path) -> None:
    guest = Guest(tmp_path, 14)
    guest.places[1] = tmp_path / "missing"
    assert not clock_source.replace_if_fast(guest, Deadline(60))  # type: ignore[arg-type]
    assert guest.choice.read_text() == "tsc\n"
