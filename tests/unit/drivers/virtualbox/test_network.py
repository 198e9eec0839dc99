"""The host-only adapter and its DHCP server, on VirtualBox of every version."""

from __future__ import annotations

import pytest

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.model import HostOnly, State, VMSpec
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import network
from boot2docker_py.errors import NetworkError
from tests.unit.drivers.virtualbox.gate import RefusedError
from tests.unit.drivers.virtualbox.server import Connection, Interface

WANTED = HostOnly(
    *("auto", "192.168.59.3", "255.255.255.0", True),
    *("192.168.59.99", "192.168.59.103", "192.168.59.254"),
)


def test_one_adapter_is_made_and_used_again(virtualbox: Connection) -> None:
    assert network.ensure(virtualbox.api, WANTED) == "vboxnet0"
    assert network.ensure(virtualbox.api, WANTED) == "vboxnet0"
    server = virtualbox.server.dhcp_servers[0]
    assert virtualbox.server.dhcp_servers == [server]
    assert (server.IPAddress, server.lowerIP, server.enabled) == (
        *("192.168.59.99", "192.168.59.103"),
        True,
    )


def test_an_adapter_that_cannot_be_addressed_is_not_leaked(
    virtualbox: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 6.1.28 on VirtualBox allows few addresses on Linux and macOS."""
    refusal = RefusedError("E_ACCESSDENIED", "Access denied (E_ACCESSDENIED)")
    before = list(virtualbox.server.host.networkInterfaces)
    make = Interface.__init__

    def unaddressable(self: Interface, name: str, kind: str, address: str) -> None:
        make(self, name, kind, address)
        self.address_refusal = refusal

    monkeypatch.setattr(Interface, "__init__", unaddressable)
    with pytest.raises(NetworkError, match=r"192\.168\.59\.3") as caught:
        network.ensure(virtualbox.api, WANTED)
    assert "networks.conf" in caught.value.resolution
    assert virtualbox.server.host.networkInterfaces == before


def test_auto_starts_without_the_adapter_that_fails(
    virtualbox: Connection,
    driver: VirtualBoxDriver,
    spec: VMSpec,
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver.create(spec._replace(host_only=WANTED))
    reason = "Failed to open/create the internal network 'HostInterfaceNetworking-vboxnet0'"
    virtualbox.server.start_refusals.append(f"{reason} (VERR_INTNET_FLT_IF_NOT_FOUND).")
    driver.start()
    assert driver.state() is State.RUNNING
    assert "without its host-only network" in caplog.text


def test_an_adapter_that_cannot_be_made_is_an_error_when_required(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    virtualbox.server.host.adapter_refusal = "VBoxNetAdpCtl: failed to open /dev/vboxnetctl"
    required = WANTED._replace(mode="required")
    with pytest.raises(NetworkError, match="host-only"):
        driver.create(spec._replace(host_only=required))
    assert driver.state() is State.ABSENT
    driver.create(spec._replace(host_only=WANTED))
    assert driver.state() is State.OFF


def test_the_engine_may_have_the_usual_port_of_ssh(
    driver: VirtualBoxDriver, spec: VMSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ports.any_free()
    monkeypatch.setattr(ports, "USUAL_SSH", usual)
    driver.create(spec._replace(docker_port=usual))
    info = driver.describe()
    assert info.docker_port == usual
    assert info.ssh_port not in (0, usual)
