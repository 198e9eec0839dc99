"""What the pages say to type, typed: in a shell, with the engine of a real VM."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, TIMEOUT_S, VM
from tests.how_to import ON_ONE_VM

# What several pages say is run once.
TYPED = sorted({command for commands in ON_ONE_VM.values() for command in commands})


@pytest.fixture(scope="module")
def running_vm(one_vm: VM) -> VM:
    one_vm.run("up", "--timeout", "150")
    return one_vm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a Dockerfile, and `boot2docker` on the PATH."""
    busybox = shutil.which("busybox")
    assert busybox, "there is no static busybox; get it with: make deps"
    shutil.copy(busybox, tmp_path / "busybox")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY busybox /bin/busybox\n")
    program = tmp_path / "bin" / "boot2docker"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m boot2docker_py "$@"\n'
    )
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("command", TYPED)
def test_a_command_of_a_page_does_what_the_page_says(
    running_vm: VM, folder: Path, command: str
) -> None:
    environ = {**running_vm.environ, "PATH": f"{folder / 'bin'}:{running_vm.environ['PATH']}"}
    typed = ["sh", "-c", command]
    answer = subprocess.run(
        typed, env=environ, cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False
    )
    assert answer.returncode == 0, (answer.stdout + answer.stderr).decode()
