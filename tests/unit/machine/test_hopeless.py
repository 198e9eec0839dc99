"""A wait ends when what it waits for cannot come any more, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py import config as configuration
from boot2docker_py.drivers.model import USUAL, Boot, State
from boot2docker_py.errors import DeadlineError, GuestError, StorageError
from boot2docker_py.guest.engine_state import EngineState
from boot2docker_py.machine import console
from boot2docker_py.machine.life import Machine
from boot2docker_py.machine.questions import Questions
from boot2docker_py.paths import find
from boot2docker_py.wait import Deadline, Progress
from tests.fakes import FakeClock, FakeDriver, FakeEndpoint, FakeImages, a_spec

TIMEOUT_S = 300.0
SPACE = "QEMU cannot write to the disk; 0 MB are free in its file system"
DEAD = "---[ end Kernel panic - not syncing: VFS: Unable to mount root fs ]---\n"
PANIC = "[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs\n[    1.2] CPU: 0\n"
REBOOTS = "[    1.3] Rebooting in 10 seconds..\n"


class Driver(FakeDriver):
    """A hypervisor that may pause the VM by itself as soon as it runs."""

    paused_because = ""

    def start(self, boot: Boot = USUAL) -> None:
        super().start(boot)
        if self.paused_because:
            self._state = State.PAUSED

    def why_paused(self) -> str:
        return self.paused_because


class Endpoint(FakeEndpoint):
    """A forwarder whose engine does not answer for some reason."""

    reason: str | None = "the engine of VM 'boot2docker-vm' is not running"

    def ping(self, timeout_s: float = 10.0) -> str | None:
        return self.reason


class House:
    """A VM that does not come up, and the parts that could say why."""

    def __init__(self, folder: Path) -> None:
        paths = find({"BOOT2DOCKER_DIR": str(folder / "home")}, folder)
        config = configuration.load(paths, {}, {})
        self.driver = Driver(State.OFF)
        self.driver.spec = a_spec(folder / "boot2docker.iso")
        self.console = folder / "console.log"
        self.endpoint = Endpoint()
        self.states = [EngineState()]
        self.questions = 0
        self.told: list[Progress] = []
        self.clock = FakeClock()
        self.machine = Machine(
            config,
            Questions(config.vm, self.driver),
            lambda: self.endpoint,
            FakeImages(),
            paths.vm(config.vm),
            self.told.append,
            self._look,
        )

    def _look(self, _deadline: Deadline) -> EngineState:
        self.questions += 1
        return self.states[min(self.questions, len(self.states)) - 1]

    def deadline(self) -> Deadline:
        return Deadline(TIMEOUT_S, self.clock)

    def waited_s(self, began_s: float = 1000.0) -> float:
        return self.clock.now_s - began_s


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize("command", ["up", "restart", "reset"])
def test_an_engine_that_has_ended_is_not_waited_for(house: House, command: str) -> None:
    words = 'failed to load listeners: no "tcp" with "-H nonsense"'
    house.states = [EngineState(has_ended=True, last_words=words)]
    with pytest.raises(GuestError, match="has ended") as caught:
        getattr(house.machine, command)(house.deadline())
    assert caught.value.details == words
    assert caught.value.exit_status == 9
    assert house.waited_s() < TIMEOUT_S / 10


def test_an_engine_that_is_about_to_be_started_again_is_waited_for(house: House) -> None:
    house.states = [EngineState(has_ended=True), EngineState(), EngineState(has_ended=True)]
    house.states += [EngineState()] * 100
    with pytest.raises(DeadlineError):
        house.machine.up(house.deadline())
    assert house.waited_s() >= TIMEOUT_S


def test_an_engine_that_comes_up_after_all_is_taken(house: House) -> None:
    class Late(Endpoint):
        def ping(self, timeout_s: float = 10.0) -> str | None:
            return None if house.questions >= 2 else self.reason

    house.machine.endpoint = Late()
    house.states = [EngineState(has_ended=True)]
    assert house.machine.up(house.deadline()) is State.OFF


def test_a_script_of_the_user_that_does_not_end_is_named_with_its_time(house: House) -> None:
    house.states = [EngineState(script="bootsync.sh", script_s=42)]
    with pytest.raises(DeadlineError) as caught:
        house.machine.up(house.deadline())
    assert caught.value.details.startswith("bootsync.sh has been running for 4")
    reasons = {progress.reason for progress in house.told}
    assert {f"bootsync.sh has been running for {second} s" for second in (42, 43, 44)} <= reasons


def test_a_guest_too_slow_to_answer_is_asked_ever_less(tmp_path: Path) -> None:
    """Each question makes it start a process, which keeps an interpreted CPU busy for a minute."""

    class Slow(House):
        def _look(self, deadline: Deadline) -> EngineState:
            self.questions += 1
            self.clock.sleep(deadline.remaining_s())
            raise GuestError("no answer")

    slow, hour_s = Slow(tmp_path), 3600.0
    with pytest.raises(DeadlineError):
        slow.machine.up(Deadline(hour_s, slow.clock))
    assert 2 < slow.questions < 15


def test_an_engine_too_slow_to_answer_in_time_is_given_more(tmp_path: Path) -> None:
    """What is asked and not waited for is still answered: such questions pile up."""

    class Slow(Endpoint):
        pings = 0

        def ping(self, timeout_s: float = 10.0) -> str | None:
            self.pings += 1
            slow_house.clock.sleep(min(timeout_s, 45.0))
            return None if timeout_s > 45 else "no answer: timed out"

    slow_house = House(tmp_path)
    slow_house.machine.endpoint = slow = Slow()
    assert slow_house.machine.up(Deadline(3600.0, slow_house.clock)) is State.OFF
    assert slow.pings < 10


def test_a_vm_that_its_hypervisor_has_paused_is_not_waited_for(house: House) -> None:
    house.driver.paused_because = SPACE
    house.endpoint.polls = float("inf")
    with pytest.raises(StorageError, match="paused by its hypervisor") as caught:
        house.machine.up(house.deadline())
    assert caught.value.details == SPACE
    assert house.waited_s() < TIMEOUT_S / 10


def test_nor_is_its_end(house: House) -> None:
    house.driver.start()
    house.driver.paused_because = SPACE
    house.driver.is_now(State.PAUSED)
    with pytest.raises(StorageError, match="paused by its hypervisor"):
        house.machine.down(house.deadline())
    assert house.driver.peek() is State.PAUSED
    house.machine.down(house.deadline(), force=True)
    assert house.driver.peek() is State.OFF
    assert house.waited_s() < TIMEOUT_S / 10


def test_a_kernel_that_has_panicked_for_good_is_not_waited_for(house: House) -> None:
    house.endpoint.polls = float("inf")
    house.console.write_text("boot\n" + PANIC + DEAD)
    with pytest.raises(GuestError, match="has panicked") as caught:
        house.machine.up(house.deadline())
    assert caught.value.details == "VFS: Unable to mount root fs"
    assert house.waited_s() < TIMEOUT_S / 10


def test_one_that_boots_again_gets_another_chance(house: House) -> None:
    house.endpoint.polls = float("inf")
    house.console.write_text("old\n" + PANIC + REBOOTS)  # of the boot before
    with pytest.raises(DeadlineError):
        house.machine.up(house.deadline())

    class Panics(Endpoint):
        def unready(self) -> str | None:
            with house.console.open("a") as console_log:
                console_log.write(PANIC + REBOOTS)
            return "no answer yet"

    began_s = house.clock.now_s
    house.machine.endpoint = Panics()
    with pytest.raises(GuestError, match="has panicked"):
        house.machine.up(house.deadline())
    assert house.waited_s(began_s) < TIMEOUT_S / 10


@pytest.mark.parametrize(
    ("text", "is_for_good"),
    [(PANIC, False), (PANIC + REBOOTS, False), (PANIC + DEAD, True), (PANIC + DEAD + PANIC, False)],
)
def test_what_a_console_tells_of_a_panic(tmp_path: Path, text: str, *, is_for_good: bool) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"\xff\x1b[0m" * 10 + text.encode())
    panic = console.last_panic(log)
    assert panic is not None
    assert panic.words == "VFS: Unable to mount root fs"
    assert panic.is_for_good is is_for_good


def test_a_console_without_a_panic(tmp_path: Path) -> None:
    assert console.last_panic(None) is None
    assert console.last_panic(tmp_path / "missing") is None
    (tmp_path / "console.log").write_text("boot2docker: boot times: kernel 2.31\n")
    assert console.last_panic(tmp_path / "console.log") is None
