"""Where our files lie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py import paths
from boot2docker_py.docker.config import DockerConfig
from boot2docker_py.docker.contexts import Context
from boot2docker_py.errors import StorageError
from boot2docker_py.paths import Paths
from boot2docker_py.ssh import keys
from tests.conftest import Boot2Docker


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


@pytest.mark.parametrize("below", ["", "vms", "vms/vm"])
def test_file_in_the_place_of_a_folder_stays_as_it_is(tmp_path: Path, below: str) -> None:
    file = tmp_path / "home"
    file.write_text("theirs")
    mode = file.stat().st_mode
    with pytest.raises(StorageError, match="cannot make the folder") as raised:
        paths.make_private_folder(file / below)
    assert repr(str(file)) in raised.value.details
    assert "move it away" in raised.value.resolution
    assert (file.read_text(), file.stat().st_mode) == ("theirs", mode)


if sys.platform != "win32":  # which has no such modes

    @pytest.fixture
    def open_umask() -> Iterator[None]:
        before = os.umask(0)
        yield
        os.umask(before)

    class TestPrivacy:
        """Who can write in our home commands our VMs."""

        def test_umask_of_nothing(self, tmp_path: Path, open_umask: None) -> None:
            made = [tmp_path / "home" / "vms" / "vm", tmp_path / "home" / "run"]
            for folder in made:
                paths.make_private_folder(folder)
            for folder in (*made, tmp_path / "home", tmp_path / "home" / "vms"):
                assert folder.stat().st_mode & 0o777 == 0o700, folder

        def test_what_other_programs_read_is_not_theirs_to_write(
            self, tmp_path: Path, open_umask: None
        ) -> None:
            key, config = tmp_path / "home" / "new" / "id", tmp_path / "docker"
            keys.ensure_key_pair(key)
            Context(DockerConfig(config), Paths(tmp_path, tmp_path).vm("vm")).publish("unix:///x")
            made = [one for top in (tmp_path / "home", config) for one in (top, *top.rglob("*"))]
            assert key.with_name("id.pub") in made
            assert [one for one in made if one.stat().st_mode & 0o022] == []

        def test_home_that_is_open(self, tmp_path: Path, open_umask: None) -> None:
            home = tmp_path / "home"
            home.mkdir()
            paths.secure_home(Paths(home, tmp_path / "user"))
            assert home.stat().st_mode & 0o777 == 0o700

        def test_home_that_is_all_of_the_users(self, tmp_path: Path, open_umask: None) -> None:
            """Others may go on reading what the user lets them read."""
            (tmp_path / "user").mkdir(mode=0o775)
            paths.secure_home(Paths(tmp_path / "user", tmp_path / "user"))
            assert (tmp_path / "user").stat().st_mode & 0o777 == 0o755

        def test_home_of_everybody(self, tmp_path: Path) -> None:
            shared = tmp_path / "tmp"
            shared.mkdir()
            shared.chmod(0o1777)
            with pytest.raises(StorageError, match="belongs to another user"):
                paths.secure_home(Paths(shared, tmp_path))
            assert shared.stat().st_mode & 0o7777 == 0o1777

        @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder somebody else's")
        def test_folder_of_somebody_else(
            self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot2docker: Boot2Docker
        ) -> None:
            home = tmp_path / "home"
            home.mkdir()
            (home / "profile").write_text('VM = "evil"\n')
            os.chown(home, 12345, 12345)
            with pytest.raises(StorageError, match="belongs to another user"):
                paths.make_private_folder(home)
            monkeypatch.setenv("BOOT2DOCKER_DIR", str(home))
            answer = boot2docker(["config"])
            assert answer.status == 1
            assert "belongs to another user" in answer.err
            assert "evil" not in answer.out
            assert os.listdir(home) == ["profile"]

        def test_log_is_the_users_alone_and_keeps_no_secrets(
            self,
            tmp_path: Path,
            monkeypatch: pytest.MonkeyPatch,
            boot2docker: Boot2Docker,
            open_umask: None,
        ) -> None:
            home = tmp_path / "home"
            monkeypatch.setenv("BOOT2DOCKER_DIR", str(home))
            url = "http://me:s3cr3t@127.0.0.1:1/x.iso?token=s3cr3t"
            boot2docker(["--iso-url", url, "--timeout", "5", "download"])
            boot2docker(["ssh", "docker", "login", "-p", "s3cr3t"])
            boot2docker(["shell", "echo", "s3cr3t"])
            log = home / "boot2docker.log"
            assert log.stat().st_mode & 0o777 == 0o600
            assert home.stat().st_mode & 0o777 == 0o700
            text = log.read_text()
            assert "s3cr3t" not in text
            assert "127.0.0.1:1/x.iso" in text
            assert "ssh (4 words)" in text

    def test_a_full_disk_costs_lines_of_the_log_and_says_nothing(tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        (home / "boot2docker.log").write_text("")
        command = 'ulimit -f 0; exec "$0" -m boot2docker_py ls'
        answer = subprocess.run(
            ["sh", "-c", command, sys.executable],
            env={**os.environ, "BOOT2DOCKER_DIR": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Logging error" not in answer.stderr
        assert "Traceback" not in answer.stderr
        assert answer.returncode == 0

    def test_runtime_folder_of_somebody_else_is_no_defect(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """platformdirs refuses one; its error is not ours to show."""
        import platformdirs

        def refuse(*_arguments: object, **_options: object) -> str:
            raise RuntimeError("/tmp/runtime-0 is owned by uid 1234")

        monkeypatch.setattr(platformdirs, "user_runtime_dir", refuse)
        with pytest.raises(StorageError, match="no folder for sockets") as caught:
            Paths(tmp_path / ("x" * 90), tmp_path).vm("vm")
        assert "1234" in caught.value.details
        assert "BOOT2DOCKER_DIR" in caught.value.resolution
