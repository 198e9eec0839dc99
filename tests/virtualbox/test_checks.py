"""The preconditions, asked of a host with a real VirtualBox and without its kernel driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.wait import Deadline
from tests.virtualbox.test_driver import api, driver, paths, spec  # noqa: F401 - fixtures


def test_only_guesses_have_reasons(driver: VirtualBoxDriver) -> None:  # noqa: F811
    reasons = {check.what: (check, check.probe(Deadline(10))) for check in driver.checks()}
    kernel_driver, reason = reasons["VirtualBox's kernel driver"]
    assert reason, "the test bed has none"
    assert kernel_driver.is_guess
    assert not [what for what, (check, why) in reasons.items() if why and not check.is_guess]
    assert reasons["VirtualBox 5.2 or later"][1] is None


def test_a_guess_is_a_warning_and_the_vm_is_made_and_starts(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver.create(spec)
    assert "VirtualBox's kernel driver: /dev/vboxdrv" in caplog.text
    driver.start()
    assert driver.state() is State.RUNNING


def test_the_ports_of_a_running_vm_are_its_own(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    driver.start()
    ports = next(check for check in driver.checks() if "ports" in check.what)
    assert ports.probe(Deadline(10)) is None


def test_the_folders_of_both_are_asked(driver: VirtualBoxDriver, spec: VMSpec) -> None:  # noqa: F811
    driver.create(spec)
    asked = " ".join(check.what for check in driver.checks())
    assert str(driver.describe().folder) in asked
    assert str(Path(spec.console_log).parent) in asked
