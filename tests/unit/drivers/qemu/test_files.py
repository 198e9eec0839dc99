"""The settings of a VM on disk."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from boot2docker_py.drivers.qemu.files import (
    Files,
    Settings,
    read_settings,
    temporary,
    write_settings,
)
from boot2docker_py.errors import StorageError
from tests.unit.drivers.qemu.test_command_line import SETTINGS


def test_settings_come_back_as_they_went(tmp_path: Path) -> None:
    write_settings(tmp_path / "vm.json", SETTINGS)
    assert read_settings(tmp_path / "vm.json") == SETTINGS


def test_a_home_that_moved_holds_the_vm_as_it_was(tmp_path: Path) -> None:
    before, after, elsewhere = tmp_path / "before", tmp_path / "after", tmp_path / "my.iso"
    (before / "vms" / "one").mkdir(parents=True)
    (before / "vms" / "two").mkdir()

    def settings(home: Path, name: str) -> Settings:
        iso = home / "boot2docker.iso" if name == "one" else elsewhere
        log = home / "vms" / name / "console.log"
        return dataclasses.replace(SETTINGS, iso=str(iso), console_log=str(log))

    for name in ("one", "two"):
        write_settings(before / "vms" / name / "vm.json", settings(before, name))
    before.rename(after)
    for name in ("one", "two"):
        assert read_settings(after / "vms" / name / "vm.json") == settings(after, name)


def test_a_write_that_fails_leaves_the_old_settings(tmp_path: Path) -> None:
    path = tmp_path / "vm.json"
    write_settings(path, SETTINGS)
    temporary(path).symlink_to("/dev/full")
    with pytest.raises(OSError, match="space"):
        write_settings(path, dataclasses.replace(SETTINGS, ssh_port=1))
    assert read_settings(path) == SETTINGS


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Settings)])
@pytest.mark.parametrize("wrong", [None, {}, 1.5])
def test_a_wrong_value_is_named(tmp_path: Path, field: str, wrong: object) -> None:
    path = tmp_path / "vm.json"
    path.write_text(json.dumps({**dataclasses.asdict(SETTINGS), field: wrong}))
    with pytest.raises(StorageError) as caught:
        read_settings(path)
    assert str(path) in caught.value.brief
    assert field in caught.value.details


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\ufeff{}", "\x00"])
def test_a_damaged_file_is_a_storage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vm.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StorageError):
        read_settings(path)


def test_every_file_is_ours_to_delete(tmp_path: Path) -> None:
    """A file that is added to the class is not forgotten by `delete`."""
    files = Files(tmp_path)
    named = {
        getattr(files, name) for name, member in vars(Files).items() if isinstance(member, property)
    }
    assert named - set(files.all_but_unfinished()) == {files.unfinished}
