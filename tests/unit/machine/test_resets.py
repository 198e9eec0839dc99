"""A VM that goes back to where it was, where the table of states does not tell it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Sequence

import pytest

from boot2docker_py.drivers.model import Snapshot, State
from boot2docker_py.errors import StorageError
from boot2docker_py.ssh import host_keys
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession


def session_of(driver: FakeDriver) -> FakeSession:
    return FakeSession(driver, FakeEndpoint())


def answered(boot2docker: Boot2Docker, driver: FakeDriver, *words: str) -> Any:
    answer = boot2docker([*words, "--json"], session_of(driver))
    assert answer.status == 0, answer
    return json.loads(answer.out)


class DamagedList(FakeDriver):
    """A VM that is whole, and whose list of snapshots is not."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.disk = "what was worked on"

    def snapshots(self) -> Sequence[Snapshot]:
        raise StorageError("the list is damaged")


class TestNames:
    @pytest.mark.parametrize("name", ["", "  ", "a/b", "a\\b", "x" * 65, "-x", "a\nb", " a"])
    def test_one_that_cannot_be_is_refused(self, boot2docker: Boot2Docker, name: str) -> None:
        driver = FakeDriver(State.OFF)
        answer = boot2docker(["snapshot", "take", "--", name], session_of(driver))
        assert answer.status == 2, answer
        assert list(driver.snapshots()) == []

    @pytest.mark.parametrize("name", ["clean", "größe", "1", "with blank", "x" * 64])
    def test_one_that_can_be_is_taken(self, boot2docker: Boot2Docker, name: str) -> None:
        driver = FakeDriver(State.OFF)
        assert answered(boot2docker, driver, "snapshot", "take", name)["name"] == name

    def test_one_that_is_taken_already_is_refused(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.OFF)
        driver.had_snapshot("clean")
        assert boot2docker(["snapshot", "take", "clean"], session_of(driver)).status == 2

    @pytest.mark.parametrize("noted", ["clean", "other"])
    def test_a_deleted_one_is_no_rest_of_its_swarms_any_more(
        self, boot2docker: Boot2Docker, home: Path, noted: str
    ) -> None:
        driver = FakeDriver(State.OFF)
        driver.had_snapshot("clean")
        note = home / "vms" / "boot2docker-vm" / "swarm-snapshot"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(noted)
        answered(boot2docker, driver, "snapshot", "delete", "clean")
        assert note.exists() == (noted == "other")

    @pytest.mark.parametrize(
        "words",
        [
            *(["take"], ["restore"], ["delete"], ["lsit"], ["list", "x"]),
            *(["--no-memory"], ["restore", "x", "--no-memory"], ["delete", "x", "--no-memory"]),
        ],
    )
    def test_words_that_are_missing_or_wrong_are_said(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        answer = boot2docker(["snapshot", *words], session_of(FakeDriver(State.OFF)))
        assert answer.status == 2
        assert re.search("boot2docker (help )?snapshot", answer.err)

    def test_one_made_by_others_does_not_reach_the_terminal_raw(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.OFF)
        driver.had_snapshot("evil\x1b[2J")
        out = boot2docker(["snapshot"], session_of(driver)).out
        assert "evil\\x1b[2J" in out
        assert "\x1b" not in out


class TestRestore:
    def test_one_with_memory_runs_and_its_engine_answers(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.OFF)
        driver.had_snapshot("live", memory="boot 7")
        told = answered(boot2docker, driver, "snapshot", "restore", "live", "--force")
        assert (told["found"], told["state"], told["snapshot"]) == ("poweroff", "running", "live")
        assert told["docker_host"] == FakeEndpoint.docker_host
        assert (driver.memory, driver.disk, driver.boots) == ("boot 7", "disk of live", 0)

    def test_nothing_is_lost_unasked(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.RUNNING)
        driver.had_snapshot("clean")
        answer = boot2docker(["snapshot", "restore", "clean"], session_of(driver))
        assert answer.status == 4
        assert "snapshot take NAME" in answer.err
        assert "--force" in answer.err
        assert (driver.peek(), driver.disk) == (State.RUNNING, "new")

    def test_a_vm_that_is_as_its_snapshot_loses_nothing(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.OFF)
        driver.had_snapshot("first")
        driver.take_snapshot("second")
        assert boot2docker(["snapshot", "restore", "first"], session_of(driver)).status == 0
        assert driver.disk == "disk of first"

    def test_an_unknown_one_changes_nothing(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.RUNNING)
        driver.had_snapshot("clean")
        for words in (["snapshot", "restore", "claen", "-f"], ["reset", "--to", "claen"]):
            answer = boot2docker(words, session_of(driver))
            assert answer.status == 3
            assert "'clean'" in answer.err
            assert (driver.peek(), driver.disk) == (State.RUNNING, "new")

    @pytest.mark.parametrize("words", [["snapshot", "restore", "-f"], ["reset", "--to"]])
    def test_one_whose_memory_is_lost_does_not_cost_the_vm_its_power(
        self, boot2docker: Boot2Docker, tmp_path: Path, words: list[str]
    ) -> None:
        driver = FakeDriver(State.RUNNING)
        driver.had_snapshot("live", memory="boot 7", lost_file=tmp_path / "live.state")
        answer = boot2docker([*words, "live"], session_of(driver))
        assert answer.status == 1
        assert str(tmp_path / "live.state") in answer.err
        assert "boot2docker snapshot delete -- live" in answer.err
        assert driver.peek() is State.RUNNING
        assert " lost " in boot2docker(["snapshot", "list"], session_of(driver)).out


class TestReset:
    def test_to_a_live_snapshot_boots_nothing_and_tells_its_steps(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.RUNNING)
        driver.had_snapshot("live", memory="boot 7")
        told = answered(boot2docker, driver, "reset", "--to", "live")
        assert (driver.memory, driver.boots) == ("boot 7", 0)
        assert told["found"] == "running"
        assert [one["step"] for one in told["steps"]] == [
            *("stop", "restore", "start", "connect", "engine"),
        ]
        assert all(one["seconds"] >= 0 for one in told["steps"])

    def test_wipe_takes_snapshots_that_cannot_be_read_for_none_only_of_a_broken_vm(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = DamagedList(State.RUNNING)
        answer = boot2docker(["reset", "--wipe"], session_of(driver))
        assert answer.status == StorageError.exit_status
        assert "the list is damaged" in answer.err
        assert (driver.peek(), driver.disk) == (State.RUNNING, "what was worked on")
        assert boot2docker(["reset", "--wipe", "--force"], session_of(driver)).status == 0
        assert driver.disk == "new"
        driver.is_now(State.BROKEN)
        assert boot2docker(["reset", "--wipe"], session_of(driver)).status == 0

    def test_a_wipe_that_fails_leaves_a_vm_whose_host_key_is_known(
        self, boot2docker: Boot2Docker, home: Path
    ) -> None:
        class Full(FakeDriver):
            def replace_disk(self, seed: bytes, disk_mb: int) -> None:
                raise StorageError("no space")

        known_hosts = home / "vms" / "boot2docker-vm" / "known_hosts"
        host_keys.pin(known_hosts, "boot2docker-vm", "ssh-ed25519 OLD")
        answer = boot2docker(["reset", "--wipe"], session_of(Full(State.OFF)))
        assert answer.status == StorageError.exit_status
        assert "boot2docker-vm ssh-ed25519 OLD" in known_hosts.read_text().splitlines()

    def test_wipe_keeps_snapshots_unless_it_is_forced(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.RUNNING)
        driver.had_snapshot("clean")
        answer = boot2docker(["reset", "--wipe"], session_of(driver))
        assert answer.status == 4
        assert "'clean'" in answer.err
        assert driver.peek() is State.RUNNING
        assert boot2docker(["reset", "--wipe", "--force"], session_of(driver)).status == 0
        assert list(driver.snapshots()) == []

    def test_wipe_keeps_the_size_of_the_disk_and_gives_a_new_seed(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.SAVED)
        assert driver.spec is not None
        before = driver.spec
        assert boot2docker(["reset", "--wipe"], session_of(driver)).status == 0
        assert driver.spec.disk_mb == before.disk_mb
        assert driver.spec.seed.startswith(b"boot2docker, please format-me")
        assert driver.spec.seed != before.seed

    @pytest.mark.parametrize(
        "words",
        [
            ["--to", "x", "--wipe"],
            ["--make", "true"],
            ["--to", "x", "--make"],
            ["--to", "x", "word"],
            ["word"],
        ],
        ids=" ".join,
    )
    def test_flags_that_do_not_go_together_change_nothing(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        driver = FakeDriver(State.RUNNING)
        answer = boot2docker(["reset", *words], session_of(driver))
        assert answer.status == 2, answer
        assert driver.boots == 0


class TestMake:
    """`reset --to NAME --make CMD`: right the first time, fast ever after."""

    def test_first_the_command_runs_then_the_snapshot_is_there(
        self, boot2docker: Boot2Docker, tmp_path: Path
    ) -> None:
        driver, note = FakeDriver(), tmp_path / "note"
        words = ["reset", "--json", "--to", "ci", "--make", sys.executable, "-c"]
        script = (
            "import os; print(os.environ['DOCKER_HOST'], "
            f"file=open({str(note)!r}, 'a')); print('noise')"
        )
        answer = boot2docker([*words, script], session_of(driver))
        assert answer.status == 0, answer
        told = json.loads(answer.out)
        assert told["made"] is True
        assert [one["step"] for one in told["steps"]][-2:] == ["make", "snapshot"]
        assert [(one.name, one.has_memory) for one in driver.snapshots()] == [("ci", True)]
        told = json.loads(boot2docker([*words, script], session_of(driver)).out)
        assert told["made"] is False
        assert note.read_text() == FakeEndpoint.docker_host + "\n", "the command ran once"
        assert driver.boots == 1

    def test_a_command_that_fails_leaves_no_snapshot(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver()
        words = ["reset", "--to", "ci", "--make", sys.executable, "-c", "raise SystemExit(3)"]
        answer = boot2docker(words, session_of(driver))
        assert answer.status == 1
        assert "ended with 3" in answer.err
        assert list(driver.snapshots()) == []
        assert driver.peek() is State.RUNNING

    def test_a_command_that_is_not_there_does_not_cost_the_disk(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.OFF)
        driver.disk = "precious"
        answer = boot2docker(["reset", "--to", "ci", "--make", "dokcer"], session_of(driver))
        assert answer.status == 2
        assert "cannot run 'dokcer'" in answer.err
        assert driver.disk == "precious"

    def test_a_name_with_a_slip_does_not_wipe_a_vm_that_has_snapshots(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.OFF)
        driver.had_snapshot("clean")
        words = ["reset", "--to", "claen", "--make", sys.executable]
        answer = boot2docker(words, session_of(driver))
        assert answer.status == 4
        assert driver.disk == "new"
        assert [one.name for one in driver.snapshots()] == ["clean"]
