"""What every unit test must leave behind, and the SSH server that many rooms talk to."""

from __future__ import annotations

from typing import Iterator

import pytest

from tests.unit.listening import assert_no_thread_is_left_in_accept
from tests.unit.ssh.real_sshd import SSHD, Sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Serve on loopback while the tests run."""
    if SSHD is None:
        pytest.skip("needs OpenSSH's sshd (openssh-server)")
    with Sshd(tmp_path_factory.mktemp("sshd") / "etc").running() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_thread_is_left_in_accept() -> Iterator[None]:
    yield
    assert_no_thread_is_left_in_accept()
