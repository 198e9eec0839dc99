"""Homes as users of Windows have them, and what is in the way there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.image.iso_bytes import make_iso

ROOT = Path(__file__).parents[3]


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "boot2docker_py", *words],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **environ},
        check=False,
    )


def config(**environ: str) -> Any:
    answer = run("config", "--json", **environ)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.parametrize(
    "name", ["O'Neil & Söhne", "100% ^sure!", "(x86) ; =", "Ünï☃🐳", "%USERNAME%", "a  b"]
)
def test_a_home_of_any_name_is_used(tmp_path: Path, name: str) -> None:
    home = tmp_path / name / "b2d"
    home.mkdir(parents=True)  # a command that makes nothing makes no home either
    answer = run("status", BOOT2DOCKER_DIR=str(home))
    assert b"defect" not in answer.stderr
    assert (home / "boot2docker.log").exists()


def test_home_of_git_bash_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git Bash sets HOME, to a path of its own kind at times; docker asks for USERPROFILE too."""
    monkeypatch.delenv("BOOT2DOCKER_DIR")
    (tmp_path / ".boot2docker" / "vms").mkdir(parents=True)
    run("status", HOME="/c/Users/somebody", USERPROFILE=str(tmp_path))
    assert (tmp_path / ".boot2docker" / "boot2docker.log").exists()


def test_a_path_beyond_what_windows_takes_is_used_or_refused_with_words(tmp_path: Path) -> None:
    home, image = tmp_path.joinpath(*["y" * 50] * 6), tmp_path / "small.iso"
    image.write_bytes(make_iso())
    words = ["init", "--driver", "qemu", "--iso-url", str(image)]
    answer = run(*words, BOOT2DOCKER_DIR=str(home))
    if answer.returncode == 0:  # as Wine does
        assert list(home.glob("vms/*/disk.qcow2"))
    else:
        assert b"error: " in answer.stderr
    assert b"defect" not in answer.stderr
    assert b"Traceback" not in answer.stderr


def test_a_profile_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text('VM = "dev"\n')
    (tmp_path / "profile").chmod(stat.S_IREAD)
    assert "dev" in json.dumps(config(BOOT2DOCKER_DIR=str(tmp_path)))


def test_the_start_of_the_forwarder_opens_no_window() -> None:
    """A venv's python.exe starts the real one: both must share one console, without a window."""
    from boot2docker_py.host.detached import detached

    child = (
        "import ctypes; k = ctypes.windll.kernel32; a = (ctypes.c_ulong * 16)();"
        "print(k.GetConsoleProcessList(a, 16))"
    )
    parent = f"import subprocess, sys; subprocess.call([sys.executable, '-c', {child!r}])"
    done = subprocess.run(
        [sys.executable, "-c", parent], stdout=-1, stdin=-3, stderr=-3, check=True, **detached()
    )
    assert int(done.stdout) >= 2  # the child of one that says nothing of consoles shares its own
