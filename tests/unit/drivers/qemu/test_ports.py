"""Ports on this host."""

from __future__ import annotations

import dataclasses
import logging
import socket

import pytest

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.qemu import start
from boot2docker_py.errors import NetworkError
from tests.unit.drivers.qemu.test_command_line import SETTINGS


def test_a_port_where_somebody_listens_is_taken() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        with socket.create_server((host, 0)) as listener:
            port = listener.getsockname()[1]
            assert not ports.is_free(port)
            with pytest.raises(NetworkError, match=str(port)):
                ports.demand_free(port, "SSH")
        assert ports.is_free(port)


def test_a_port_with_lingering_connections_is_free() -> None:
    """Else `restart` would move the port each time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = listener.accept()
        served.close()
        client.close()
    assert ports.is_free(port)


def test_only_a_taken_port_is_moved_and_the_user_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    free = dataclasses.replace(SETTINGS, ssh_port=ports.any_free())
    with caplog.at_level(logging.WARNING):
        assert start.with_free_ports(free, uses_port=False) == free
        assert not caplog.records
        with socket.create_server(("127.0.0.1", 0)) as listener:
            taken = dataclasses.replace(free, docker_port=listener.getsockname()[1])
            moved = start.with_free_ports(taken, uses_port=False)
    assert moved.ssh_port == free.ssh_port
    assert moved.docker_port not in (0, taken.docker_port)
    assert str(taken.docker_port) in caplog.text
    assert str(moved.docker_port) in caplog.text


def test_the_monitor_gets_a_port_only_where_it_has_no_socket() -> None:
    settings = dataclasses.replace(SETTINGS, ssh_port=ports.any_free())
    at_socket = start.with_free_ports(settings, uses_port=False)
    assert (at_socket.qmp_port, at_socket.console_port) == (0, 0)
    at_port = start.with_free_ports(settings, uses_port=True)
    assert at_port.qmp_port > 0
    assert at_port.console_port not in (0, at_port.qmp_port)
