"""The forwarder's log grows to its limit, and no record and no last word is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.endpoint.forwarder_log import LIMIT_BYTES
from tests.unit.endpoint.client_side import ROOT

BEGIN = """
import logging, os, sys
from pathlib import Path
from boot2docker_py.endpoint import forwarder_log
log = Path(sys.argv[1])
forwarder_log.keep(log)
logger = logging.getLogger("boot2docker_py.x")
def say(count):
    for number in range(count):
        logger.info("a line of the log, number %d, with some words", number)
"""


def run(log: Path, script: str) -> None:
    """Run a script in a process whose stderr is a file, like the forwarder's."""
    with log.with_name("stderr").open("wb") as stderr:
        command = [sys.executable, "-c", BEGIN + script, str(log)]
        subprocess.run(command, cwd=ROOT, stderr=stderr, check=False)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "forward.log"


def test_log_is_rotated_and_loses_nothing(log: Path) -> None:
    run(log, "say(6000)")
    older, newer = log.with_name("forward.log.1").read_text(), log.read_text()
    assert len(older) <= LIMIT_BYTES
    assert len(newer) <= LIMIT_BYTES
    numbers = [int(line.split("number ")[1].split(",")[0]) for line in (older + newer).splitlines()]
    assert numbers == list(range(6000 - len(numbers), 6000))
    assert len(older + newer) > LIMIT_BYTES


def test_words_of_a_dying_python_are_the_end_of_the_log(log: Path) -> None:
    run(log, "say(6000)\nraise ValueError('the last word')")
    lines = log.read_text().splitlines()
    assert lines[-1] == "ValueError: the last word"
    assert "number 5999" in next(line for line in reversed(lines) if "INFO" in line)


def test_words_between_records_stand_between_them(log: Path) -> None:
    run(log, "say(1)\nos.write(2, b'from a library\\n')\nsay(1)")
    first, words, second = log.read_text().splitlines()
    assert "number 0" in first
    assert words == "from a library"
    assert "number 0" in second


def test_log_has_every_letter_that_a_name_may_hold(log: Path) -> None:
    run(log, "logging.getLogger('boot2docker_py').info('VM %s %s', '\\udcff', '\\u00e9')")
    assert log.read_text(encoding="utf-8").endswith("VM \\udcff é\n")


def test_it_keeps_no_secrets_of_addresses(log: Path) -> None:
    run(log, "logger.info('the proxy %s fails', 'http://me:s3cr3t@proxy:3128/?token=s3cr3t')")
    text = log.read_text(encoding="utf-8")
    assert "http://proxy:3128/" in text
    assert "s3cr3t" not in text


def test_reader_of_the_log_does_not_end_the_forwarder(log: Path) -> None:
    """On Windows a file that somebody reads cannot be renamed: it grows, to twice its limit."""
    run(log, "with log.open('rb'):\n    say(20000)\nsay(3)")
    total = sum(file.stat().st_size for file in log.parent.glob("forward.log*"))
    assert total < 3 * LIMIT_BYTES
    lines = log.read_text().splitlines()
    assert [line.split("number ")[1][0] for line in lines[-3:]] == ["0", "1", "2"]
    assert not any("Error" in line for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_log_goes_on_after_it_could_not_be_opened_again(log: Path) -> None:
    """As when no descriptor is free, or a scanner has the new file for itself, on Windows."""
    run(
        log,
        "import resource\n"
        "say(3000)\n"
        "_, most = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))\n"
        "say(2000)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))\n"
        "say(3)",
    )
    lines = log.read_text().splitlines()
    assert [line.split("number ")[1][0] for line in lines[-3:]] == ["0", "1", "2"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits")
def test_log_is_readable_for_the_user_alone(log: Path) -> None:
    run(log, "os.umask(0o077)\nsay(6000)")
    assert log.stat().st_mode & 0o077 == 0
