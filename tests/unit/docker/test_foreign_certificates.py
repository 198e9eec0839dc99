"""Certificates of an engine that Docker Machine, or the user, has made."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.docker.foreign_certificates import Authority, authority, take
from boot2docker_py.errors import GuestError
from boot2docker_py.ssh.connection import Result
from boot2docker_py.wait import Deadline
from tests.unit.docker.test_certificates import Engine, engine, issue

__all__ = ["engine"]

# As libmachine writes it: provision/boot2docker.go, GenerateDockerOptions.
OF_DOCKER_MACHINE = """
EXTRA_ARGS='
--label provider=virtualbox
'
CACERT={home}/ca.pem
DOCKER_HOST='-H tcp://0.0.0.0:2376'
DOCKER_STORAGE=overlay2
DOCKER_TLS=auto
SERVERKEY={home}/server-key.pem
SERVERCERT={home}/server.pem
"""


class Guest:
    """A guest whose files are in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "boot2docker"
        (self.home / "tls").mkdir(parents=True)
        self._bin = folder / "bin"
        self._bin.mkdir()
        sudo = self._bin / "sudo"
        sudo.write_text('#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n')
        sudo.chmod(0o755)

    def run(self, command: Any, *, timeout_s: float, stdin: bytes = b"") -> Result:
        there = [word.replace("/var/lib/boot2docker", str(self.home)) for word in command]
        environ = {"PATH": f"{self._bin}:/usr/bin:/bin"}
        done = subprocess.run(
            there, env=environ, capture_output=True, timeout=timeout_s, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def authority(self, profile: str) -> Authority | None:
        (self.home / "profile").write_text(profile.format(home=self.home))
        return authority(self, Deadline(60))  # type: ignore[arg-type]


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path / "guest")


@pytest.mark.parametrize(
    "profile",
    [
        OF_DOCKER_MACHINE,
        "export CACERT={home}/ca.pem\n",
        'CACERT="{home}/ca.pem" # mine\n',
        "CACERT={home}/tls/old.pem\nCACERT='{home}/ca.pem'; x=y\n",
    ],
)
def test_a_profile_that_names_others(guest: Guest, profile: str) -> None:
    (guest.home / "ca.pem").write_bytes(b"the authority\n")
    found = guest.authority(profile)
    assert found is not None
    assert found.file == f"{guest.home}/ca.pem"
    assert found.certificate == b"the authority"


@pytest.mark.parametrize(
    "profile", ["", "CACERT=/var/lib/boot2docker/tls/ca.pem\n", "# CACERT=/x\n", "XCACERT=/x"]
)
def test_a_profile_that_names_none(guest: Guest, profile: str) -> None:
    assert guest.authority(profile) is None


def test_a_guest_without_a_profile(guest: Guest) -> None:
    assert authority(guest, Deadline(60)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", [(90, "IP:127.0.0.1")], indirect=True)
class TestDockerMachinesStore:
    def test_its_client_certificates_are_taken(self, engine: Engine, tmp_path: Path) -> None:
        found = Authority("/ca.pem", (tmp_path / "ca.pem").read_bytes().strip())
        folder = tmp_path / "home" / "certs" / "vm"
        take(found, [tmp_path / "missing", tmp_path], folder, engine.address)
        for name in ("ca.pem", "cert.pem", "key.pem"):
            assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()

    def test_those_of_another_authority_are_not(self, engine: Engine, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        issue(other, 90, "IP:127.0.0.1")
        found = Authority("/ca.pem", (tmp_path / "ca.pem").read_bytes().strip())
        with pytest.raises(GuestError, match="another program made") as caught:
            take(found, [other], tmp_path / "certs", engine.address)
        assert "names /ca.pem" in caught.value.details
        assert "docker-machine config" in caught.value.resolution
        assert not (tmp_path / "certs").exists()


@pytest.mark.parametrize("engine", [(90, "IP:10.9.9.9")], indirect=True)
def test_ours_are_not_made_anew_in_the_place_of_others(engine: Engine, tmp_path: Path) -> None:
    found = Authority("/ca.pem", (tmp_path / "ca.pem").read_bytes().strip())
    with pytest.raises(GuestError) as caught:
        take(found, [tmp_path], tmp_path / "home" / "certs", engine.address)
    assert caught.value.resolution == "docker-machine regenerate-certs"
