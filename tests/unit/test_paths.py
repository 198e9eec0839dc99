"""Where our files lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boot2docker_py import paths


def test_environment_decides(tmp_path: Path) -> None:
    (tmp_path / ".boot2docker").mkdir()
    found = paths.find({"BOOT2DOCKER_DIR": str(tmp_path / "mine")}, tmp_path)
    assert found.home == tmp_path / "mine"


def test_folder_of_the_original_is_used_where_it_is(tmp_path: Path) -> None:
    (tmp_path / ".boot2docker").mkdir()
    assert paths.find({}, tmp_path).home == tmp_path / ".boot2docker"


@pytest.mark.parametrize("holds", [(), ("profile",)])
def test_a_new_folder_of_that_name_hides_no_vm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holds: tuple[str, ...]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    before = paths.find({}, tmp_path)
    (before.vm("boot2docker-vm").folder).mkdir(parents=True)
    (tmp_path / ".boot2docker").mkdir()
    for name in holds:
        (tmp_path / ".boot2docker" / name).write_text("Memory = 4096")
    after = paths.find({}, tmp_path)
    assert after.home == before.home
    assert (after.profile.parent == tmp_path / ".boot2docker") is bool(holds)


def test_a_vm_in_another_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    usual = paths.find({}, tmp_path)
    record = usual.vm("mine").driver_record
    record.parent.mkdir(parents=True)
    record.write_text("qemu")
    elsewhere = paths.find({"BOOT2DOCKER_DIR": str(tmp_path / "other")}, tmp_path)
    assert elsewhere.other_home_of("mine") == usual.home
    assert elsewhere.other_home_of("other") is None
    assert usual.other_home_of("mine") is None


def test_otherwise_the_operating_system_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert paths.find({}, tmp_path).home == tmp_path / "data" / "boot2docker"


def test_key_of_the_original_is_used_where_it_is(tmp_path: Path) -> None:
    found = paths.find({"BOOT2DOCKER_DIR": str(tmp_path)}, tmp_path)
    assert found.key == tmp_path / "id_boot2docker"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_boot2docker").write_text("key")
    assert found.key == tmp_path / ".ssh" / "id_boot2docker"


@pytest.mark.parametrize("store", [".docker/machine", "elsewhere"])
def test_key_and_image_of_docker_machine_are_used_for_its_vm(tmp_path: Path, store: str) -> None:
    environ = {"BOOT2DOCKER_DIR": str(tmp_path / "home")}
    if store == "elsewhere":
        environ["MACHINE_STORAGE_PATH"] = str(tmp_path / store)
    found = paths.find(environ, tmp_path)
    folder = tmp_path / store / "machines" / "default"
    folder.mkdir(parents=True)
    assert (found.key_of("default"), found.iso_of("default")) == (found.key, found.iso)
    for name in ("id_rsa", "boot2docker.iso"):
        (folder / name).write_text("")
    assert found.key_of("default") == folder / "id_rsa"
    assert found.iso_of("default") == folder / "boot2docker.iso"
    assert (found.key_of("other"), found.iso_of("other")) == (found.key, found.iso)


def test_socket_names_fit_the_system(tmp_path: Path) -> None:
    """A long home must not keep the sockets from being made (unix(7): 108 bytes)."""
    deep = tmp_path / ("ä" * 60)
    vm = paths.find({"BOOT2DOCKER_DIR": str(deep)}, tmp_path).vm("boot2docker-vm")
    assert len(os.fsencode(vm.docker_socket)) <= paths.SOCKET_PATH_BYTES
    assert vm.folder.parent.parent == deep


def test_long_homes_do_not_share_sockets(tmp_path: Path) -> None:
    homes = [tmp_path / ("x" * 90) / name for name in ("one", "two")]
    runs = {
        paths.find({"BOOT2DOCKER_DIR": str(home)}, tmp_path).vm(name).run
        for home in homes
        for name in ("a", "b")
    }
    assert len(runs) == 4


def test_private_folder_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    paths.make_private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
