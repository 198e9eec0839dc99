"""Shared folders from the settings to the driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py import config as configuration
from boot2docker_py.cli.session import Session
from boot2docker_py.config import shares
from boot2docker_py.drivers.model import Share, State
from boot2docker_py.drivers.virtualbox.vm.shares import plain
from boot2docker_py.errors import UsageError
from boot2docker_py.paths import Paths
from tests.fakes import FakeDriver
from tests.unit.machine.test_machine import House, paths  # noqa: F401 - a fixture

GO_ON = (State.RUNNING, State.PAUSED, State.SAVED)


class SharingDriver(FakeDriver):
    features = FakeDriver.features._replace(has_shared_folders=True)


class SharingHouse(House):
    kind = SharingDriver


def a_house(paths: Paths, state: State, *words: str) -> House:  # noqa: F811
    return SharingHouse(paths, state, vbox_share=words)


@pytest.mark.parametrize(
    ("folder", "platform", "name"),
    [
        (r"C:\Users", "win32", "c/Users"),
        (r"\\server\share\work", "win32", "server/share/work"),
        ("D:\\", "win32", "d"),
        ("/srv/data", "linux", "srv/data"),
        ("/Users", "darwin", "Users"),
    ],
)
def test_a_folder_without_a_name_has_the_originals(folder: str, platform: str, name: str) -> None:
    assert shares.name_of(folder, platform) == name


def test_the_folder_of_the_homes_is_shared_but_on_linux() -> None:
    assert shares.default("win32") == (r"C:\Users=c/Users",)
    assert shares.default("darwin") == ("/Users=Users",)
    assert shares.default("linux") == ()


@pytest.mark.parametrize("disable", [["disable"], ("/a", "disable"), "disable"])
def test_disable_turns_all_off(disable: object) -> None:
    assert shares.shares(disable) == ()


def test_a_variable_names_several_as_path_does() -> None:
    assert shares.shares("/a=x:/b/c") == ("/a=x", "/b/c=b/c")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["/a b"], "spaces"),
        (["/a=two words"], "spaces"),
        (["/a=../etc"], "path in the VM"),
        (["/a=x//y"], "path in the VM"),
        (["/a=x:y"], "path in the VM"),
        (["/"], "path in the VM"),
        (["/a=x", "/b=x"], "of its own"),
        ([""], "must name a folder"),
        ([7], "list"),
        (True, "list"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_the_reason(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        shares.shares(value)


def test_the_profile_keeps_a_list_that_reads_back(paths: Paths) -> None:  # noqa: F811
    paths.home.mkdir(parents=True)
    paths.profile.write_text('VBoxShare = ["/srv/my data=data", "/opt"]\n')
    config = configuration.load(paths, {})
    assert config.vbox_share == ("/srv/my data=data", "/opt=opt")
    paths.profile.write_text(configuration.as_toml(config))
    assert configuration.load(paths, {}).vbox_share == config.vbox_share


def test_a_boot_is_told_what_to_share(paths: Paths, tmp_path: Path) -> None:  # noqa: F811
    house = a_house(paths, State.OFF, f"{tmp_path}=work")
    house.machine.up(house.deadline())
    assert house.driver.told.shares == (Share("work", tmp_path),)


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("up", State.ABSENT),
        ("up", State.OFF),
        ("up", State.ABORTED),
        *((command, state) for command in ("restart", "reset") for state in (State.OFF, *GO_ON)),
    ],
)
def test_a_missing_folder_changes_nothing(
    paths: Paths,  # noqa: F811
    tmp_path: Path,
    command: str,
    state: State,
) -> None:
    house = a_house(paths, state, str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="gone"):
        getattr(house.machine, command)(house.deadline())
    assert house.driver.peek() is state


@pytest.mark.parametrize("state", GO_ON)
def test_a_missing_folder_is_nothing_to_a_vm_that_goes_on(
    paths: Paths,  # noqa: F811
    tmp_path: Path,
    state: State,
) -> None:
    house = a_house(paths, state, str(tmp_path / "gone"))
    house.machine.up(house.deadline())
    assert house.driver.peek() is State.RUNNING


@pytest.mark.parametrize(
    ("command", "state"), [("up", State.SAVED), ("up", State.RUNNING), ("init", State.ABSENT)]
)
def test_a_share_that_counts_at_the_next_boot_is_answered(
    paths: Paths,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    command: str,
    state: State,
) -> None:
    house = a_house(paths, state, str(tmp_path))
    getattr(house.machine, command)(house.deadline())
    assert "--vbox-share counts when" in caplog.text
    assert house.driver.told.shares is None


def test_a_driver_without_shares_refuses_the_flag(paths: Paths, tmp_path: Path) -> None:  # noqa: F811
    house = House(paths, State.OFF, vbox_share=[str(tmp_path)])
    with pytest.raises(UsageError, match="shares no folders") as caught:
        house.machine.up(house.deadline())
    assert "--driver virtualbox" in caught.value.resolution
    assert house.driver.peek() is State.OFF


def test_a_driver_without_shares_is_told_of_none(paths: Paths, tmp_path: Path) -> None:  # noqa: F811
    paths.home.mkdir(parents=True)
    folder = str(tmp_path / "gone").replace("\\", "/")
    paths.profile.write_text(f'VBoxShare = ["{folder}"]\n')
    house = House(paths, State.OFF)
    house.machine.up(house.deadline())
    assert house.driver.told.shares is None


def test_flags_on_both_sides_of_the_command_all_count() -> None:
    session = Session()
    for given in (("/a=x",), ("/b=y", "/c=z"), ()):
        session.take({"vbox_share": given})
    assert session.flags["vbox_share"] == ("/a=x", "/b=y", "/c=z")


@pytest.mark.parametrize("folder", [r"C:\Users", r"\\?\c:\Users", "c:/users"])
def test_a_folder_is_the_same_however_windows_is_told_it(folder: str) -> None:
    assert plain(folder, "win32") == r"c:\users"
    assert plain("/Srv", "linux") == "/Srv"
