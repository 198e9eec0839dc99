"""A VM that is made, and one that gets a new disk, without QEMU: its tools are a stand-in."""

from __future__ import annotations

import dataclasses
import stat
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers import ports
from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.qemu import copies, disk
from boot2docker_py.drivers.qemu.driver import QEMUDriver
from boot2docker_py.drivers.qemu.files import Files, read_settings, write_settings
from boot2docker_py.errors import HypervisorError
from boot2docker_py.paths import Paths, VMPaths
from tests.fakes import a_spec
from tests.unit.drivers.qemu.test_command_line import SETTINGS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


class Killed(BaseException):
    """The command ends here, without another step."""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the tools of QEMU be a script."""
    folder.mkdir(exist_ok=True)
    for name in ("qemu-system-x86_64", "qemu-img"):
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BOOT2DOCKER_QEMU", str(folder / "qemu-system-x86_64"))


@pytest.fixture
def vm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VMPaths:
    """Return a VM that is off, a linked clone of another one."""
    stand_in(tmp_path / "bin", monkeypatch, "exit 0")
    paths = Paths(tmp_path, tmp_path).vm("work")
    paths.folder.mkdir(parents=True)
    files = Files(paths.folder)
    write_settings(files.settings, dataclasses.replace(SETTINGS, base="../other/base-tag.qcow2"))
    files.disk.write_bytes(b"the old disk")
    return paths


def test_what_clones_that_are_gone_have_built_on_goes_with_the_old_disk(vm: VMPaths) -> None:
    base = Files(vm.folder).base("tag")
    base.write_bytes(b"some gigabytes")
    copies.protect(base)
    driver = QEMUDriver(vm)
    driver.replace_disk(b"seed", 1000)
    assert not base.exists()
    assert driver.state() is State.OFF


def test_a_linked_clone_builds_on_the_other_until_it_has_its_new_disk(
    vm: VMPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the other could be deleted after a kill, and with it all that the old disk holds."""
    files, driver = Files(vm.folder), QEMUDriver(vm)
    replace = Path.replace

    def killed(source: Path, target: Path) -> Path:
        if target == files.disk:
            raise Killed
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(Killed):
            driver.replace_disk(b"seed", 1000)
    assert files.disk.read_bytes() == b"the old disk"
    assert read_settings(files.settings).base
    driver.replace_disk(b"seed", 1000)
    assert not read_settings(files.settings).base


def test_a_tool_that_does_not_end_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", monkeypatch, "exec sleep 60")
    monkeypatch.setattr(disk, "_TIMEOUT_S", 0.2)
    with pytest.raises(HypervisorError, match="qemu-img"):
        disk.resize(tmp_path / "disk.qcow2", 1000)


def test_the_engine_may_have_the_usual_port_of_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", monkeypatch, "exit 0")
    usual = ports.any_free()
    monkeypatch.setattr(ports, "USUAL_SSH", usual)
    driver = QEMUDriver(Paths(tmp_path, tmp_path).vm("work"))
    driver.create(a_spec(tmp_path / "boot2docker.iso")._replace(docker_port=usual))
    info = driver.describe()
    assert info.docker_port == usual
    assert info.ssh_port not in (0, usual)
