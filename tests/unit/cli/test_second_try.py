"""A command whose hypervisor's server has ended is run once more, in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.cli import second_try

ENDS = """
import os, sys
from boot2docker_py.cli.boundary import run
from boot2docker_py.cli.session import Session
from boot2docker_py.errors import HypervisorEndedError

class EndsUnderUs(Session):
    @property
    def config(self):
        self.has_handed_over = bool(os.environ.get("HANDED_OVER"))
        raise HypervisorEndedError("the server has ended")

sys.exit(run(sys.argv[1:], EndsUnderUs()))
"""


def ends(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose hypervisor ends in this process, and would not in another."""
    package = str(Path(second_try.__file__).parents[2])
    program = folder / "bin" / "program.py"
    program.parent.mkdir()
    program.write_text(ENDS)
    return subprocess.run(
        [sys.executable, str(program), *arguments],
        env={**os.environ, "PYTHONPATH": package, **environ},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_the_same_command_succeeds_in_a_new_process(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('of the working folder')")
    ended = ends("config", "--memory", "1234", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "1234" in ended.stdout
    assert "error" not in ended.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_error(tmp_path: Path, closed: str) -> None:
    words = ["sh", "-c", f'exec "$0" -m boot2docker_py config {closed}', sys.executable]
    environ = {**os.environ, "BOOT2DOCKER_DIR": str(tmp_path)}
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stderr == ""


def test_a_second_end_is_an_error(tmp_path: Path) -> None:
    ended = ends("config", folder=tmp_path, **{second_try.MARK: "1"})
    assert ended.returncode == 6
    assert "the server has ended" in ended.stderr
    assert ended.stdout == ""


def test_what_was_handed_over_is_not_begun_again(tmp_path: Path) -> None:
    ended = ends("config", folder=tmp_path, HANDED_OVER="1")
    assert ended.returncode == 6


def test_what_a_second_try_starts_is_none() -> None:
    environ = {second_try.MARK: "1"}
    assert second_try.is_this(environ)
    assert not second_try.is_this(environ)


@pytest.mark.parametrize("words", [[], ["ssh", "echo", "two words"]])
def test_the_words_are_passed_on(words: list[str]) -> None:
    assert second_try.command(words)[4:] == words
