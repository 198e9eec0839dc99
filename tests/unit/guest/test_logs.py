"""A log of the guest, shown as it grows: whatever the guest says beside it."""

from __future__ import annotations

import io
from pathlib import Path

import paramiko
import pytest

from boot2docker_py.errors import GuestError
from boot2docker_py.guest import logs, names
from boot2docker_py.ssh import keys
from boot2docker_py.ssh.connection import connect
from boot2docker_py.wait import Deadline
from tests.unit.listening import LONG_S
from tests.unit.ssh.fake_guest import FakeGuest

CHUNK = b"never mind\n" * 10_000


def complain_at_length(channel: paramiko.Channel) -> None:
    channel.sendall_stderr(b"the reason\n")
    for _chunk in range(60):
        channel.sendall_stderr(CHUNK)
    channel.send_exit_status(1)
    channel.close()


def test_complaints_beside_a_log_that_is_followed_cost_little(tmp_path: Path) -> None:
    """Whoever follows a log does so for days."""
    keys.ensure_key_pair(tmp_path / "id")
    script = logs.script(names.LOGS["engine"], 5, follows=True).encode()
    with FakeGuest(commands={script: complain_at_length}) as guest, connect(
        guest.address,
        user="docker",
        key=tmp_path / "id",
        known_hosts=tmp_path / "known_hosts",
        host_name="vm",
        deadline=Deadline(LONG_S),
    ) as connection, pytest.raises(GuestError) as caught:
        logs.follow(connection, "engine", 5, io.BytesIO())
    assert caught.value.details.startswith("the reason\n")
    assert len(caught.value.details) <= logs.COMPLAINT_BYTES
