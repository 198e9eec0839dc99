"""`boot2docker ports`: the table, and the object."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import GuestError
from tests.conftest import Boot2Docker
from tests.fakes import FakeAccess, FakeDriver, FakeEndpoint, FakeSession


class AccessWithHostOnly(FakeAccess):
    def host_only_address(self) -> str | None:
        return "192.168.59.103"


class WithHostOnly(FakeSession):
    @cached_property
    def access(self) -> AccessWithHostOnly:
        return AccessWithHostOnly(self)


def row(container: str, port: int, **more: Any) -> dict[str, Any]:
    facts = {
        "container": container,
        "protocol": "tcp",
        "port": port,
        "container_port": 80,
        "guest_address": "0.0.0.0",
        "listens_at": [f"127.0.0.1:{port}"],
        "problem": "",
    }
    return {**facts, **more}


@pytest.fixture
def endpoint() -> FakeEndpoint:
    endpoint = FakeEndpoint()
    endpoint.published = [
        row("web", 8080),
        row("käse", 80, listens_at=[], problem="127.0.0.1:80 is taken by nginx (process 7)"),
        row("private", 5432, guest_address="127.0.0.1"),
    ]
    return endpoint


def test_table(boot2docker: Boot2Docker, endpoint: FakeEndpoint) -> None:
    session = FakeSession(FakeDriver(State.RUNNING), endpoint)
    answer = boot2docker(["ports"], session)
    assert answer.status == 0
    head, web, taken, _private = [
        [cell for cell in line.split("  ") if cell] for line in answer.out.splitlines()
    ]
    assert head[0] == "CONTAINER"
    assert [cell.strip() for cell in web] == ["web", "8080->80/tcp", "127.0.0.1:8080", "-"]
    assert taken[-2].strip() == "127.0.0.1:80 is taken by nginx (process 7)"


def test_the_vms_own_address_is_beside_what_is_reached_there(
    boot2docker: Boot2Docker, endpoint: FakeEndpoint
) -> None:
    session = WithHostOnly(FakeDriver(State.RUNNING), endpoint)
    answer = boot2docker(["ports", "--json"], session)
    found = json.loads(answer.out)
    assert found["ip"] == "192.168.59.103"
    assert [port["vm_address"] for port in found["ports"]] == [
        "192.168.59.103:8080",
        "192.168.59.103:80",
        None,
    ]
    assert found["ports"][1]["problem"] == "127.0.0.1:80 is taken by nginx (process 7)"
    assert found["ports"][0]["listens_at"] == ["127.0.0.1:8080"]


def test_nothing_published(boot2docker: Boot2Docker) -> None:
    session = FakeSession(FakeDriver(State.RUNNING), FakeEndpoint())
    answer = boot2docker(["ports"], session)
    assert (answer.status, answer.out) == (0, "")
    assert answer.err.startswith("No container publishes a port, and no service")


def test_not_known_is_an_error(boot2docker: Boot2Docker) -> None:
    class Unknown(FakeEndpoint):
        def ports(self) -> list[dict[str, Any]]:
            raise GuestError("it is not known", details="the engine does not answer")

    answer = boot2docker(["ports"], FakeSession(FakeDriver(State.RUNNING), Unknown()))
    assert (answer.status, answer.out) == (9, "")
    assert "the engine does not answer" in answer.err
