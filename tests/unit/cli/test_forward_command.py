"""`boot2docker forward`: starts, tells, ends; each with its exit status."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.endpoint.status import ForwarderStatus, LastError, Phase
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession

HEALTH = ForwarderStatus("1.0", 42, Phase.FORWARDING, total_connections=7)


class House:
    def __init__(self, state: State = State.RUNNING) -> None:
        self.endpoint = FakeEndpoint()
        self.session = FakeSession(FakeDriver(state), self.endpoint)


def test_it_starts_and_says_where_the_engine_is(boot2docker: Boot2Docker) -> None:
    house = House()
    answer = boot2docker(["forward"], house.session)
    assert (answer.status, answer.out) == (0, "")
    assert house.endpoint.docker_host in answer.err
    assert house.endpoint.is_running


def test_an_engine_that_does_not_come_is_an_error(boot2docker: Boot2Docker) -> None:
    house = House()
    house.endpoint.polls = float("inf")
    assert boot2docker(["forward", "--timeout", "0.2"], house.session).status == 5


def test_status_without_a_forwarder_is_4(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["forward", "--status"], House().session)
    assert answer.status == 4
    assert "try: boot2docker forward\n" in answer.err
    answer = boot2docker(["forward", "--status"], House(State.OFF).session)
    assert answer.status == 4
    assert "try: boot2docker up\n" in answer.err  # without which `forward` would fail too


def test_status_is_a_word_and_the_last_error(boot2docker: Boot2Docker) -> None:
    house = House()
    error = LastError("the connection to the VM was lost", "no answer")
    house.endpoint.health = replace(HEALTH, last_error=error)
    answer = boot2docker(["forward", "--status"], house.session)
    assert (answer.status, answer.out) == (0, "forwarding\n")
    assert "last error: the connection to the VM was lost (no answer)." in answer.err


def test_status_in_json_has_the_counters(boot2docker: Boot2Docker) -> None:
    house = House()
    house.endpoint.health = HEALTH
    answer = boot2docker(["forward", "--status", "--json"], house.session)
    assert json.loads(answer.out)["forwarder"]["total_connections"] == 7


@pytest.mark.parametrize("state", [State.RUNNING, State.OFF, State.SAVED])
def test_stop_ends_it_in_any_state(boot2docker: Boot2Docker, state: State) -> None:
    house = House(state)
    house.endpoint.health = HEALTH
    answer = boot2docker(["forward", "--stop", "--json"], house.session)
    assert (answer.status, json.loads(answer.out)["stopped"]) == (0, True)
    answer = boot2docker(["forward", "--stop", "--json"], house.session)
    assert (answer.status, json.loads(answer.out)["stopped"]) == (0, False)


def test_restart_of_a_vm_that_is_off_ends_nothing(boot2docker: Boot2Docker) -> None:
    house = House(State.OFF)
    house.endpoint.health = HEALTH
    assert boot2docker(["forward", "--restart"], house.session).status == 4
    assert house.endpoint.health is HEALTH


def test_restart_ends_and_starts(boot2docker: Boot2Docker) -> None:
    house = House()
    house.endpoint.health = HEALTH
    assert boot2docker(["forward", "--restart"], house.session).status == 0
    assert house.endpoint.calls[-2:] == ["stop", "start"]


def test_foreground_runs_it_here(boot2docker: Boot2Docker) -> None:
    house = House()
    assert boot2docker(["forward", "--foreground"], house.session).status == 0
    assert house.endpoint.calls == ["run_here"]


def test_the_log_is_data(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["forward", "--log"], House(State.OFF).session)
    assert (answer.status, answer.out) == (0, "connected\n")


def test_two_wishes_at_once_are_refused(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["forward", "--stop", "--status"], House().session)
    assert answer.status == 2
    assert "--status and --stop exclude each other" in answer.err


@pytest.mark.parametrize("option", ["--status", "--stop", "--log", "--foreground"])
def test_no_vm_is_3(boot2docker: Boot2Docker, option: str) -> None:
    assert boot2docker(["forward", option], House(State.ABSENT).session).status == 3
