"""Fixtures of pytest for a VM. Nothing happens unless a test asks for one of them.

`pytest --boot2docker-vm ci` names the VM; without it, tests that need one are skipped. With
pytest-xdist each worker has a VM of its own: `ci-gw0`, `ci-gw1` and so on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable, Iterator, Optional

import pytest

if TYPE_CHECKING:
    from boot2docker_py.api import VM

Prepare = Optional[Callable[["VM"], object]]

_DONE = pytest.StashKey["set[str]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the VM."""
    group = parser.getgroup("boot2docker")
    group.addoption("--boot2docker-vm", metavar="NAME", help="run tests that need a VM on this one")


def pytest_configure(config: pytest.Config) -> None:
    """Explain the marker."""
    config.addinivalue_line(
        "markers",
        "boot2docker_clean(to='clean', scope='test'): the snapshot that boot2docker_clean goes "
        "back to, before each test or, with scope='module', once for a module",
    )


@pytest.fixture(scope="session")
def boot2docker_prepare() -> Prepare:
    """Return what is called with a VM on a new disk when its snapshot is not there; override it.

    With None, as it is here, a snapshot that is not there is an error.
    """
    return None


@pytest.fixture(scope="session")
def boot2docker_vm(request: pytest.FixtureRequest) -> Iterator[VM]:
    """Return the VM, up for the session; it is left as it was found."""
    name = request.config.getoption("--boot2docker-vm")
    if not name:
        pytest.skip("needs a VM: pytest --boot2docker-vm NAME")
    from boot2docker_py.api import VM

    worker = os.environ.get("PYTEST_XDIST_WORKER")
    with VM(f"{name}-{worker}" if worker else name) as vm:
        yield vm


@pytest.fixture
def boot2docker_clean(
    request: pytest.FixtureRequest, boot2docker_vm: VM, boot2docker_prepare: Prepare
) -> VM:
    """Return the VM as it was at its snapshot `clean`, or the one that the marker names."""
    marker = request.node.get_closest_marker("boot2docker_clean")
    to, scope = _wish(*marker.args, **marker.kwargs) if marker else _wish()
    module = request.node.getparent(pytest.Module)
    done = module.stash.setdefault(_DONE, set()) if module else set()
    if scope != "module" or to not in done:
        boot2docker_vm.reset(to=to, make=boot2docker_prepare)
        done.add(to)
    return boot2docker_vm


def _wish(to: str = "clean", scope: str = "test") -> tuple[str, str]:
    """Return what the marker says; one that is written wrongly is an error of the test."""
    if scope not in ("test", "module"):
        raise ValueError(f"boot2docker_clean: scope is 'test' or 'module', not {scope!r}")
    return to, scope
