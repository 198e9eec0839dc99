"""Room on the host's disk, and what a full one has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers import host
from boot2docker_py.drivers.virtualbox.vm import room
from boot2docker_py.errors import StorageError

TEN_GB = 10 << 10


def test_what_is_free_is_told_from_what_is_needed(tmp_path: Path) -> None:
    room.demand_in(tmp_path)
    with pytest.raises(StorageError) as raised:
        room.demand_in(tmp_path, host.free_mb(tmp_path) + TEN_GB)
    assert f"free in '{tmp_path}'" in raised.value.details
    assert "Make space" in raised.value.resolution


@pytest.mark.parametrize(
    ("settings", "kept", "is_said"),
    [("", "all of it", True), ("", "", False), ("all", "all of it", False), ("", None, False)],
)
def test_settings_that_can_be_put_back(
    tmp_path: Path, settings: str, kept: str | None, *, is_said: bool
) -> None:
    file = tmp_path / "a vm.vbox"
    file.write_text(settings)
    if kept is not None:
        (tmp_path / "a vm.vbox-prev").write_text(kept)
    said = room.was_none_for(file)
    assert (f"copy '{file}-prev' to '{file}'" in said) is is_said
    assert bool(said) is is_said


def test_settings_that_are_gone(tmp_path: Path) -> None:
    assert room.was_none_for(tmp_path / "none.vbox") == ""
