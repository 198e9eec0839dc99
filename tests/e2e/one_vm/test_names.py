"""`host.docker.internal` is the user's machine, everywhere in the VM, with no flag of docker's."""

from __future__ import annotations

from typing import Iterator

import pytest

from tests.e2e.conftest import VM

NAME, ADDRESS = "host.docker.internal", "10.0.2.2"


@pytest.fixture(params=["bridge", "host", "of-the-user"])
def network(vm: VM, request: pytest.FixtureRequest) -> Iterator[str]:
    name = str(request.param)
    if name != "of-the-user":
        yield name
        return
    vm.docker("network", "create", name)
    yield name
    vm.docker("network", "rm", name)


def test_the_users_machine_has_a_name_in_containers(
    vm: VM, network: str, busybox_image: str
) -> None:
    words = ["run", "--rm", "--network", network, busybox_image, "nslookup", NAME]
    # BusyBox' nslookup asks for an IPv6 address, too, and minds that there is none.
    assert f"Address: {ADDRESS}" in vm.try_docker(*words).stdout.decode()


def test_the_users_machine_has_a_name_in_the_vm(vm: VM) -> None:
    assert vm.run("ssh", f"getent hosts {NAME}").split()[0] == ADDRESS
