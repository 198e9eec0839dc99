"""A real VM, in a home whose name has a space and a letter that is not ASCII."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import own_home

ROOT = Path(__file__).parents[2]
os.environ.setdefault("BOOT2DOCKER_QEMU", str(ROOT / "tests" / "qemu-offline"))
TIMEOUT_S = 300


class VM:
    """The command line and the docker client, as a user has them."""

    def __init__(self, home: Path, iso: Path, name: str = "boot2docker-vm") -> None:
        self.home = home
        self.iso = iso
        self.name = name
        self.environ = dict(os.environ)
        own_home.move(self.environ, home.parent)
        self.environ["BOOT2DOCKER_DIR"] = str(home)
        self.environ["DOCKER_CONFIG"] = str(home.parent / "docker")
        self.environ["DOCKER_BUILDKIT"] = "0"
        # What a company added to this machine is no matter of the tests.
        self.environ.update(BOOT2DOCKER_ENGINE_CA="off", BOOT2DOCKER_PROXY="off")
        self.environ["DOCKER_HOST"] = f"unix://{self.run_folder / 'docker.sock'}"

    @property
    def folder(self) -> Path:
        return self.home / "vms" / self.name

    @property
    def run_folder(self) -> Path:
        from boot2docker_py.paths import find

        return find({"BOOT2DOCKER_DIR": str(self.home)}, self.home.parent).vm(self.name).run

    def try_run(
        self, *words: str, stdin: bytes = b"", timeout_s: float = TIMEOUT_S
    ) -> subprocess.CompletedProcess[bytes]:
        """Run boot2docker, whatever comes of it."""
        program = [sys.executable, "-m", "boot2docker_py", "--vm", self.name, *words]
        return subprocess.run(
            program,
            input=stdin,
            capture_output=True,
            env=self.environ,
            cwd=ROOT,
            timeout=timeout_s,
            check=False,
        )

    def run(self, *words: str, stdin: bytes = b"") -> str:
        """Run boot2docker, which must succeed; return what it printed."""
        answer = self.try_run(*words, stdin=stdin)
        assert answer.returncode == 0, answer.stderr.decode() + self.end_of_console()
        return answer.stdout.decode()

    def end_of_console(self) -> str:
        """Return what the guest said last, for the report of a failure."""
        log = self.folder / "console.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def try_docker(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run the docker client, whatever comes of it."""
        return subprocess.run(
            ["docker", *words],
            input=stdin,
            capture_output=True,
            env=self.environ,
            timeout=TIMEOUT_S,
            check=False,
        )

    def docker(self, *words: str, stdin: bytes = b"") -> str:
        """Run the docker client, which must succeed; return what it printed."""
        answer = self.try_docker(*words, stdin=stdin)
        assert answer.returncode == 0, answer.stderr.decode()
        return answer.stdout.decode()


@pytest.fixture(scope="session")
def iso() -> Path:
    """Return the image that `make iso` built."""
    found = Path(os.environ.get("BOOT2DOCKER_TEST_ISO", ROOT / "build" / "boot2docker.iso"))
    assert found.exists(), f"there is no '{found}'; build it with: make iso"
    return found
