"""Fixtures of the endpoint's tests: a guest on loopback, with an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.endpoint import of_vm, process
from tests.unit.endpoint.client_side import Endpoint
from tests.unit.endpoint.docker_engine import DockerEngine
from tests.unit.endpoint.engine import Engine
from tests.unit.endpoint.ports.publishing import VM
from tests.unit.free_ports import free_port
from tests.unit.ssh.real_sshd import Cable, Sshd

__all__ = ["cable", "endpoint", "engine"]


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Serve at a Unix socket of the guest."""
    folder: Path = tmp_path_factory.mktemp("guest")
    with Engine(folder / "docker.sock") as engine:
        yield engine


@pytest.fixture
def endpoint(tmp_path: Path, sshd: Sshd, engine: Engine) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path / "vm", sshd, engine)
    endpoint.paths.folder.mkdir()
    yield endpoint
    process.stop(endpoint.paths)


@pytest.fixture
def cable(sshd: Sshd) -> Iterator[Cable]:
    with Cable(sshd.address) as cable:
        yield cable


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[DockerEngine]:
    with DockerEngine(tmp_path / "docker.sock") as docker:
        yield docker


@pytest.fixture
def vm(
    tmp_path: Path, sshd: Sshd, docker: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VM]:
    monkeypatch.setattr(of_vm, "KNOWN_WITHIN_S", 0.0)  # the tests wait by themselves
    vm = VM(tmp_path / "vm", sshd, docker)
    yield vm
    process.stop(vm.paths)


@pytest.fixture
def port() -> int:
    return free_port()
