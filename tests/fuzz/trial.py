"""Try a reader with many inputs, and keep the smallest that shows each kind of failure."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, NamedTuple, Tuple

from boot2docker_py.errors import Boot2DockerError
from tests.fuzz.chance import Chance

# What one input is, for the report, and what reads it.
Case = Tuple[bytes, Callable[[], object]]
# Makes a case in a folder of its own.
Target = Callable[[Chance, Path], Case]


class Failure(NamedTuple):
    """One kind of failure."""

    times: int
    words: str
    smallest: bytes


@dataclass
class Report:
    """What came of the trials of one target."""

    inputs: int = 0
    slowest_s: float = 0.0
    failures: dict[str, Failure] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return it in words."""
        said = [f"{self.inputs} inputs, the slowest {self.slowest_s:.2f} s"]
        for failure in self.failures.values():
            said.append(f"    {failure.times} x {failure.words}")
            said.append(f"        {failure.smallest[:200]!r}")
        return said


def tried(target: Target, chance: Chance, go_on: Callable[[int], bool]) -> Report:
    """Try inputs as long as `go_on`, asked with their count, says so."""
    report = Report()
    while go_on(report.inputs):
        folder = Path(tempfile.mkdtemp(prefix="boot2docker-fuzz."))
        try:
            data, use = target(chance, folder)
            began = time.monotonic()
            _try(data, use, report)
            report.slowest_s = max(report.slowest_s, time.monotonic() - began)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        report.inputs += 1
    return report


def _try(data: bytes, use: Callable[[], object], report: Report) -> None:
    try:
        use()
    except Boot2DockerError:
        pass  # in words of ours, as it should be
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        kind = _kind(error)
        known = report.failures.get(kind)
        smallest = min(data, known.smallest, key=len) if known else data
        count = known.times + 1 if known else 1
        report.failures[kind] = Failure(count, f"{kind}: {str(error)[:200]}", smallest)


def _kind(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        f"{Path(at.filename).name}:{at.lineno}" for at in frames if "boot2docker" in at.filename
    ]
    return f"{ours[-1] if ours else 'the test'} {type(error).__name__}"
