"""`boot2docker uninstall`: all is listed, asked about, and gone; what is not ours stays."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers.qemu.files import Files, Settings, write_settings
from boot2docker_py.host import autostart
from boot2docker_py.machine.uninstalling import how_the_program_goes
from boot2docker_py.paths import Paths, make_private_folder
from tests.conftest import Boot2Docker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="VMs of QEMU that are only files")


@pytest.fixture(autouse=True)
def settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def make_vm(home: Path, name: str) -> Files:
    files = Files(home / "vms" / name)
    make_private_folder(files.folder)
    (files.folder / "driver").write_text("qemu\n")
    console = str(files.folder / "console.log")
    write_settings(files.settings, Settings("id", "x.iso", 1000, 256, 1, 2022, 0, console))
    files.disk.write_bytes(b"x" * (1 << 20))
    return files


@pytest.fixture
def used(home: Path, boot2docker: Boot2Docker) -> Path:
    """Give a home as it is after a while: two VMs, and all else that there can be."""
    for name in ("one", "two"):
        make_vm(home, name)
        assert boot2docker(["autostart", "on", "--vm", name]).status == 0
    (home / "vms" / "one.lock").touch()
    for name in ("boot2docker.iso", "id_boot2docker", "id_boot2docker.pub", "profile"):
        (home / name).touch()
    for name in ("notices", "boot2docker.iso.offered"):
        (home / name).touch()
    (home / "boot2docker.iso.kept").mkdir()
    assert boot2docker(["completion", "bash", "--install"]).status == 0
    return home


def test_it_lists_and_leaves_all_without_a_terminal(boot2docker: Boot2Docker, used: Path) -> None:
    answer = boot2docker(["uninstall"])
    assert answer.status == 0
    for words in ("VM 'one'", "VM 'two'", "at login", "completion of bash", "id_boot2docker"):
        assert words in answer.out
    assert "boot2docker.iso (0 bytes)" in answer.out
    assert "--force" in answer.err
    assert (used / "vms" / "one" / "vm.json").exists()


def test_by_force_all_of_it_goes(boot2docker: Boot2Docker, used: Path, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("mine\n" + (tmp_path / ".bashrc").read_text())
    assert boot2docker(["uninstall", "--force"]).status == 0
    assert not used.exists()
    assert (tmp_path / ".bashrc").read_text().strip() == "mine"
    assert autostart.entry("one").read() is None
    answer = boot2docker(["uninstall", "--force"])
    assert "nothing of boot2docker here but the program" in answer.err


def test_what_is_not_ours_stays(boot2docker: Boot2Docker, used: Path) -> None:
    (used / "vms" / "two" / "adopted").touch()
    (used / "notes.txt").write_text("mine")
    answer = boot2docker(["uninstall", "--force"])
    assert "VM 'two' stays: another program made it" in answer.out
    assert f"Not ours, and kept: {used / 'notes.txt'}" in answer.err
    assert (used / "notes.txt").read_text() == "mine"
    assert Files(used / "vms" / "two").disk.exists()
    assert not (used / "vms" / "one").exists()


def test_in_the_originals_folder_what_it_made_stays(
    boot2docker: Boot2Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ".boot2docker"
    make_vm(home, "one")
    for name in ("boot2docker.iso", "profile"):
        (home / name).touch()
    monkeypatch.delenv("BOOT2DOCKER_DIR")
    assert boot2docker(["uninstall", "--force"]).status == 0
    assert sorted(path.name for path in home.iterdir()) == ["boot2docker.iso", "profile"]


def test_whatever_the_paths_name_is_known_to_it(tmp_path: Path) -> None:
    """A file that is added to the paths is not forgotten."""
    paths = Paths(tmp_path / "home", tmp_path)
    named = {
        place
        for name, member in vars(Paths).items()
        if isinstance(member, property) and paths.home in (place := getattr(paths, name)).parents
    }
    for place in named:
        place.parent.mkdir(exist_ok=True)
        place.touch()
    (paths.home / "certs").mkdir()
    known = paths.of_this_program()
    assert named <= {file for place in known for file in (place, *place.rglob("*"))}


def test_json_says_what_went(boot2docker: Boot2Docker, used: Path) -> None:
    told = json.loads(boot2docker(["uninstall", "--json"]).out)
    assert told["removed"] is False
    assert {"kind": "vm", "name": "one"} in told["found"]
    told = json.loads(boot2docker(["uninstall", "--json", "--force"]).out)
    assert (told["removed"], told["failed"], told["kept"]) == (True, [], [])
    assert "uninstall" in told["then"]


def test_the_program_goes_as_it_came(tmp_path: Path) -> None:
    pipx = tmp_path / "pipx" / "venvs" / "boot2docker-py"
    assert how_the_program_goes(pipx, "python") == "pipx uninstall boot2docker-py"
    words = '"C:/My Python/python" -m pip uninstall boot2docker-py boot2docker-image'
    assert how_the_program_goes(tmp_path, "C:/My Python/python") == words
    (tmp_path / "uninstall.exe").touch()
    assert how_the_program_goes(tmp_path / "python", "python") == f'"{tmp_path / "uninstall.exe"}"'
