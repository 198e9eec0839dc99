"""`ip`, and the address in `info`."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import pytest

from boot2docker_py.address import Address
from boot2docker_py.cli.session import Session
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import GuestError
from boot2docker_py.wait import Deadline
from tests.conftest import Boot2Docker
from tests.fakes import FakeAccess, FakeDriver, FakeEndpoint, FakeSession

MAC = "08:00:27:de:ad:01"


class WithHostOnly(FakeDriver):
    def host_only_mac(self) -> str:
        return MAC


class Health:
    class phase:  # noqa: N801
        value = "forwarding"

    @staticmethod
    def as_dict() -> dict[str, str]:
        return {"phase": "forwarding"}


class Forwarding(FakeEndpoint):
    def status(self) -> Any:
        return Health()


class Asking(FakeAccess):
    """Ways into a guest that answers as given here."""

    answer: str | None | GuestError = "192.168.59.103"
    asked = 0

    def ask_ip(self, address: Address, mac: str, deadline: Deadline) -> str | None:
        self.asked += 1
        assert mac == MAC
        if isinstance(self.answer, GuestError):
            raise self.answer
        return self.answer


class AskingSession(FakeSession):
    answer: str | None | GuestError = None

    @cached_property
    def access(self) -> Asking:
        access = Asking(self)
        access.answer = self.answer
        return access


def _session(
    answer: str | None | GuestError = "192.168.59.103",
    *,
    driver: FakeDriver | None = None,
    endpoint: FakeEndpoint | None = None,
) -> AskingSession:
    session = AskingSession(driver or WithHostOnly(State.RUNNING), endpoint or Forwarding())
    session.answer = answer
    return session


def _ip_in_info(boot2docker: Boot2Docker, session: Session) -> object:
    return json.loads(boot2docker(["info"], session).out)["IP"]


def test_the_host_only_address_is_asked_of_the_guest(boot2docker: Boot2Docker) -> None:
    assert boot2docker(["ip"], _session()).out == "192.168.59.103\n"
    assert _ip_in_info(boot2docker, _session()) == "192.168.59.103"


def test_without_host_only_adapter_nobody_is_asked(boot2docker: Boot2Docker) -> None:
    session = _session(driver=FakeDriver(State.RUNNING))
    assert boot2docker(["ip"], session).out == "127.0.0.1\n"
    assert _ip_in_info(boot2docker, session) == "127.0.0.1"
    assert session.access.asked == 0


def test_without_a_lease_loopback_is_said_with_a_warning(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["ip"], _session(None))
    assert answer.out == "127.0.0.1\n"
    assert "no address on its host-only network" in answer.err


def test_a_guest_that_does_not_answer_is_an_error_of_ip_and_not_of_info(
    boot2docker: Boot2Docker,
) -> None:
    lost = GuestError("the VM does not answer")
    answer = boot2docker(["ip"], _session(lost))
    assert (answer.status, answer.out) == (9, "")
    assert _ip_in_info(boot2docker, _session(lost)) == ""


@pytest.mark.parametrize("state", [State.OFF, State.SAVED, State.PAUSED])
def test_info_asks_no_vm_that_does_not_run(boot2docker: Boot2Docker, state: State) -> None:
    session = _session(driver=WithHostOnly(state))
    assert _ip_in_info(boot2docker, session) == ""
    assert session.access.asked == 0


def test_info_asks_no_guest_that_nobody_reaches(boot2docker: Boot2Docker) -> None:
    session = _session(endpoint=FakeEndpoint())
    assert _ip_in_info(boot2docker, session) == ""
    assert session.access.asked == 0
