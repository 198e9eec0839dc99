"""Fixtures of the tests that talk to the real sshd."""

from __future__ import annotations

from typing import Iterator

import pytest

from tests.unit.ssh.real_sshd import SSHD, Sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Serve on loopback while the tests run."""
    if SSHD is None:
        pytest.skip("needs OpenSSH's sshd (openssh-server)")
    with Sshd(tmp_path_factory.mktemp("sshd") / "etc").running() as server:
        yield server
