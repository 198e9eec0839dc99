"""A file of ours that cannot be used: whose it is, what to type, and no talk of a defect."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import StorageError
from boot2docker_py.host import superuser
from boot2docker_py.host.file_problem import explained
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession

is_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away"
)
NOBODY = 65534


def of(number: int, file: Path, home: Path) -> StorageError:
    problem = explained(OSError(number, os.strerror(number), str(file)), home)
    assert isinstance(problem, StorageError)
    assert str(file) in problem.brief
    return problem


@is_root
def test_whose_it_is_and_how_it_becomes_ours(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = home / "profile"
    file.touch()
    os.chown(file, NOBODY, NOBODY)
    problem = of(errno.EACCES, file, home)
    assert problem.details.startswith("Permission denied. it belongs to ")
    assert problem.resolution == f"sudo chown -R {os.getuid()} '{home}'"


@is_root
def test_whose_the_folder_of_a_missing_file_is(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    problem = of(errno.EACCES, tmp_path / "a" / "b", tmp_path / "home")
    assert f"'{tmp_path}' belongs to " in problem.details
    assert problem.resolution == f"sudo chown -R {os.getuid()} '{tmp_path}'"


def test_our_own_without_rights(tmp_path: Path) -> None:
    problem = of(errno.EACCES, tmp_path / "profile", tmp_path)
    assert problem.details == "Permission denied"
    assert problem.resolution == f"chmod -R u+rwX '{tmp_path}'"


def test_a_home_in_a_folder_without_rights(tmp_path: Path) -> None:
    """No chmod of a home that cannot be reached works; those above may be those of others."""
    home = tmp_path / "of" / "others"
    problem = of(errno.EACCES, home / "profile", home)
    assert problem.resolution.startswith("Name another place with BOOT2DOCKER_DIR")
    assert str(tmp_path) in problem.resolution


@pytest.mark.parametrize(
    "number",
    [errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO],
)
def test_each_kind_has_advice(tmp_path: Path, number: int) -> None:
    problem = of(number, tmp_path / "x", tmp_path)
    assert problem.details == os.strerror(number)
    assert problem.resolution.endswith(".")


def test_no_space_is_said_without_a_name_too(tmp_path: Path) -> None:
    problem = explained(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), tmp_path)
    assert problem is not None
    assert problem.brief == "there is no space left"


def test_an_error_that_is_about_no_file_is_left_alone(tmp_path: Path) -> None:
    assert explained(ConnectionResetError(errno.ECONNRESET, "reset"), tmp_path) is None
    assert explained(OSError("words alone"), tmp_path) is None


@pytest.mark.parametrize("command", ["init", "up"])
def test_a_file_in_the_place_of_a_folder_is_no_defect(
    boot2docker: Boot2Docker, home: Path, command: str
) -> None:
    home.mkdir(exist_ok=True)
    (home / "vms").write_text("")
    session = FakeSession(FakeDriver(State.ABSENT), FakeEndpoint())
    answer = boot2docker([command, "--json"], session)
    error = json.loads(answer.out)["error"]
    assert error["code"] == "storage"
    assert str(home / "vms") in error["brief"] + error["details"]
    assert answer.status == 1


def test_a_folder_in_the_place_of_a_file_is_no_defect(boot2docker: Boot2Docker, home: Path) -> None:
    folder = home / "vms" / "boot2docker-vm" / "driver"
    folder.mkdir(parents=True)
    answer = boot2docker(["delete", "--force", "--json"], FakeSession(FakeDriver(), FakeEndpoint()))
    error = json.loads(answer.out)["error"]
    assert error["code"] == "storage"
    assert str(folder) in error["brief"]


@is_root
def test_root_in_the_home_of_another_is_warned(
    boot2docker: Boot2Docker, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(exist_ok=True)
    session = FakeSession(FakeDriver(State.RUNNING), FakeEndpoint())
    assert "without sudo" not in boot2docker(["status"], session).err
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    assert "without sudo" not in boot2docker(["status"], session).err
    os.chown(home, NOBODY, NOBODY)
    assert superuser.whose_home_as_root(home)
    assert "run it without sudo" in boot2docker(["status"], session).err
