"""What `set` changes, and when it takes effect."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.drivers.model import Changes, State
from boot2docker_py.errors import StorageError
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession


def session_of(driver: FakeDriver) -> FakeSession:
    return FakeSession(driver, FakeEndpoint())


def answered(boot2docker: Boot2Docker, driver: FakeDriver, *words: str) -> Any:
    answer = boot2docker([*words, "--json"], session_of(driver))
    assert answer.status == 0, answer
    return json.loads(answer.out)


def effects(told: Any) -> dict[str, str]:
    return {one["field"]: one["takes_effect"] for one in told["settings"]}


def test_a_vm_that_is_off_has_it_at_once(boot2docker: Boot2Docker) -> None:
    driver = FakeDriver(State.OFF)
    told = answered(boot2docker, driver, "set", "--memory", "512m", "--cpus", "2", "-s", "3000")
    info = driver.describe()
    assert (info.memory_mb, info.cpus, info.disk_mb) == (512, 2, 3000)
    assert set(effects(told).values()) == {"now"}
    assert told["state"] == "poweroff"


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.SAVED])
def test_one_with_memory_has_it_at_its_next_boot(boot2docker: Boot2Docker, state: State) -> None:
    driver = FakeDriver(state)
    answer = boot2docker(["set", "--memory", "512", "--disksize", "2g"], session_of(driver))
    assert "--memory 512: at the next boot." in answer.err
    assert "boot2docker restart" in answer.err
    assert driver.describe().memory_mb == 256
    assert driver.peek() is state
    answered(boot2docker, driver, "up")
    assert driver.describe().memory_mb == 256, "nothing has booted"
    answered(boot2docker, driver, "restart")
    assert (driver.describe().memory_mb, driver.describe().disk_mb) == (512, 2048)


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.SAVED])
def test_restart_lets_it_have_it_now(boot2docker: Boot2Docker, state: State) -> None:
    driver = FakeDriver(state)
    told = answered(boot2docker, driver, "set", "--cpus", "2", "--restart")
    assert driver.describe().cpus == 2
    assert (told["restarted"], told["state"], driver.boots) == (True, "running", 1)
    assert effects(told) == {"cpus": "now"}


def test_restart_boots_no_vm_that_was_off(boot2docker: Boot2Docker) -> None:
    driver = FakeDriver(State.OFF)
    assert not answered(boot2docker, driver, "set", "--cpus", "2", "--restart")["restarted"]
    assert (driver.peek(), driver.describe().cpus) == (State.OFF, 2)


def test_the_old_disk_goes_when_the_engine_has_answered(boot2docker: Boot2Docker) -> None:
    driver = FakeDriver(State.OFF)
    answered(boot2docker, driver, "set", "--disksize", "4000")
    assert driver.keeps_old_disk
    answered(boot2docker, driver, "up")
    assert not driver.keeps_old_disk


def test_a_disk_does_not_shrink_and_nothing_is_kept_of_the_wish(
    boot2docker: Boot2Docker, home: Path
) -> None:
    driver = FakeDriver(State.RUNNING)
    answer = boot2docker(["set", "--disksize", "500", "--memory", "512"], session_of(driver))
    assert answer.status == 2
    assert "cannot shrink to 500 MB" in answer.err
    assert not list(home.glob("vms/*/settings"))


def test_a_vm_goes_back_to_a_small_disk_and_has_the_large_one_at_its_boot(
    boot2docker: Boot2Docker,
) -> None:
    driver = FakeDriver(State.OFF)
    driver.had_snapshot("clean")
    answered(boot2docker, driver, "set", "--disksize", "4000")
    assert driver.spec is not None
    driver.spec = driver.spec._replace(disk_mb=1000)  # as a snapshot brings it back
    answered(boot2docker, driver, "reset", "--to", "clean")
    assert driver.describe().disk_mb == 4000


@pytest.mark.parametrize(
    "words",
    [
        ["--iso-url", "x"],
        ["--vboxdisk", "VDI"],
        ["--memory", "1"],
        ["--cpus", "0"],
        ["--cpus", "30"],
        ["--disksize", "many"],
        ["--sshport", "70000"],
        ["--sshport", "7001", "--dockerport", "7001"],
        ["--unset", "colour"],
        ["--unset", "iso"],
        ["--memory", "512", "--unset", "memory"],
        ["--vbox-share", "/somewhere=a name"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_set_is_refused(
    boot2docker: Boot2Docker, home: Path, words: list[str]
) -> None:
    driver = FakeDriver(State.OFF)
    before = driver.describe()
    answer = boot2docker(["set", *words], session_of(driver))
    assert answer.status == 2, answer
    assert "error: " in answer.err
    assert driver.describe() == before
    assert not list(home.glob("vms/*/settings"))


def test_a_port_that_is_taken_is_said_at_once(boot2docker: Boot2Docker) -> None:
    driver = FakeDriver(State.RUNNING)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = boot2docker(["set", "--sshport", port], session_of(driver))
    assert answer.status == 7, answer


def test_what_is_set_counts_before_the_environment_and_for_this_vm_alone(
    boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    home.mkdir(exist_ok=True)
    (home / "profile").write_text('Publish = "off"\n')
    driver = FakeDriver(State.OFF)
    told = answered(boot2docker, driver, "set", "--publish", "all")
    assert effects(told) == {"publish": "at the next up"}
    assert answered(boot2docker, driver, "config")["publish"] == "all"
    assert answered(boot2docker, driver, "config", "--vm", "other")["publish"] == "off"
    monkeypatch.setenv("BOOT2DOCKER_PUBLISH", "loopback")
    assert answered(boot2docker, driver, "config")["publish"] == "loopback"


def test_what_was_set_is_shown_added_to_and_unset(boot2docker: Boot2Docker) -> None:
    driver = FakeDriver(State.OFF)
    answered(boot2docker, driver, "set", "--memory", "512")
    answered(boot2docker, driver, "set", "--publish", "off", "--vbox-share", "/srv/a b=srv")
    out = boot2docker(["set"], session_of(driver)).out
    assert out == 'Memory = 512\nPublish = "off"\nVBoxShare = ["/srv/a b=srv"]\n', out
    answered(boot2docker, driver, "set", "--unset", "publish", "--unset", "--vbox-share")
    assert boot2docker(["set"], session_of(driver)).out == "Memory = 512\n"
    answered(boot2docker, driver, "set", "--unset", "Memory")
    answer = boot2docker(["set"], session_of(driver))
    assert (answer.out, answer.status) == ("", 0)
    assert "Nothing is set" in answer.err


def test_it_goes_with_the_vm(boot2docker: Boot2Docker, home: Path) -> None:
    driver = FakeDriver(State.OFF)
    answered(boot2docker, driver, "set", "--memory", "512")
    answered(boot2docker, driver, "delete", "--force")
    assert not list(home.glob("vms/*"))


def test_flags_that_come_too_late_name_set(boot2docker: Boot2Docker) -> None:
    answer = boot2docker(["up", "--memory", "512"], session_of(FakeDriver(State.OFF)))
    assert "boot2docker set --memory 512" in answer.err


class FullDisk(FakeDriver):
    """A VM whose disk has no room to grow."""

    def change(self, changes: Changes) -> None:
        if changes.disk_mb:
            raise StorageError("no room")
        super().change(changes)


def test_what_the_vm_cannot_become_is_not_kept_and_it_boots_on(boot2docker: Boot2Docker) -> None:
    driver = FullDisk(State.OFF)
    answered(boot2docker, driver, "set", "--memory", "512")
    answer = boot2docker(["set", "--disksize", "4000"], session_of(driver))
    assert answer.status == StorageError.exit_status
    assert answered(boot2docker, driver, "set")["set"] == {"memory_mb": 512}
    assert boot2docker(["up"], session_of(driver)).status == 0


def test_a_boot_that_cannot_have_what_was_set_says_how_to_take_it_back(
    boot2docker: Boot2Docker,
) -> None:
    driver = FullDisk(State.RUNNING)
    answered(boot2docker, driver, "set", "--disksize", "4000")
    assert boot2docker(["poweroff"], session_of(driver)).status == 0
    answer = boot2docker(["up"], session_of(driver))
    assert answer.status == StorageError.exit_status
    assert "boot2docker set --unset" in answer.err
    assert boot2docker(["set", "--unset", "disksize"], session_of(driver)).status == 0
    assert boot2docker(["up"], session_of(driver)).status == 0


def test_what_another_command_has_set_meanwhile_stays(boot2docker: Boot2Docker) -> None:
    driver = FakeDriver(State.RUNNING)
    slow = session_of(driver)
    assert slow.machine.config.own == {}
    answered(boot2docker, driver, "set", "--memory", "512")
    slow.machine.set({"cpus": 2}, slow.deadline)
    assert answered(boot2docker, driver, "set")["set"] == {"memory_mb": 512, "cpus": 2}


class TestEngineSettings:
    """Settings of the engine, for one VM alone."""

    FLAGS = ("set", "--registry-mirror", "https://mirror.example")

    def test_a_running_engine_takes_them_at_once(self, boot2docker: Boot2Docker) -> None:
        session = running_session()
        answer = boot2docker([*self.FLAGS, "--json"], session)
        assert answer.status == 0, answer
        told = json.loads(answer.out)
        assert effects(told) == {"registry_mirrors": "now"}
        assert not told["restarted"]
        assert len(taken_by(session)) == 1

    def test_they_are_taken_back_by_one_restart_of_the_engine(
        self, boot2docker: Boot2Docker
    ) -> None:
        driver = FakeDriver(State.RUNNING)
        assert boot2docker([*self.FLAGS], running_session(driver)).status == 0
        session = running_session(driver)
        answer = boot2docker(["set", "--unset", "RegistryMirror"], session)
        assert answer.status == 0, answer
        assert "is unset: now" in answer.err
        assert answered(boot2docker, driver, "set")["set"] == {}

    @pytest.mark.parametrize("state", [State.OFF, State.SAVED, State.PAUSED])
    def test_another_takes_them_at_the_next_up(
        self, boot2docker: Boot2Docker, state: State
    ) -> None:
        session = session_of(FakeDriver(state))
        told = json.loads(boot2docker([*self.FLAGS, "--json"], session).out)
        assert effects(told) == {"registry_mirrors": "at the next up"}
        assert taken_by(session) == []

    def test_what_the_engine_refuses_is_not_kept(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.RUNNING)
        assert boot2docker(["set", "--dns", "10.0.0.1"], running_session(driver)).status == 0
        session = running_session(driver)
        session.connection.refusal = "log-level: loud"
        answer = boot2docker(
            ["set", "--dns", "10.0.0.2", "--engine-opt", "log-level=loud"], session
        )
        assert answer.status == 9
        assert "log-level: loud" in answer.err
        assert answered(boot2docker, driver, "set")["set"] == {"engine_dns": ["10.0.0.1"]}

    def test_no_secret_is_shown(self, boot2docker: Boot2Docker) -> None:
        driver = FakeDriver(State.OFF)
        secrets = ("--proxy", "http://me:s3cr3t@proxy:1", "--engine-env", "TOKEN=s3cr3t")
        for words in (["set", *secrets], ["set"], ["set", "--json"], ["set", *secrets, "--json"]):
            answer = boot2docker(words, session_of(driver))
            assert answer.status == 0, answer
            assert "s3cr3t" not in answer.out + answer.err


def running_session(driver: FakeDriver | None = None) -> FakeSession:
    session = session_of(driver or FakeDriver(State.RUNNING))
    session.endpoint.is_running = True
    return session


def taken_by(session: FakeSession) -> list[str]:
    """Return the commands by which settings were brought into the guest."""
    return [str(one) for one in session.connection.commands if "boot2docker-py.new" in str(one)]
