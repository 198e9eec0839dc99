"""The checks of networks: the host-only adapter, and container networks that hide the VM's own."""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any, Iterator, Mapping

from boot2docker_py.drivers.model import State, in_words
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.machine.doctor.findings import (
    Check,
    Finding,
    Patient,
    of_error,
    ok,
    skipped,
    warning,
)
from boot2docker_py.machine.internal_network import address_of

NAME_LETTERS = 100
OF_THE_VM = "bridge"  # the kind whose routes are the VM's own


def _networks(patient: Patient) -> Iterator[Finding]:
    driver = patient.driver
    if isinstance(driver, Boot2DockerError) or not patient.is_running or patient.engine_reason:
        yield skipped("networks", "the engine does not answer")
        return
    try:
        nat = ipaddress.IPv4Network(driver.describe().nat_network)
    except Boot2DockerError as error:
        yield of_error("networks", error)
        return
    hiding = [name for name, subnet in _subnets(patient) if subnet.overlaps(nat)]
    for name in hiding:
        words = (
            f"the docker network '{name}' hides the VM's own network {nat}: "
            "published ports may answer nothing"
        )
        fix = (
            f"docker network rm {name}, and make it with another --subnet; or a VM with another "
            "network: boot2docker init --vm NAME --nat-network 10.0.77.0/24"
        )
        yield warning("networks", words, fix)
    if not hiding:
        yield ok("networks", f"no docker network hides the VM's own, {nat}")


def _subnets(patient: Patient) -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    for network in patient.endpoint.networks():
        if network.get("Driver") != OF_THE_VM:
            continue
        for subnet in _configured(network):
            with contextlib.suppress(ValueError):  # of IPv6, or none
                name = str(network.get("Name", "?"))[:NAME_LETTERS]
                yield name, ipaddress.IPv4Network(subnet, strict=False)


def _configured(network: Mapping[str, Any]) -> Iterator[str]:
    addresses = network.get("IPAM")
    parts = addresses.get("Config") if isinstance(addresses, dict) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            yield str(part.get("Subnet", ""))


def _adapter(patient: Patient) -> Iterator[Finding]:
    driver, state = patient.driver, patient.state
    if isinstance(driver, Boot2DockerError) or not isinstance(state, State):
        yield skipped("adapter", "there is no hypervisor")
        return
    if state in (State.ABSENT, State.BROKEN):
        yield skipped("adapter", f"the VM is {in_words(state)}")
        return
    try:
        problem = driver.host_only_problem()
    except Boot2DockerError as error:
        yield of_error("adapter", error)
        return
    if problem:
        yield warning("adapter", problem, "boot2docker restart")
    elif driver.features.has_host_only_network:
        yield ok("adapter", "nothing is wrong with a host-only adapter")
    else:
        yield ok("adapter", f"driver {driver.name} needs no host-only adapter")


def _internal(patient: Patient) -> Iterator[Finding]:
    driver = patient.driver
    if isinstance(driver, Boot2DockerError) or not patient.is_running:
        yield skipped("internal", "the VM does not run")
        return
    try:
        network = driver.describe().internal_network
        problem = driver.internal_network_problem()
    except Boot2DockerError as error:
        yield of_error("internal", error)
        return
    if network is None:
        yield ok("internal", "the VM has no network with other VMs")
    elif problem:
        words = f"the network '{network.name}' reaches no other VM: {problem}"
        yield warning("internal", words, "boot2docker up")
    else:
        where = f"{address_of(network)} on the internal network '{network.name}'"
        yield ok("internal", f"the VM is at {where}")


CHECKS = (
    Check(
        "internal",
        "The network that the VM has with others, where it has one: what hands its frames on",
        "warning: that has ended (QEMU)",
        _internal,
    ),
    Check(
        "adapter",
        "The host-only adapter of this machine, where the VM has one: its address, its DHCP server",
        "warning: it is gone, or is not as the VM needs it",
        _adapter,
    ),
    Check(
        "networks",
        "The docker networks, beside the VM's own",
        "warning: one of them hides the VM's network with this machine",
        _networks,
    ),
)
