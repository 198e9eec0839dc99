"""VMs made of others, and one that gets another name, beyond the table of states."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.drivers import copying
from boot2docker_py.drivers.base import ShowBytes, show_no_bytes
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import DownloadError
from boot2docker_py.guest.seed import NEW_LIMIT_BYTES
from boot2docker_py.machine import following
from boot2docker_py.paths import VMPaths
from boot2docker_py.wait import Deadline
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeImage, FakeImages, FakeSession


class NoImages(FakeImages):
    """An empty store, and no network to fill it from."""

    was_asked = False

    def ensure(self, deadline: Deadline) -> Any:
        self.was_asked = True
        raise DownloadError("no image can be had without a network")


def session_of(driver: FakeDriver) -> FakeSession:
    return FakeSession(driver, FakeEndpoint())


def answered(boot2docker: Boot2Docker, driver: FakeDriver, *words: str) -> Any:
    answer = boot2docker([*words, "--json"], session_of(driver))
    assert answer.status == 0, answer
    return json.loads(answer.out)


def known(home: Path, vm: str) -> list[list[str]]:
    file = home / "vms" / vm / "known_hosts"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


BAD_NAMES = ["", "  ", ".", "..", ".x", "a/b", "../b", "a\\b", "C:", "a\nb", "x" * 65, "ö" * 33]
BAD_NAMES += ["nul", "a ", "a|b"]


@pytest.mark.parametrize("verb", ["clone", "rename"])
@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_be_is_refused(
    boot2docker: Boot2Docker, home: Path, verb: str, name: str
) -> None:
    answer = boot2docker([verb, "--", name], session_of(FakeDriver(State.OFF)))
    assert answer.status == 2, answer
    assert "name" in answer.err
    assert not list(home.glob("vms/*"))


@pytest.mark.parametrize("verb", ["clone", "rename"])
@pytest.mark.parametrize("name", ["größe", "a b", "-x", "--", "boot2docker-vm"])
def test_odd_names(boot2docker: Boot2Docker, verb: str, name: str) -> None:
    driver = FakeDriver(State.OFF)
    answer = boot2docker([verb, "--", name], session_of(driver))
    if name[0] == "-" or name == "boot2docker-vm":
        assert answer.status == 2, answer
        return
    assert answer.status == 0, answer
    assert driver.house[name].peek() is State.OFF


@pytest.mark.parametrize("verb", ["clone", "rename"])
def test_a_name_that_is_taken_is_refused(boot2docker: Boot2Docker, verb: str) -> None:
    driver = FakeDriver(State.OFF)
    taken = FakeDriver(State.RUNNING, name="taken", house=driver.house)
    answer = boot2docker([verb, "taken"], session_of(driver))
    assert answer.status == 4
    assert "already" in answer.err
    assert (driver.peek(), taken.peek()) == (State.OFF, State.RUNNING)


class TestClone:
    def test_it_has_its_own_name_keys_and_ports(self, boot2docker: Boot2Docker, home: Path) -> None:
        driver = FakeDriver(State.OFF)
        told = answered(boot2docker, driver, "clone", "second")
        clone = driver.house["second"]
        assert told["ssh_port"] == clone.ssh_port != driver.ssh_port
        assert clone.new_seed.startswith(b"boot2docker, new identity\0")
        assert len(clone.new_seed) <= NEW_LIMIT_BYTES
        assert b"\nsecond\n" in clone.new_seed.replace(b"\0", b"\n")
        ((host, _kind, key),) = known(home, "second")
        assert host == "second"
        assert key.encode() in clone.new_seed

    def test_with_keep_keys_it_has_those_of_the_other(
        self, boot2docker: Boot2Docker, home: Path
    ) -> None:
        driver = FakeDriver(State.OFF)
        pins = home / "vms" / "boot2docker-vm" / "known_hosts"
        pins.parent.mkdir(parents=True)
        pins.write_text("boot2docker-vm ssh-ed25519 AAAA\n")
        answered(boot2docker, driver, "clone", "second", "--keep-keys")
        assert driver.house["second"].new_seed == b""
        assert known(home, "second") == [["second", "ssh-ed25519", "AAAA"]]

    def test_what_was_set_is_copied_but_for_ports(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.OFF)
        answered(boot2docker, driver, "set", "--publish", "off", "--tcp", "4567", "--memory", "512")
        answered(boot2docker, driver, "clone", "second")
        told = answered(boot2docker, driver, "set", "--vm", "second")
        assert told["set"] == {"memory_mb": 512, "publish": "off"}

    def test_a_key_of_the_vm_alone_is_copied(self, boot2docker: Boot2Docker, home: Path) -> None:
        driver = FakeDriver(State.OFF)
        own = home / "vms" / "boot2docker-vm" / "id_boot2docker"
        own.parent.mkdir(parents=True)
        from boot2docker_py.ssh import keys

        line = keys.ensure_key_pair(own)
        answered(boot2docker, driver, "clone", "second")
        copy = home / "vms" / "second" / "id_boot2docker"
        assert copy.read_bytes() == own.read_bytes()
        assert os.name == "nt" or copy.stat().st_mode & 0o777 == 0o600
        assert line.encode() in driver.house["second"].new_seed

    def test_a_linked_one_forbids_the_end_of_what_it_builds_on(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.OFF)
        driver.had_snapshot("clean")
        assert boot2docker(["clone", "second", "--linked"], session_of(driver)).status == 2
        told = answered(boot2docker, driver, "clone", "second", "--linked", "--from", "clean")
        assert (told["linked"], told["snapshot"]) == (True, "clean")
        for words in (
            ["delete", "--force"],
            ["snapshot", "delete", "clean"],
            ["reset", "--wipe", "--force"],
            ["rename", "third"],
        ):
            answer = boot2docker(words, session_of(driver))
            assert answer.status == 4, answer
        assert [one.name for one in driver.snapshots()] == ["clean"]
        assert driver.new_seed == b"", "a name that it did not get is on its disk"

    def test_what_others_build_on_runs_on_when_its_wipe_is_refused(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.RUNNING)
        driver.had_snapshot("clean")
        answered(boot2docker, driver, "clone", "second", "--linked", "--from", "clean")
        answer = boot2docker(["reset", "--wipe", "--force"], session_of(driver))
        assert answer.status == 4
        assert "boot2docker delete --vm second" in answer.err
        assert driver.peek() is State.RUNNING

    def test_one_that_fails_leaves_nothing(self, boot2docker: Boot2Docker, home: Path) -> None:
        driver = FakeDriver(State.RUNNING)
        for words in (["clone", "second"], ["clone", "second", "--from", "none"]):
            answer = boot2docker(words, session_of(driver))
            assert answer.status in (3, 4), answer
            assert not list(home.glob("vms/second*"))

    def test_a_running_one_is_told_both_ways_out(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["clone", "second"], session_of(FakeDriver(State.RUNNING)))
        assert "boot2docker down" in answer.err
        assert "--from SNAPSHOT" in answer.err


class MovingDriver(FakeDriver):
    """A hypervisor whose VMs are known by their folders, as those of QEMU are."""

    def rename(self, to: VMPaths) -> None:
        super().rename(to)
        with contextlib.suppress(FileNotFoundError):
            to.folder.rmdir()
        to.folder.with_name("boot2docker-vm").rename(to.folder)


class TestRename:
    def test_what_a_killed_command_has_left_of_the_new_name_is_not_in_the_way(
        self, boot2docker: Boot2Docker, home: Path
    ) -> None:
        driver = MovingDriver(State.OFF)
        left = FakeDriver(name="second", house=driver.house)
        left.remains = True
        pins = home / "vms" / "second" / "known_hosts"
        pins.parent.mkdir(parents=True)
        pins.write_text("left ssh-ed25519 AAAA\n")
        answered(boot2docker, driver, "rename", "second")
        assert left.peek() is State.OFF
        assert not left.has_remains()
        assert "left" not in [host for host, _kind, _key in known(home, "second")]

    @pytest.mark.parametrize("noted_for", ["boot2docker-vm", "second"])
    def test_what_a_killed_rename_has_moved_already_stays(
        self, boot2docker: Boot2Docker, home: Path, noted_for: str
    ) -> None:
        """VirtualBox moves the files of a VM one by one."""
        note = home / "vms" / noted_for / "renamed-from"
        key = home / "vms" / "second" / "id_boot2docker"
        for file in (note, key):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("boot2docker-vm")
        answered(boot2docker, FakeDriver(State.OFF), "rename", "second")
        assert key.exists()

    def test_what_goes_by_the_name_follows(
        self, boot2docker: Boot2Docker, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
        driver = FakeDriver(State.OFF)
        answered(boot2docker, driver, "up")
        answered(boot2docker, driver, "down")
        (home / "certs" / "boot2docker-vm").mkdir(parents=True)
        answered(boot2docker, driver, "rename", "second")
        assert driver.peek() is State.ABSENT
        settings = json.loads((tmp_path / "docker" / "config.json").read_text())
        assert settings["currentContext"] == "second"
        contexts = [json.loads(one.read_text()) for one in tmp_path.glob("docker/**/meta.json")]
        assert [one["Name"] for one in contexts] == ["second"]
        assert (home / "certs" / "second").is_dir()
        assert b"\nsecond\n" in driver.house["second"].new_seed.replace(b"\0", b"\n")

    def test_one_that_was_killed_before_all_had_followed_is_finished(
        self,
        boot2docker: Boot2Docker,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        driver = MovingDriver(State.OFF)

        class Killed(BaseException):
            pass

        def kill(*_parts: Any) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(following, "to_new_name", kill)
            with pytest.raises(Killed):
                boot2docker(["rename", "second"], session_of(driver))
        assert driver.peek() is State.ABSENT
        assert boot2docker(["rename", "third"], session_of(driver)).status == 3
        answered(boot2docker, driver, "rename", "second")
        assert not (home / "vms" / "second" / "renamed-from").exists()
        assert boot2docker(["rename", "second"], session_of(driver)).status in (3, 4)

    def test_it_is_told_how_to_shut_it_down(self, boot2docker: Boot2Docker) -> None:
        for state in (State.RUNNING, State.SAVED):
            answer = boot2docker(["rename", "second"], session_of(FakeDriver(state)))
            assert answer.status == 4
            assert "boot2docker down" in answer.err


class TestFiles:
    def test_a_vm_goes_through_a_file(
        self, boot2docker: Boot2Docker, tmp_path: Path, home: Path
    ) -> None:
        driver, other = FakeDriver(State.OFF), FakeDriver()
        driver.disk = "precious"
        file = tmp_path / "größe, work.vm"
        elsewhere = boot2docker(["export", str(tmp_path / "no" / "x")], session_of(driver))
        assert elsewhere.status == 1
        assert f"there is no folder '{tmp_path / 'no'}'" in elsewhere.err
        told = answered(boot2docker, driver, "export", str(file))
        assert told["size_bytes"] == file.stat().st_size
        assert boot2docker(["export", str(file)], session_of(driver)).status == 1
        answered(boot2docker, other, "import", str(file), "--vm", "work")
        assert other.disk == "precious"
        assert other.new_seed.startswith(b"boot2docker, new identity\0")
        assert [line[0] for line in known(home, "work")] == ["work"]

    @pytest.mark.parametrize("words", [["export", "other.vm"], ["export", "work.vm"], ["delete"]])
    def test_what_a_killed_export_has_left_is_removed(
        self,
        boot2docker: Boot2Docker,
        tmp_path: Path,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
        words: list[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        others = tmp_path / "work.vm.part.of.others"
        note = home / "vms" / "boot2docker-vm" / "exporting"
        note.parent.mkdir(parents=True)
        new = tmp_path / "work.vm.0badcafe.new"
        note.write_bytes(os.fsencode(new))
        for left in (new, *copying.work_files(new), others):
            left.write_text("half of a disk")
        forced = ["--force"] * (words == ["delete"])
        answered(boot2docker, FakeDriver(State.OFF), *words, *forced)
        assert {one.name for one in tmp_path.glob("*.vm*")} == {others.name, *words[1:]}
        assert not note.exists()

    def test_a_note_of_something_else_removes_nothing(
        self, boot2docker: Boot2Docker, tmp_path: Path, home: Path
    ) -> None:
        precious, note = tmp_path / "work.vm", home / "vms" / "boot2docker-vm" / "exporting"
        note.parent.mkdir(parents=True)
        note.write_bytes(os.fsencode(precious))
        precious.write_text("whole")
        answered(boot2docker, FakeDriver(State.OFF), "delete", "--force")
        assert precious.read_text() == "whole"
        assert not note.exists()

    def test_of_two_exports_to_one_file_the_first_that_ends_has_it(
        self, boot2docker: Boot2Docker, tmp_path: Path
    ) -> None:
        file = tmp_path / "work.vm"
        other = FakeDriver(State.OFF, name="other")
        other.disk = "of the other"

        class Slow(FakeDriver):
            def export(self, file: Path, show: ShowBytes = show_no_bytes) -> None:
                super().export(file, show)
                answered(boot2docker, other, "export", "--vm", "other", str(tmp_path / "work.vm"))

        answer = boot2docker(["export", str(file)], session_of(Slow(State.OFF)))
        assert answer.status == 1
        assert "there is a file" in answer.err
        assert json.loads(file.read_text())["disk"] == "of the other"
        assert list(tmp_path.glob("work*")) == [file]

    def test_with_keep_keys_its_host_key_is_pinned_at_first_contact(
        self, boot2docker: Boot2Docker, tmp_path: Path, home: Path
    ) -> None:
        FakeDriver(State.OFF).export(tmp_path / "work.vm")
        other = FakeDriver()
        answered(boot2docker, other, "import", str(tmp_path / "work.vm"), "--keep-keys")
        assert other.new_seed == b""
        assert known(home, "boot2docker-vm") == []

    def test_the_official_image_takes_no_new_keys(
        self, boot2docker: Boot2Docker, tmp_path: Path
    ) -> None:
        FakeDriver(State.OFF).export(tmp_path / "work.vm")
        other = FakeDriver()
        images = FakeImages(FakeImage("19.03.12", is_ours=False))
        session = FakeSession(other, FakeEndpoint(), images)
        assert boot2docker(["import", str(tmp_path / "work.vm")], session).status == 0
        assert other.new_seed == b""

    @pytest.mark.parametrize("kind", ["text", "empty", "folder", "cut short", "missing"])
    def test_something_else_is_refused_before_an_image_is_fetched(
        self, boot2docker: Boot2Docker, tmp_path: Path, home: Path, kind: str
    ) -> None:
        file = tmp_path / kind
        if kind == "folder":
            file.mkdir()
        elif kind == "cut short":
            FakeDriver(State.OFF).export(file)
            file.write_bytes(file.read_bytes()[:-5])
        elif kind != "missing":
            file.write_text("something else" * (kind == "text"))
        images = NoImages()
        session = FakeSession(FakeDriver(), FakeEndpoint(), images)
        answer = boot2docker(["import", str(file)], session)
        assert answer.status == 2, answer
        assert str(file) in answer.err
        assert not images.was_asked
        assert not list(home.glob("vms/*"))
        FakeDriver(State.OFF).export(tmp_path / "work.vm")
        assert boot2docker(["import", str(tmp_path / "work.vm")], session).status == 8
        assert images.was_asked

    def test_something_else_leaves_nothing(
        self, boot2docker: Boot2Docker, tmp_path: Path, home: Path
    ) -> None:
        (tmp_path / "else").write_text("something else")
        for words in (["import", str(tmp_path / "else")], ["import", ""], ["export", " "]):
            answer = boot2docker(words, session_of(FakeDriver(State.ABSENT)))
            assert answer.status == 2 or words[0] == "export", answer
            assert not list(home.glob("vms/*"))
