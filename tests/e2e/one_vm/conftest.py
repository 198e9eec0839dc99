"""The VM that the tests of this folder share; it is gone before the other tests begin."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Iterator

import pytest

from tests.e2e.conftest import VM


@pytest.fixture(scope="package")
def one_vm(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VM]:
    """Make a VM for these tests; whatever a test does to it, `vm` brings it up again."""
    vm = VM(tmp_path_factory.mktemp("käpt'n") / "b 2 d", iso)
    with socket.create_server(("127.0.0.1", 0)) as free:
        docker_port = str(free.getsockname()[1])
    words = ["--memory", "1024", "--cpus", "2", "--disksize", "6000", "--dockerport", docker_port]
    words += ["--internal-network", "cable"]
    vm.run("init", "--iso-url", str(iso), *words)
    yield vm
    vm.run("delete", "--force")


@pytest.fixture
def vm(one_vm: VM) -> VM:
    """Return the VM, running."""
    one_vm.run("up", "--timeout", "150")
    return one_vm


@pytest.fixture(scope="package")
def busybox_image(one_vm: VM, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a container image from local files: there is no registry here."""
    one_vm.run("up", "--timeout", "150")
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
    one_vm.docker("build", "--tag", "busybox", str(context))
    return "busybox"
