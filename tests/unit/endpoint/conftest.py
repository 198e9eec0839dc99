"""Fixtures of the endpoint's tests: a guest on loopback, with an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.unit.guest.conftest import sshd

from .engine import Engine

__all__ = ["engine", "sshd"]


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Serve at a Unix socket of the guest."""
    folder: Path = tmp_path_factory.mktemp("guest")
    with Engine(folder / "docker.sock") as engine:
        yield engine
