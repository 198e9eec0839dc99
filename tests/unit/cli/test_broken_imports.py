"""A library that does not load is said with advice, not as a defect."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.cli import broken_imports

WINDOWS_7 = "DLL load failed while importing _rust: The specified procedure could not be found."

# `ssh` is the first to import paramiko; the VM runs.
SSH = """
import sys
from boot2docker_py.cli.boundary import run
from boot2docker_py.cli.session import Session
from boot2docker_py.drivers.model import State
from tests.fakes import FakeDriver

class OnFakeDriver(Session):
    driver = FakeDriver(State.RUNNING)

sys.exit(run(["--json", "ssh", "true"], OnFakeDriver()))
"""


def run_with_stub(tmp_path: Path, words: str) -> tuple[int, dict[str, str], str]:
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "paramiko.py").write_text(f"raise ImportError({words!r})")
    root = Path(__file__).parents[3]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "stubs"), str(root)])}
    done = subprocess.run(
        [sys.executable, "-c", SSH], env=environ, capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)["error"], done.stderr


def test_a_library_too_new_for_windows_7_is_advised(tmp_path: Path) -> None:
    status, error, stderr = run_with_stub(tmp_path, WINDOWS_7)
    assert status == 1
    assert "too new for this Windows" in error["brief"]
    assert error["details"] == WINDOWS_7
    assert "cryptography>=42.0.7,<42.0.9" in error["resolution"]
    assert "Traceback" not in stderr


def test_an_import_that_is_our_own_defect_stays_one(tmp_path: Path) -> None:
    _, error, _ = run_with_stub(tmp_path, "cannot import name 'Transport' from 'paramiko'")
    assert "defect of boot2docker" in error["brief"]


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (WINDOWS_7, "PY_DLL_OLD_WINDOWS"),
        # Windows speaks the user's language; Python's half of the sentence stays.
        (
            "DLL load failed while importing _bcrypt: Die angegebene Prozedur fehlt.",
            "PY_DLL_OLD_WINDOWS",
        ),
        (
            "DLL load failed while importing _sodium: The specified module could not be found.",
            "PY_DLL",
        ),
        ("No module named 'paramiko'", "PY_MISSING"),
    ],
)
def test_what_libraries_say(words: str, known: str) -> None:
    error = broken_imports.explained(ImportError(words))
    row = next(row for row in broken_imports.TABLE if row.id == known)
    assert error is not None
    assert error.resolution == row.advice


@pytest.mark.parametrize("words", ["No module named 'boot2docker_py.nowhere'", "DLL of Rust"])
def test_what_is_nearly_that(words: str) -> None:
    assert broken_imports.explained(ImportError(words)) is None


def test_the_examples_are_of_their_rows() -> None:
    for row in broken_imports.TABLE:
        assert row.matches(row.example, ""), row.id
