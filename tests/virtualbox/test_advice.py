"""Faults of a real VirtualBox, through the command line: status, words and advice."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import VMSpec
from tests.virtualbox.test_driver import (  # noqa: F401 - fixtures
    MADE,
    end_server,
    paths,
    spec,
)


class OtherHome:
    """A VirtualBox with a home, a server and VMs of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.virtualbox = folder / "virtualbox"
        self.environ = {
            **os.environ,
            "VBOX_USER_HOME": str(self.virtualbox),
            "VBOX_IPC_SOCKETID": uuid.uuid4().hex,
            "BOOT2DOCKER_DIR": str(folder / "b2d"),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, capture_output=True, text=True, env=self.environ, check=False)

    def boot2docker(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("boot2docker", "--driver", "virtualbox", *words)

    def make_vm(self, spec: VMSpec) -> None:  # noqa: F811
        assert self.run("prepare-virtualbox").returncode == 0
        command = [sys.executable, "-c", MADE, str(self.folder / "b2d"), "vm", str(spec.iso)]
        made = self.run(*command)
        assert made.returncode == 0, made.stderr


@pytest.fixture
def other(tmp_path: Path) -> Iterator[OtherHome]:
    other = OtherHome(tmp_path)
    yield other
    end_server(other.virtualbox)


def test_broken_settings_of_virtualbox_are_named(other: OtherHome) -> None:
    other.virtualbox.mkdir()
    settings = other.virtualbox / "VirtualBox.xml"
    settings.write_text("nonsense")
    answer = other.boot2docker("status")
    assert answer.returncode == 6
    assert answer.stdout == ""
    assert str(settings) in answer.stderr
    assert "VirtualBox.xml-prev" in answer.stderr
    assert settings.read_text() == "nonsense", "it is the user's, and evidence"


def test_a_home_of_virtualbox_that_cannot_be_written_is_said(other: OtherHome) -> None:
    # The tests may be root, for whom everything can be written; a file is no folder for anybody.
    other.virtualbox.write_text("")
    answer = other.boot2docker("init")
    assert answer.returncode == 6
    assert "NS_ERROR_SOCKET_FAIL" in answer.stderr
    assert "VBOX_USER_HOME" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_vm_that_another_program_holds_is_busy(other: OtherHome, spec: VMSpec) -> None:  # noqa: F811
    other.make_vm(spec)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS], env=other.environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        answer = other.boot2docker("--vm", "vm", "up", "--iso", str(spec.iso), "--offline")
    finally:
        holder.kill()
        holder.communicate()
    assert answer.returncode == 10, answer.stderr
    assert "locked by another program" in answer.stderr
    assert f"held by process {holder.pid}" in answer.stderr
    assert "VirtualBox window" in answer.stderr


HOLDS = """
import time
from boot2docker_py.drivers.virtualbox.binding.api import connect

api = connect()
session = api.new_session()
api.virtualbox.find_machine("vm").lock_machine(session, api.library.LockType.write)
print("held", flush=True)
time.sleep(600)
"""


def test_a_data_disk_that_is_damaged_is_named(other: OtherHome, spec: VMSpec) -> None:  # noqa: F811
    other.make_vm(spec)
    disk = other.virtualbox / "machines" / "vm" / "vm.vmdk"
    end_server(other.virtualbox)
    disk.write_bytes(b"damaged" * 1000)
    answer = other.boot2docker("--vm", "vm", "up", "--iso", str(spec.iso), "--offline")
    assert answer.returncode == 6, answer.stderr
    assert "a disk of the VM is gone, or damaged" in answer.stderr
    assert str(disk) in answer.stderr
    assert disk.read_bytes().startswith(b"damaged")
