"""`boot2docker doctor --fix`: it does what is safe, says what it did, and looks again."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import GuestError
from tests.conftest import Boot2Docker
from tests.fakes import FakeAccess, FakeDriver, FakeEndpoint, FakeSession


class Patient:
    """A VM that runs, without a docker client in the PATH."""

    def __init__(self, boot2docker: Boot2Docker, state: State = State.RUNNING) -> None:
        self._boot2docker = boot2docker
        self.driver = FakeDriver(state)
        self.endpoint = FakeEndpoint()
        self.endpoint.is_running = state is State.RUNNING
        self.session = FakeSession(self.driver, self.endpoint)
        self.docker_host = self.endpoint.docker_host

    def fix(self) -> tuple[int, dict[str, dict[str, Any]], dict[str, str]]:
        """Return the exit status, what was done by check, and how bad each check is now."""
        answer = self._boot2docker(["doctor", "--fix", "--json"], self.session)
        told = json.loads(answer.out)
        levels = {finding["id"]: finding["level"] for finding in told["findings"]}
        return answer.status, {fix["id"]: fix for fix in told["fixes"]}, levels


@pytest.fixture
def patient(boot2docker: Boot2Docker, home: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    home.mkdir(mode=0o700, exist_ok=True)
    patient = Patient(boot2docker)
    patient.session.context.publish(patient.docker_host)
    patient.session.context.use()
    return patient


def test_where_nothing_is_wrong_nothing_is_done(patient: Patient) -> None:
    status, fixes, _levels = patient.fix()
    assert (status, fixes) == (0, {})
    assert patient.endpoint.calls == []


def test_a_forwarder_that_is_not_there_is_started(patient: Patient) -> None:
    patient.endpoint.is_running = False
    status, fixes, levels = patient.fix()
    assert status == 0
    assert fixes["forwarder"]["did"] == "started the forwarder"
    assert levels["forwarder"] == levels["engine"] == "ok"


def test_the_clock_is_set(patient: Patient) -> None:
    patient.endpoint.clock_is_off_s = 100
    _status, fixes, _levels = patient.fix()
    assert fixes["clock"]["did"] == "set the clock of the VM"
    assert "date" in str(patient.session.connection.commands)


def test_a_missing_context_is_made(patient: Patient) -> None:
    patient.session.context.remove()
    _status, fixes, levels = patient.fix()
    assert fixes["context"]["did"] == "put the docker context right"
    assert levels["context"] == "ok"


def test_a_context_without_a_vm_is_removed(boot2docker: Boot2Docker, patient: Patient) -> None:
    gone = Patient(boot2docker, State.ABSENT)
    assert gone.session.context.leads_to() == patient.docker_host
    _status, fixes, levels = gone.fix()
    assert fixes["context"]["found"] == "'boot2docker' leads to a VM that is not there"
    assert levels["context"] == "skipped"
    assert gone.session.context.leads_to() == ""


def test_rights_on_our_own_files_are_given(patient: Patient, home: Path) -> None:
    folder = home / "vms"
    folder.mkdir()
    (folder / "x").touch()
    (folder / "x").chmod(0)
    folder.chmod(0o700)
    status, fixes, levels = patient.fix()
    assert status == 0
    assert fixes["files"]["did"] == "gave you the rights on your files"
    assert levels["files"] == "ok"
    assert (folder / "x").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away"
)
def test_what_belongs_to_others_is_left_to_the_user(patient: Patient, home: Path) -> None:
    (home / "profile").touch()
    os.chown(home / "profile", 65534, 65534)
    status, fixes, levels = patient.fix()
    assert status == 1
    assert levels["files"] == "failure"
    assert (home / "profile").stat().st_uid == 65534
    assert fixes["files"]["found"].startswith(f"'{home / 'profile'}' belongs to ")


def test_what_cannot_be_fixed_is_said(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_access: FakeAccess) -> None:
        raise GuestError("the VM does not listen", details="no answer")

    monkeypatch.setattr(FakeAccess, "keep_clock_right", refuse)
    patient.endpoint.clock_is_off_s = 100
    _status, fixes, levels = patient.fix()
    assert fixes["clock"]["failed"] == "the VM does not listen: no answer"
    assert fixes["clock"]["did"] == ""
    assert levels["clock"] == "warning"


def test_without_the_flag_nothing_is_changed(boot2docker: Boot2Docker, patient: Patient) -> None:
    patient.session.context.remove()
    answer = boot2docker(["doctor", "--json"], patient.session)
    assert "fixes" not in json.loads(answer.out)
    assert patient.session.context.leads_to() == ""


def test_a_person_is_told_line_by_line(boot2docker: Boot2Docker, patient: Patient) -> None:
    patient.session.context.remove()
    lines = boot2docker(["doctor", "--fix"], patient.session).out.splitlines()
    assert any(line.startswith("fixed    context") for line in lines)
    assert any(line.startswith("ok       context") for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="there only an administrator may change it")
def test_a_host_only_adapter_gets_its_address_again(patient: Patient) -> None:
    patient.driver.adapter_problem = "it has lost its address"
    _status, fixes, levels = patient.fix()
    assert fixes["adapter"]["did"] == "put the host-only adapter right"
    assert levels["adapter"] == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="there only an administrator may change it")
def test_a_host_only_adapter_that_is_gone_is_not_made(patient: Patient) -> None:
    patient.driver.adapter_problem, patient.driver.can_repair_adapter = "it is gone", False
    _status, fixes, levels = patient.fix()
    assert "it is gone" in fixes["adapter"]["failed"]
    assert levels["adapter"] == "warning"
