"""What we advise to type is about the VM that the command was about."""

from __future__ import annotations

import json

import pytest

from boot2docker_py.cli.next_command import NextCommand
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import GuestError, about
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession


def pointed(text: str, platform: str = "linux", **typed: object) -> str:
    command = NextCommand()
    command.take(typed, platform)
    return command.pointed(text)


@pytest.mark.parametrize(
    ("typed", "platform", "wanted"),
    [
        ({}, "linux", "boot2docker up --use"),
        ({"vm": None}, "linux", "boot2docker up --use"),
        ({"vm": "two"}, "linux", "boot2docker --vm two up --use"),
        ({"vm": "two", "driver": "qemu"}, "linux", "boot2docker --vm two --driver qemu up --use"),
        ({"vm": "a b"}, "linux", "boot2docker --vm 'a b' up --use"),
        ({"vm": "a b"}, "win32", 'boot2docker --vm "a b" up --use'),
        ({"vm": "$(id)"}, "linux", "boot2docker --vm '$(id)' up --use"),
    ],
)
def test_flags_that_were_typed_go_into_the_advice(
    typed: dict[str, object], platform: str, wanted: str
) -> None:
    assert pointed("boot2docker up --use", platform, **typed) == wanted


def test_every_command_of_a_sentence_is_pointed_and_nothing_else() -> None:
    text = "Run 'boot2docker restart' or 'boot2docker reset'; boot2docker help up; of boot2docker."
    assert pointed(text, vm="two") == (
        "Run 'boot2docker --vm two restart' or 'boot2docker --vm two reset'; "
        "boot2docker help up; of boot2docker."
    )


@pytest.mark.parametrize(
    "text",
    ["'work' is 'again' now: boot2docker up --vm again", "as in: boot2docker delete --vm 'a b'"],
)
def test_advice_about_another_vm_names_that_one_alone(text: str) -> None:
    assert pointed(text, vm="work", driver="qemu") == text


def test_advice_about_this_vm_stands_beside_one_about_another() -> None:
    text = "boot2docker down, then boot2docker up --vm again; or boot2docker up"
    assert pointed(text, vm="work") == (
        "boot2docker --vm work down, then boot2docker up --vm again; or boot2docker --vm work up"
    )


def test_a_command_of_a_swarm_takes_no_vm() -> None:
    text = "boot2docker swarm up demo, or boot2docker up"
    wanted = "boot2docker --driver qemu swarm up demo, or boot2docker --vm two --driver qemu up"
    assert pointed(text, vm="two", driver="qemu") == wanted


@pytest.mark.parametrize("typed", [{}, {"vm": "one"}])
def test_an_error_about_another_vm_advises_for_that_one(typed: dict[str, object]) -> None:
    command = NextCommand()
    command.take(typed)
    with pytest.raises(GuestError) as caught, about("demo 2"), about("demo 3"):
        raise GuestError("no", resolution="boot2docker up; boot2docker swarm up demo")
    assert command.of(caught.value, "linux") == (
        "boot2docker --vm 'demo 3' up; boot2docker swarm up demo"
    )


def test_a_renamed_vm_is_advised_by_its_new_name(boot2docker: Boot2Docker) -> None:
    session = FakeSession(FakeDriver(State.OFF, name="work"), FakeEndpoint())
    answer = boot2docker(["--vm", "work", "rename", "my vm"], session)
    assert "now: boot2docker up --vm 'my vm'" in answer.err.replace('"', "'")


def test_errors_advise_the_vm_that_was_named(boot2docker: Boot2Docker) -> None:
    assert "try: boot2docker --vm two up" in boot2docker(["--vm", "two", "status"]).err
    answer = boot2docker(["--vm", "two", "status", "--json"])
    assert json.loads(answer.out)["error"]["resolution"] == "boot2docker --vm two up"
    assert "try: boot2docker up" in boot2docker(["status"]).err
