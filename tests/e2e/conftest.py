"""A real VM, in a home whose name has a space and a letter that is not ASCII."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[2]
os.environ.setdefault("BOOT2DOCKER_QEMU", str(ROOT / "tests" / "qemu-offline"))
TIMEOUT_S = 300


class VM:
    """The command line and the docker client, as a user has them."""

    def __init__(self, home: Path, iso: Path, name: str = "boot2docker-vm") -> None:
        self.home = home
        self.iso = iso
        self.name = name
        self.environ = {**os.environ, "BOOT2DOCKER_DIR": str(home), "HOME": str(home.parent)}
        self.environ["DOCKER_CONFIG"] = str(home.parent / "docker")
        self.environ["DOCKER_BUILDKIT"] = "0"
        self.environ.pop("DOCKER_CONTEXT", None)
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
        assert answer.returncode == 0, answer.stderr.decode()
        return answer.stdout.decode()

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


@pytest.fixture(scope="session")
def session_vm(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VM]:
    """Make a VM for all tests; whatever a test does to it, `vm` brings it up again."""
    vm = VM(tmp_path_factory.mktemp("käpt'n") / "b 2 d", iso)
    vm.run("init", "--iso-url", str(iso), "--memory", "1024", "--cpus", "2", "--disksize", "6000")
    yield vm
    vm.run("delete", "--force")


@pytest.fixture
def vm(session_vm: VM) -> VM:
    """Return the VM, running."""
    session_vm.run("up")
    return session_vm


@pytest.fixture(scope="session")
def busybox_image(session_vm: VM, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a container image from local files: there is no registry here."""
    session_vm.run("up")
    context = tmp_path_factory.mktemp("context")
    busybox = shutil.which("busybox")
    assert busybox, "there is no static busybox; get it with: make deps"
    shutil.copy(busybox, context / "busybox")
    (context / "Dockerfile").write_text(
        "FROM scratch\n"
        "COPY busybox /bin/busybox\n"
        'RUN ["/bin/busybox", "--install", "-s", "/bin"]\n'
        'CMD ["/bin/sh"]\n'
    )
    session_vm.docker("build", "--tag", "busybox", str(context))
    return "busybox"
