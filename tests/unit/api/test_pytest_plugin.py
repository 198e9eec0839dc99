"""The plugin, in a pytest of its own whose VM is a stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
from boot2docker_py import api
from boot2docker_py.drivers.model import State
from tests.fakes import FakeDriver
from tests.unit.api.fake_vm import FakeVM

driver = FakeDriver(State.OFF)
driver.had_snapshot("clean", memory="boot 7")
api.VM = lambda name: FakeVM(driver, name)

@pytest.fixture
def hypervisor():
    return driver
"""

TESTS = """
import pytest

def test_one(boot2docker_clean, hypervisor):
    assert hypervisor.disk == "disk of clean"
    hypervisor.disk = "changed"

def test_two(boot2docker_clean, boot2docker_vm, hypervisor):
    assert boot2docker_clean is boot2docker_vm
    assert boot2docker_vm.name == "ci"
    assert hypervisor.disk == "disk of clean"
"""

OF_MODULE = """
import pytest

pytestmark = pytest.mark.boot2docker_clean(scope="module")

def test_one(boot2docker_clean, hypervisor):
    hypervisor.disk = "changed"

def test_two(boot2docker_clean, hypervisor):
    assert hypervisor.disk == "changed"
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeconftest(CONFTEST)
    return pytester


def run(inner: pytest.Pytester, *words: str) -> pytest.RunResult:
    plugin = ["-p", "boot2docker_py.pytest_plugin", "-p", "no:cacheprovider"]
    return inner.runpytest_subprocess(*plugin, *words)


def test_every_test_begins_at_the_snapshot(inner: pytest.Pytester) -> None:
    inner.makepyfile(TESTS)
    run(inner, "--boot2docker-vm", "ci").assert_outcomes(passed=2)


def test_a_module_may_be_reset_once(inner: pytest.Pytester) -> None:
    inner.makepyfile(OF_MODULE)
    run(inner, "--strict-markers", "--boot2docker-vm", "ci").assert_outcomes(passed=2)


def test_without_the_option_tests_that_need_a_vm_are_skipped(inner: pytest.Pytester) -> None:
    inner.makepyfile(TESTS)
    result = run(inner, "-rs")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*needs a VM: pytest --boot2docker-vm NAME*"])


def test_each_worker_of_xdist_has_a_vm_of_its_own(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    inner.makepyfile("def test_one(boot2docker_vm):\n    assert boot2docker_vm.name == 'ci-gw1'\n")
    run(inner, "--boot2docker-vm", "ci").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "outcome"),
    [
        ('"other"', {"passed": 1}),
        ('to="other"', {"passed": 1}),
        ('snapshot="other"', {"errors": 1}),
        ('"other", scope="modul"', {"errors": 1}),
    ],
)
def test_nothing_that_a_marker_says_is_ignored(
    inner: pytest.Pytester, marker: str, outcome: dict[str, int]
) -> None:
    inner.makepyfile(
        f"""
        import pytest

        @pytest.mark.boot2docker_clean({marker})
        def test_one(boot2docker_clean, hypervisor):
            assert hypervisor.disk == "disk of other"
        """
    )
    conftest = CONFTEST.replace(
        'driver.had_snapshot("clean"', 'driver.had_snapshot("other")\ndriver.had_snapshot("clean"'
    )
    inner.makeconftest(conftest)
    run(inner, "--boot2docker-vm", "ci").assert_outcomes(**outcome)
