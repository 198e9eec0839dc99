"""Which process listens at a port of this machine, for a QEMU that does not answer."""

from __future__ import annotations

import os
import socket

import pytest

from boot2docker_py.host import port_holder


@pytest.mark.parametrize(("program", "is_found"), [("python", True), ("qemu-system-", False)])
def test_a_process_is_known_by_its_port_and_the_name_of_its_program(
    program: str, is_found: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        found = port_holder.process_listening("127.0.0.1", port, program)
    assert found == (os.getpid() if is_found else 0)
