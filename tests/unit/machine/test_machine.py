"""The life of a VM, where the table of states does not tell it."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py import config as configuration
from boot2docker_py import lock
from boot2docker_py.config import Config
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import (
    BusyError,
    DeadlineError,
    DownloadError,
    GuestError,
    HypervisorError,
    NetworkError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.machine.life import Machine
from boot2docker_py.machine.questions import Questions
from boot2docker_py.paths import Paths, find
from boot2docker_py.ssh import host_keys, keys
from boot2docker_py.wait import Deadline
from tests.fakes import FakeClock, FakeDriver, FakeEndpoint, FakeImage, FakeImages, a_spec


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find({"BOOT2DOCKER_DIR": str(tmp_path / "home")}, tmp_path)


class House:
    """A machine and the fakes that it stands on."""

    kind: type[FakeDriver] = FakeDriver

    def __init__(self, paths: Paths, state: State = State.ABSENT, **flags: object) -> None:
        self.config: Config = configuration.load(paths, {}, flags)
        self.driver = self.kind(state)
        self.endpoint = FakeEndpoint()
        self.images = FakeImages()
        self.paths = paths.vm(self.config.vm)
        questions = Questions(self.config.vm, self.driver)
        self.machine = Machine(
            self.config, questions, lambda: self.endpoint, self.images, self.paths
        )

    def deadline(self, timeout_s: float = 60) -> Deadline:
        return Deadline(timeout_s, FakeClock())


def test_made_vm_has_what_was_asked_for(paths: Paths) -> None:
    house = House(paths, memory_mb="512", cpus="1", disk_mb="3000", docker_port="2376")
    assert house.machine.init(house.deadline()) is True
    spec = house.driver.spec
    assert spec is not None
    assert (spec.memory_mb, spec.cpus, spec.disk_mb, spec.docker_port) == (512, 1, 3000, 2376)
    assert spec.console_log == house.paths.console_log


class NoImages(FakeImages):
    """A machine without a network, and without an image."""

    def ensure(self, deadline: Deadline) -> Any:
        raise DownloadError("cannot reach the source of images")


@pytest.mark.parametrize("command", ["init", "up"])
def test_what_this_host_cannot_give_is_said_before_an_image_is_fetched(
    paths: Paths, command: str
) -> None:
    greedy = House(paths, memory_mb="4000g")
    greedy.machine.images = NoImages()
    with pytest.raises(UsageError, match="the host has no more"):
        getattr(greedy.machine, command)(greedy.deadline())
    with socket.create_server(("127.0.0.1", 0)) as other:
        late = House(paths, ssh_port=str(other.getsockname()[1]))
        late.machine.images = NoImages()
        with pytest.raises(NetworkError, match="port"):
            getattr(late.machine, command)(late.deadline())


def test_seed_carries_our_key_and_the_host_key_that_is_pinned(paths: Paths) -> None:
    house = House(paths, vm="My VM")
    house.machine.init(house.deadline())
    assert house.driver.spec is not None
    seed = house.driver.spec.seed
    public_key = paths.key.with_name(paths.key.name + ".pub").read_bytes().split()[1]
    assert seed.startswith(b"boot2docker, please format-me")
    assert public_key in seed[:4096]
    pinned = host_keys.pinned(house.paths.known_hosts, "My-VM")
    assert pinned is not None
    assert pinned.encode() in seed
    assert b"My-VM\n" in seed


def test_host_key_of_another_image_is_not_known_in_advance(paths: Paths) -> None:
    house = House(paths)
    house.images.present = FakeImage("19.03.12", is_ours=False)
    house.machine.init(house.deadline())
    assert host_keys.pinned(house.paths.known_hosts, "boot2docker-vm") is None


def test_init_twice_makes_one_vm(paths: Paths) -> None:
    house = House(paths)
    house.machine.init(house.deadline())
    spec = house.driver.spec
    assert house.machine.init(house.deadline()) is False
    assert house.driver.spec is spec


def test_a_copied_disk_has_no_seed_and_its_host_key_is_not_known(
    paths: Paths, tmp_path: Path
) -> None:
    house = House(paths, base_vmdk=str(tmp_path / "base.vmdk"))
    house.driver.features = FakeDriver.features._replace(can_copy_disk=True)
    with pytest.raises(UsageError, match="key"):
        house.machine.init(house.deadline())
    assert house.driver.peek() is State.ABSENT, "a new key would not open that disk"
    keys.ensure_key_pair(house.config.ssh_key)
    house.machine.init(house.deadline())
    spec = house.driver.spec
    assert spec is not None
    assert (spec.base_disk, spec.seed) == (tmp_path / "base.vmdk", b"")
    assert not house.paths.known_hosts.exists()


class Interrupted(FakeEndpoint):
    """A forwarder during whose first wait Ctrl-C is pressed."""

    is_pressed = False

    def unready(self) -> str | None:
        if not self.is_pressed:
            self.is_pressed = True
            raise KeyboardInterrupt
        return super().unready()


class TestBootAfterCtrlC:
    def interrupted(self, paths: Paths) -> House:
        house = House(paths)
        house.endpoint = Interrupted()
        with pytest.raises(KeyboardInterrupt):
            house.machine.up(house.deadline())
        return house

    def test_up_says_that_the_vm_boots_and_waits_for_it(
        self, paths: Paths, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        house = self.interrupted(paths)
        house.endpoint.polls = 3
        caplog.clear()
        assert house.machine.up(house.deadline()) is State.RUNNING
        assert "is booting" in caplog.text
        assert "already running" not in caplog.text
        assert [one.step for one in house.machine.steps.done()][-2:] == ["boot", "engine"]

    def test_up_says_that_it_runs_when_it_answers_by_now(
        self, paths: Paths, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        house = self.interrupted(paths)
        house.endpoint.polls = 0
        house.machine.up(house.deadline())
        assert "already running" in caplog.text
        assert "is booting" not in caplog.text

    def test_a_vm_that_answered_once_is_not_called_booting_again(
        self, paths: Paths, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        house = House(paths)
        house.machine.up(house.deadline())
        house.endpoint.polls = 3  # the connection was lost meanwhile
        house.machine.up(house.deadline())
        assert "is booting" not in caplog.text


@pytest.mark.parametrize("command", ["init", "up", "down", "save", "restart", "power_off"])
def test_the_hypervisor_of_a_vm_that_others_made_is_remembered(paths: Paths, command: str) -> None:
    house = House(paths, State.RUNNING)
    getattr(house.machine, command)(house.deadline())
    assert house.paths.driver_record.read_text() == "fake\n"


@pytest.mark.parametrize("command", ["init", "up"])
def test_disk_does_not_shrink(paths: Paths, command: str) -> None:
    house = House(paths, State.OFF, disk_mb="500")
    with pytest.raises(UsageError, match="cannot shrink to 500 MB"):
        getattr(house.machine, command)(house.deadline())
    assert house.driver.peek() is State.OFF


def test_flag_that_comes_too_late_is_answered(
    paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(paths, State.OFF, memory_mb="4096")
    house.machine.up(house.deadline())
    assert "--memory 4096 has no effect" in caplog.text
    assert "256" in caplog.text


def test_up_twice_boots_once(paths: Paths) -> None:
    house = House(paths, State.OFF)
    assert house.machine.up(house.deadline()) is State.OFF
    assert house.machine.up(house.deadline()) is State.RUNNING
    assert house.driver.boots == 1


def test_up_brings_back_a_forwarder_that_was_lost(paths: Paths) -> None:
    house = House(paths, State.RUNNING)
    house.machine.up(house.deadline())
    assert house.endpoint.is_running


def test_restored_memory_is_kept_and_discarded_only_on_request(paths: Paths) -> None:
    house = House(paths, State.SAVED)
    house.machine.up(house.deadline())
    assert house.driver.memory == "boot 0"
    house.machine.save(house.deadline())
    house.machine.up(house.deadline(), discard_saved=True)
    assert house.driver.memory == "boot 1"


def test_saved_state_that_cannot_be_restored_is_kept(paths: Paths) -> None:
    house = House(paths, State.SAVED)
    house.driver.start_fails = "the saved state is invalid"
    with pytest.raises(HypervisorError):
        house.machine.up(house.deadline())
    assert house.driver.peek() is State.SAVED


@pytest.mark.parametrize("command", ["restart", "reset"])
@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.SAVED, State.OFF])
def test_restart_and_reset_boot_afresh(paths: Paths, command: str, state: State) -> None:
    house = House(paths, state)
    getattr(house.machine, command)(house.deadline())
    assert house.driver.memory == "boot 1"
    assert house.endpoint.is_running


def test_up_ends_by_deadline_with_the_reason(paths: Paths) -> None:
    house = House(paths, State.OFF)
    house.endpoint.polls = float("inf")
    with pytest.raises(DeadlineError) as caught:
        house.machine.up(house.deadline(30))
    assert "30 s waiting for SSH" in caught.value.brief
    assert caught.value.details == "no answer yet"


def test_vm_that_dies_ends_the_wait_at_once(paths: Paths) -> None:
    house = House(paths, State.OFF)

    def dies() -> str | None:
        house.driver.power_off()
        return "no answer yet"

    house.endpoint.unready = dies  # type: ignore[method-assign] # the guest, not our code
    deadline = house.deadline(3600)
    with pytest.raises(GuestError, match="stopped while it was starting"):
        house.machine.up(deadline)
    assert deadline.remaining_s() > 3590


def test_down_presses_again_when_a_booting_guest_did_not_hear(paths: Paths) -> None:
    house = House(paths, State.RUNNING)
    house.driver.presses_to_hear = 3
    house.machine.down(house.deadline(60))
    assert house.driver.peek() is State.OFF


def test_down_of_a_deaf_guest_ends_by_deadline_and_leaves_it_running(paths: Paths) -> None:
    house = House(paths, State.RUNNING)
    house.driver.hears_power_button = False
    with pytest.raises(DeadlineError) as caught:
        house.machine.down(house.deadline(20))
    assert "down --force" in caught.value.resolution
    assert house.driver.peek() is State.RUNNING
    house.machine.down(house.deadline(20), force=True)
    assert house.driver.peek() is State.OFF


@pytest.mark.parametrize("command", ["down", "restart"])
def test_the_endpoint_hears_of_a_shutdown_before_the_guest_does(paths: Paths, command: str) -> None:
    """Lest the engine wait for a stream of our own."""
    house = House(paths, State.RUNNING)
    pressed_after: list[list[str]] = []
    press = house.driver.shutdown

    def shutdown() -> None:
        pressed_after.append(list(house.endpoint.calls))
        press()

    house.driver.shutdown = shutdown  # type: ignore[method-assign]
    getattr(house.machine, command)(house.deadline())
    assert pressed_after == [["expect_stop"]]


@pytest.mark.parametrize("command", ["down", "power_off", "save"])
def test_commands_that_stop_the_vm_let_the_forwarder_rest(paths: Paths, command: str) -> None:
    house = House(paths, State.OFF)
    house.machine.up(house.deadline())
    getattr(house.machine, command)(house.deadline())
    assert (house.endpoint.is_running, house.endpoint.is_resting) == (True, True)
    house.machine.up(house.deadline())
    assert (house.endpoint.is_running, house.endpoint.is_resting) == (True, False)


def test_delete_ends_the_forwarder(paths: Paths) -> None:
    house = House(paths, State.OFF)
    house.machine.up(house.deadline())
    house.machine.delete(house.deadline())
    assert not house.endpoint.is_running


def test_forward_starts_the_forwarder_of_a_running_vm(paths: Paths) -> None:
    house = House(paths, State.RUNNING)
    house.machine.forward(house.deadline())
    assert house.endpoint.is_running
    assert house.endpoint.ping() is None


def test_delete_leaves_nothing_of_the_vm_and_all_of_the_rest(paths: Paths) -> None:
    house = House(paths)
    house.machine.up(house.deadline())
    assert house.machine.delete(house.deadline()) is True
    assert not house.paths.folder.exists()
    assert not house.paths.run.exists()
    assert paths.key.exists()
    assert house.machine.delete(house.deadline()) is False


def test_delete_takes_away_what_a_killed_one_has_left(paths: Paths) -> None:
    house = House(paths)
    house.driver.remains = True
    assert house.machine.delete(house.deadline()) is True
    assert not house.driver.has_remains()
    assert house.machine.delete(house.deadline()) is False


def test_delete_takes_the_notes_that_other_commands_have_made(paths: Paths) -> None:
    house = House(paths)
    house.machine.up(house.deadline())
    for note in (house.paths.engine_record, house.paths.renamed_from):
        note.write_text("boot2docker-vm")
    house.machine.delete(house.deadline())
    assert list(house.paths.folder.parent.iterdir()) == []


def test_delete_waits_for_a_command_that_makes_the_vm(paths: Paths) -> None:
    house = House(paths)
    deleted: list[bool] = []
    other = threading.Thread(
        target=lambda: deleted.append(house.machine.delete(Deadline(20))), daemon=True
    )
    with house.machine.alone("up", house.deadline()):
        house.paths.folder.mkdir()
        house.paths.known_hosts.write_text("the pin of the VM")
        other.start()
        other.join(0.3)
        assert house.paths.known_hosts.exists()
        house.driver.create(a_spec(paths.iso))
    other.join()
    assert deleted == [True]
    assert house.driver.peek() is State.ABSENT
    assert not house.paths.folder.exists()


def test_delete_makes_nothing_where_nothing_is(paths: Paths) -> None:
    house = House(paths)
    assert house.machine.delete(house.deadline()) is False
    assert not paths.home.exists()


def test_delete_keeps_files_that_are_not_ours(paths: Paths) -> None:
    house = House(paths)
    house.machine.init(house.deadline())
    (house.paths.folder / "notes.txt").write_text("mine")
    house.machine.delete(house.deadline())
    assert (house.paths.folder / "notes.txt").read_text() == "mine"


def test_two_ups_at_once_make_one_vm(paths: Paths) -> None:
    house = House(paths)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(house.machine.up(Deadline(20))), daemon=True)
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [State.ABSENT, State.RUNNING, State.RUNNING, State.RUNNING]
    assert house.driver.boots == 1


def test_second_command_gives_up_when_the_first_holds_the_vm(paths: Paths) -> None:
    house = House(paths, State.RUNNING)
    with lock.hold(house.paths.lock, Deadline(1), purpose="up"), pytest.raises(BusyError):
        house.machine.down(Deadline(0.2))
    assert house.driver.peek() is State.RUNNING


@pytest.mark.parametrize("hangs", [False, True])
def test_a_broken_vm_whose_process_hangs_is_not_advised_to_be_deleted(
    paths: Paths, *, hangs: bool
) -> None:
    house = House(paths, State.BROKEN)
    house.driver.hangs_when_broken = hangs
    with pytest.raises(WrongStateError, match="is broken") as caught:
        house.machine.up(house.deadline())
    assert ("boot2docker reset" in caught.value.resolution) is hangs
    assert ("boot2docker delete" in caught.value.resolution) is not hangs


def test_a_power_off_that_worked_says_so_of_a_broken_vm_too(paths: Paths) -> None:
    """Half a VM of the original's runs, and is broken as soon as it is off."""

    class Half(FakeDriver):
        def power_off(self) -> None:
            self._state = State.BROKEN

    house = House(paths, State.RUNNING)
    house.machine.driver = house.driver = Half(State.RUNNING)
    house.machine.questions.driver = house.driver
    assert house.machine.power_off(house.deadline()) is State.RUNNING
    with pytest.raises(WrongStateError, match="is broken"):
        house.machine.power_off(house.deadline())
