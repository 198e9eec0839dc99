"""`python -m tests.fuzz [--seed N] [--seconds S] [NAME...]`: each kind of failure, once."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from typing import Callable

from tests.fuzz import command_lines, parsers, shells
from tests.fuzz.chance import Chance
from tests.fuzz.trial import tried

TARGETS = {**parsers.TARGETS, **command_lines.TARGETS, **shells.TARGETS}
FILE_BYTES = 64 << 20


def _until(end: float) -> Callable[[int], bool]:
    return lambda _count: time.monotonic() < end


def main() -> int:
    reader = argparse.ArgumentParser(prog="python -m tests.fuzz")
    reader.add_argument("--seed", type=int, default=int(time.time()))
    reader.add_argument("--seconds", type=float, default=300.0, help="for all targets together")
    reader.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TARGETS))
    given = reader.parse_args()
    names = given.names or list(TARGETS)
    logging.disable(logging.CRITICAL)
    if sys.platform != "win32":  # no input may fill the disk
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    print(f"seed {given.seed}", flush=True)
    failed = False
    for name in names:
        end = time.monotonic() + given.seconds / len(names)
        report = tried(TARGETS[name], Chance(given.seed), _until(end))
        failed = failed or bool(report.failures)
        print(f"{name}: " + "\n".join(report.lines()), flush=True)
    return int(failed)


sys.exit(main())
