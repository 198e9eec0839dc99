"""A VM that reaches the services of a company on this machine, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.company import services
from tests.e2e.conftest import VM, iso

__all__ = ["iso"]


@pytest.fixture
def doors(tmp_path: Path) -> Path:
    """Return the folder that says which ports of this machine the guest's doors lead to."""
    folder = tmp_path / "doors"
    folder.mkdir()
    return folder


@pytest.fixture
def vm(iso: Path, doors: Path, tmp_path: Path) -> Iterator[VM]:
    """Return a VM, running."""
    vm = VM(tmp_path / "home" / "boot2docker", iso)
    vm.environ["QEMU_DOORS"] = services.doors(doors)
    words = ("--memory", "1024", "--cpus", "2", "--disksize", "6000")
    vm.run("init", "--iso-url", str(iso), *words)
    try:
        vm.run("up", "--timeout", "280")
        yield vm
    finally:
        vm.run("delete", "--force")
