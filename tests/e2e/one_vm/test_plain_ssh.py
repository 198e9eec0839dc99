"""The plain way of SSH on a real VM: paramiko's own packets carry all that docker does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.e2e.conftest import VM


def forwarder(vm: VM) -> dict[str, Any]:
    health: dict[str, Any] = json.loads(vm.run("status", "--json"))["forwarder"]
    return health


@pytest.fixture
def plain(vm: VM, monkeypatch: pytest.MonkeyPatch) -> Iterator[VM]:
    """Return the VM with a forwarder on the plain way; the fast one comes back after the test."""
    with monkeypatch.context() as environ:
        environ.setitem(vm.environ, "BOOT2DOCKER_PLAIN_SSH", "1")
        vm.run("up")
        yield vm
    vm.run("up")
    assert forwarder(vm)["is_plain"] is False


def test_plain_way_carries_images_containers_copies_and_commands(
    plain: VM, busybox_image: str, tmp_path: Path
) -> None:
    assert forwarder(plain)["is_plain"] is True
    archive = tmp_path / "image.tar"
    plain.docker("save", "--output", str(archive), busybox_image)
    plain.docker("load", "--input", str(archive))
    assert plain.docker("run", "--rm", busybox_image, "echo", "well") == "well\n"
    sent, back = tmp_path / "sent", tmp_path / "back"
    sent.write_bytes(os.urandom(5_000_000))
    plain.run("cp", str(sent), "vm:/tmp/plain")
    plain.run("cp", "vm:/tmp/plain", str(back))
    assert back.read_bytes() == sent.read_bytes()
    assert plain.run("ssh", "echo", "well") == "well\n"
    findings = {each["id"]: each for each in json.loads(plain.run("doctor", "--json"))["findings"]}
    assert findings["transfer"]["level"] == "ok"
