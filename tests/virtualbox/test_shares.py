"""The shared folders of the driver, in a real VirtualBox; no guest mounts them here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import Boot, Share, State, VMSpec
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import shares
from boot2docker_py.errors import HypervisorError
from tests.virtualbox.test_driver import _vboxmanage, api, driver, paths, spec  # noqa: F401


@pytest.fixture
def home(tmp_path: Path) -> Share:
    return Share("Users/jö", _made(tmp_path / "my home"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _shared(driver: VirtualBoxDriver) -> dict[str, str]:  # noqa: F811
    return {share.name: str(share.folder) for share in driver.shares()}


def _boot(driver: VirtualBoxDriver, *wanted: Share, symlinks: bool = False) -> None:  # noqa: F811
    driver.start(Boot(shares=wanted, share_symlinks=symlinks))
    assert driver.state() is State.RUNNING
    driver.power_off()


def test_a_boot_shares_what_it_is_told_and_only_that(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    home: Share,
    tmp_path: Path,
) -> None:
    driver.create(spec)
    other = Share("data", _made(tmp_path / "data"))
    _boot(driver, home, other)
    assert _shared(driver) == {home.name: str(home.folder), "data": str(other.folder)}
    machine = driver.machine()
    assert machine.get_guest_property_value(shares.PROPERTY + "MountPrefix") == "/"
    moved = Share("data", _made(tmp_path / "elsewhere"))
    _boot(driver, moved)
    assert _shared(driver) == {"data": str(moved.folder)}
    _boot(driver)
    assert _shared(driver) == {}
    assert machine.get_extra_data(shares.NOTE) == ""


def test_a_share_that_is_right_is_not_written_again(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    home: Share,
    api: API,  # noqa: F811
) -> None:
    driver.create(spec)
    _boot(driver, home)
    machine = driver.machine()
    session = api.new_session()
    machine.lock_machine(session, api.library.LockType.write)
    try:  # a change would wait for the lock, and fail
        shares.apply(api, machine, Boot(shares=(home,)))
    finally:
        session.unlock_machine()


def test_the_guest_makes_symbolic_links_only_on_request(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    home: Share,
) -> None:
    driver.create(spec)
    machine, key = driver.machine(), shares.SYMLINKS + home.name
    _boot(driver, home)
    assert machine.get_extra_data(key) == ""
    _boot(driver, home, symlinks=True)
    assert machine.get_extra_data(key) == "1"
    _boot(driver, home)
    assert machine.get_extra_data(key) == ""
    _boot(driver, home, symlinks=True)
    _boot(driver)
    assert machine.get_extra_data(key) == ""


def test_a_share_of_somebody_else_is_left_alone(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    home: Share,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver.create(spec)
    theirs = _made(tmp_path / "theirs")
    name = driver.describe().name
    _vboxmanage("sharedfolder", "add", name, "--name", home.name, "--hostpath", str(theirs))
    _boot(driver, home)
    assert _shared(driver) == {home.name: str(theirs)}
    assert "made elsewhere" in caplog.text
    _boot(driver)
    assert _shared(driver) == {home.name: str(theirs)}


def test_a_share_of_ours_that_the_user_changed_is_the_users(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    home: Share,
    tmp_path: Path,
) -> None:
    driver.create(spec)
    _boot(driver, home)
    theirs, name = _made(tmp_path / "theirs"), driver.describe().name
    _vboxmanage("sharedfolder", "remove", name, "--name", home.name)
    _vboxmanage("sharedfolder", "add", name, "--name", home.name, "--hostpath", str(theirs))
    _boot(driver)
    assert _shared(driver) == {home.name: str(theirs)}


def test_a_saved_vm_keeps_its_shares(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
    home: Share,
) -> None:
    driver.create(spec)
    driver.start(Boot(shares=(home,)))
    driver.save()
    driver.start(Boot(shares=()))
    assert driver.state() is State.RUNNING
    assert _shared(driver) == {home.name: str(home.folder)}


def test_a_missing_folder_is_refused_by_the_command(tmp_path: Path) -> None:
    iso = tmp_path / "blank.iso"
    iso.write_bytes(bytes(1 << 20))
    words = ["boot2docker", "--vm", f"no folder {tmp_path.name}", "--driver", "virtualbox"]
    missing = tmp_path / "not there"
    share = [f"--vbox-share={missing}=name", "up"]
    ended = subprocess.run([*words, *share], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert str(missing) in ended.stderr
    status = subprocess.run([*words, "status"], capture_output=True, text=True, check=False)
    assert status.returncode == 3


def test_a_window_where_virtualbox_has_none_is_an_error_that_says_so(
    driver: VirtualBoxDriver,  # noqa: F811
    spec: VMSpec,  # noqa: F811
) -> None:
    driver.create(spec)
    with pytest.raises(HypervisorError) as caught:
        driver.start(Boot(window=True))
    assert "--gui" in caught.value.resolution
    assert driver.state() is State.OFF
    driver.start()
    assert driver.state() is State.RUNNING
