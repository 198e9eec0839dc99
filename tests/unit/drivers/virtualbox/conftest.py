"""Fixtures: VirtualBox of every version, by both bindings, and a driver of it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import Own, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.paths import Paths, VMPaths
from tests.fakes import a_spec
from tests.unit.drivers.virtualbox.profile import VERSIONS
from tests.unit.drivers.virtualbox.server import Connection

XPCOM = [(version, "XPCOM") for version in VERSIONS]
COM = [("5.2", "COM"), ("6.1", "COM"), ("7.2", "COM")]  # Windows 7 has 5.2 to 6.1


@pytest.fixture(params=[*XPCOM, *COM], ids=lambda pair: "-".join(pair))
def virtualbox(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connection]:
    """Give a VirtualBox; fail when it was misused, or a session still holds a machine."""
    version, flavour = request.param
    connection = Connection(version, flavour, tmp_path / "VirtualBox VMs")
    connection.replace_modules(monkeypatch)
    yield connection
    for machine in connection.server.registered:
        machine.power_down("PoweredOff")
    assert not connection.gates.misuse
    assert connection.unlocked, "a session was not unlocked: VirtualBox would abort the VM"


@pytest.fixture
def vm_paths(tmp_path: Path) -> VMPaths:
    return Paths(home=tmp_path / "home", user_home=tmp_path).vm("Jörg's vm")


@pytest.fixture
def spec(tmp_path: Path) -> VMSpec:
    iso = tmp_path / "blank, really.iso"
    iso.write_bytes(bytes(1 << 20))
    return a_spec(iso)


@pytest.fixture
def driver(virtualbox: Connection, vm_paths: VMPaths) -> VirtualBoxDriver:
    return VirtualBoxDriver(vm_paths, virtualbox.api)


@pytest.fixture
def other_paths(tmp_path: Path) -> VMPaths:
    home = tmp_path / "home of another"
    return Paths(home=home, user_home=home).vm("its copy")


@pytest.fixture
def other(virtualbox: Connection, other_paths: VMPaths) -> VirtualBoxDriver:
    return VirtualBoxDriver(other_paths, virtualbox.api)


@pytest.fixture
def own(spec: VMSpec, other_paths: VMPaths) -> Own:
    return Own(spec.iso, other_paths.console_log)
