"""What a sample of the commands leaves out."""

from __future__ import annotations

import compileall
import os
from pathlib import Path

import pytest

# Each of its turns starts two VMs, which takes minutes on a busy machine.
collect_ignore = ["test_killed_swarm.py"] if os.environ.get("FAULTS_CASES") else []


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile the program once: its commands write no bytecode here, for that would be a step."""
    compileall.compile_dir(Path(__file__).parents[2] / "boot2docker_py", quiet=1)
