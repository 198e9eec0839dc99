"""`boot2docker ssh` without the rest: for the tests that need a process with streams of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from boot2docker_py.address import Address
from boot2docker_py.guest import terminal
from boot2docker_py.ssh.connection import connect
from boot2docker_py.wait import Deadline

port, user, key, known_hosts, *words = sys.argv[1:]
with connect(
    Address("127.0.0.1", int(port)),
    user=user,
    key=Path(key),
    known_hosts=Path(known_hosts),
    host_name="vm",
    deadline=Deadline(60),
) as connection:
    status = terminal.run(connection, words)
sys.exit(status)
