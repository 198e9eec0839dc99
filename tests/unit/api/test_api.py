"""The Python API: the commands' verbs as methods, silent and safe to share."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable

import pytest

from boot2docker_py.api import VM
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import (
    BusyError,
    DeadlineError,
    NotFoundError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.machine.steps import Step
from boot2docker_py.machine.users import Users
from boot2docker_py.ssh.connection import Result
from boot2docker_py.wait import Deadline
from tests.fakes import FakeConnection, FakeDriver, FakeEndpoint, FakeSession
from tests.unit.api.fake_vm import FakeVM
from tests.unit.image import iso_bytes

STOPPED, RESTORED = ["stop", "restore"], ["start", "connect", "engine"]
BOOTED = ["start", "boot", "engine"]
THAT_ONLY_ASK = {"info", "ip", "ports", "snapshots", "images", "settings", "own_settings"}
THAT_ONLY_ASK |= {"ssh_config", "forwarder", "stop_forwarder"}


class ComingToRest(FakeConnection):
    """A guest that works on for some looks at it, and notes how many snapshots there are then."""

    def __init__(self, driver: FakeDriver, *, busy_looks: int) -> None:
        super().__init__()
        self._driver, self._busy_looks = driver, busy_looks
        self.snapshots_at_looks: list[int] = []

    def begins(self) -> None:
        self.snapshots_at_looks.clear()

    def run(self, command: Any, *, stdin: bytes = b"", timeout_s: float) -> Result:
        if "/proc/stat" not in str(command):
            return super().run(command, stdin=stdin, timeout_s=timeout_s)
        self.snapshots_at_looks.append(len(self._driver.snapshots()))
        used = 90 if len(self.snapshots_at_looks) <= self._busy_looks else 3
        told = f"cpu  100 0 50 900 0 0 0 0 0 0\ncpu  {100 + used} 0 50 1000 0 0 0 0 0 0\n"
        return Result(0, told.encode(), b"")


class TestWith:
    @pytest.mark.parametrize(
        ("found", "left"),
        [
            (State.ABSENT, State.OFF),
            (State.OFF, State.OFF),
            (State.ABORTED, State.OFF),
            (State.SAVED, State.SAVED),
            (State.RUNNING, State.RUNNING),
        ],
    )
    def test_a_vm_is_left_as_it_was_found(self, found: State, left: State) -> None:
        driver = FakeDriver(found)
        with FakeVM(driver) as vm:
            assert vm.state is State.RUNNING
        assert driver.peek() is left

    def test_the_last_of_several_leaves_it_as_the_first_has_found_it(self) -> None:
        driver = FakeDriver(State.OFF)
        first, second = FakeVM(driver), FakeVM(driver)
        first.__enter__()
        with second:
            first.__exit__(None, None, None)
            assert driver.peek() is State.RUNNING, "somebody uses it"
        assert driver.peek() is State.OFF

    def test_one_object_may_be_used_twice_at_once(self) -> None:
        driver = FakeDriver(State.OFF)
        with FakeVM(driver) as vm:
            with vm:
                pass
            assert driver.peek() is State.RUNNING
        assert driver.peek() is State.OFF

    def test_an_error_inside_is_not_swallowed(self) -> None:
        driver = FakeDriver(State.OFF)
        with pytest.raises(ZeroDivisionError), FakeVM(driver):
            raise ZeroDivisionError
        assert driver.peek() is State.OFF

    def test_a_vm_that_is_deleted_inside_stays_away(self) -> None:
        driver = FakeDriver(State.OFF)
        with FakeVM(driver) as vm:
            vm.delete()
        assert driver.peek() is State.ABSENT

    def test_a_user_that_was_killed_does_not_count(self, tmp_path: Path) -> None:
        code = (
            "import sys, os, pathlib\n"
            "from boot2docker_py.machine.users import Users\n"
            "from boot2docker_py.drivers.base import State\n"
            "from boot2docker_py.wait import Deadline\n"
            "user = Users(pathlib.Path(sys.argv[1]))\n"
            "with user.entering(lambda: State.OFF, Deadline(5)): pass\n"
            "os._exit(9)\n"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
        user = Users(tmp_path)
        with user.entering(lambda: State.SAVED, Deadline(5)):
            pass
        with user.leaving(Deadline(5)) as found:
            assert found is State.SAVED
        assert {file.name for file in tmp_path.iterdir()} <= {"guard", "found"}


class TestVerbs:
    def test_a_reset_to_a_snapshot_tells_what_it_did(self) -> None:
        driver = FakeDriver(State.SAVED)
        driver.had_snapshot("clean", memory="boot 7")
        done = FakeVM(driver).reset(to="clean")
        assert (done.found, done.was_made) == (State.SAVED, False)
        assert [step.step for step in done.steps] == [
            *("stop", "restore", "start", "connect", "engine"),
        ]
        assert (driver.memory, driver.disk) == ("boot 7", "disk of clean")

    def test_steps_are_shown_as_they_are_done(self) -> None:
        shown: list[Step] = []
        driver = FakeDriver(State.OFF)
        vm = FakeVM(driver, on_step=shown.append)
        for verb, steps in (
            (vm.up, ["start", "boot", "engine"]),
            (lambda: vm.take_snapshot("one"), []),
            (lambda: vm.restore_snapshot("one", force=True), [*STOPPED, *RESTORED]),
            (vm.reset, ["stop", "start", "boot", "engine"]),
            (lambda: vm.reset(wipe=True, force=True), ["stop", "new disk", *BOOTED]),
            (vm.save, ["save"]),
        ):
            shown.clear()
            verb()
            assert [one.step for one in shown] == steps
        shown.clear()
        assert vm.reset().steps == tuple(shown)

    def test_the_memory_of_a_saved_vm_goes_when_that_is_asked_for(self) -> None:
        driver = FakeDriver(State.SAVED)
        vm = FakeVM(driver)
        vm.power_off()
        assert driver.peek() is State.SAVED
        vm.power_off(discard_saved=True)
        assert driver.peek() is State.OFF

    def test_make_is_called_once_with_the_vm_up(self) -> None:
        vm, calls = FakeVM(FakeDriver()), []
        for _ in range(2):
            vm.reset(to="ready", make=lambda given: calls.append(given.state))
        assert calls == [State.RUNNING]
        assert [one.name for one in vm.snapshots()] == ["ready"]

    def test_two_that_make_at_once_make_it_once(self) -> None:
        driver, calls, done = FakeDriver(), [], []
        first, second = FakeVM(driver), FakeVM(driver)
        reset_second = lambda: done.append(  # noqa: E731
            second.reset(to="ready", make=lambda _vm: calls.append("second"))
        )
        meanwhile = threading.Thread(target=reset_second)

        def make(_vm: VM) -> None:
            calls.append("first")
            meanwhile.start()
            meanwhile.join(0.5)  # it had a new disk by then

        assert first.reset(to="ready", make=make).was_made
        meanwhile.join()
        assert calls == ["first"]
        assert [one.was_made for one in done] == [False]

    def test_a_second_that_would_make_gives_up_in_its_time(self) -> None:
        driver, calls = FakeDriver(), []

        def make(vm: VM) -> None:
            calls.append("first")
            vm.up()  # the command may use the VM
            with pytest.raises(BusyError, match="at work") as caught:
                FakeVM(driver).reset(to="other", make=lambda _vm: None, timeout_s=0.2)
            assert "reset --make" in caught.value.details

        FakeVM(driver).reset(to="ready", make=make)
        assert calls == ["first"]

    def test_errors_are_those_of_the_commands(self) -> None:
        vm = FakeVM(FakeDriver(State.RUNNING))
        with pytest.raises(NotFoundError, match="no snapshot 'x'"):
            vm.reset(to="x")
        with pytest.raises(UsageError):
            vm.reset(to="x", wipe=True)
        with pytest.raises(UsageError, match="memroy_mb"):
            VM("ci", memroy_mb=5)
        vm.take_snapshot("one")
        with pytest.raises(WrongStateError):
            vm.restore_snapshot("one")
        vm.restore_snapshot("one", force=True)
        vm.delete_snapshot("one")

    def test_settings_are_those_of_the_commands(self, home: Path) -> None:
        vm = VM("other", memory_mb=512, offline=True, vbox_share=[f"{home}=x"], timeout_s=7)
        config = vm._parts().config  # noqa: SLF001 - what else follows from them is a real VM
        assert (config.vm, config.memory_mb, config.offline, config.timeout_s) == (
            *("other", 512, True, 7.0),
        )
        assert config.vbox_share == (f"{home}=x",)

    @pytest.mark.parametrize(
        "call",
        [
            lambda vm: vm.run("uname -a"),
            lambda vm: vm.run(b"uname"),
            lambda vm: vm.run([]),
            lambda vm: vm.run(["echo", 1]),
            lambda vm: vm.copy_in("", "/tmp"),
            lambda vm: vm.copy_out("/etc/hostname", ""),
            lambda vm: vm.copy_in("a\0b", "/tmp"),
            lambda vm: vm.copy_out("/etc/hostname", "a\0b"),
            lambda vm: vm.clone("new", snapshot=""),
            lambda vm: vm.set(vm="other"),
            lambda vm: vm.logs("console", lines=-1),
            lambda _vm: VM("ci", vm="other"),
            lambda _vm: VM("ci", provision=["/a\0b"]).settings(),
            lambda _vm: VM("ci", timeout_s=0).settings(),
            lambda _vm: VM("ci").up(timeout_s=0),
        ],
    )
    def test_what_would_mean_something_else_is_refused(self, call: Callable[[VM], object]) -> None:
        with pytest.raises(UsageError):
            call(FakeVM(FakeDriver(State.OFF)))

    def test_docker_is_pointed_at_the_vm(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_CONTEXT", "other")
        vm = FakeVM(FakeDriver(State.RUNNING))
        assert vm.environment["DOCKER_HOST"] == vm.docker_host
        assert "DOCKER_CONTEXT" not in vm.environment

    def test_threads_take_turns(self) -> None:
        driver = FakeDriver()
        vm = FakeVM(driver)
        threads = [threading.Thread(target=vm.up, daemon=True) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert driver.boots == 1

    def test_nothing_is_printed(self, capfd: pytest.CaptureFixture[str], home: Path) -> None:
        code = (
            "from tests.unit.api.fake_vm import FakeVM\n"
            "from tests.fakes import FakeDriver\n"
            "vm = FakeVM(FakeDriver())\n"
            "vm.up(); vm.endpoint.clock_is_off_s = 99.0; vm.restart(); vm.down()\n"
        )
        root = Path(__file__).parents[3]
        subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
        assert capfd.readouterr() == ("", "")


class TestAsTheCommands:
    def test_set_says_what_takes_effect_when(self) -> None:
        driver = FakeDriver(State.RUNNING)
        vm = FakeVM(driver)
        change = vm.set(memory_mb=512, publish="off")
        assert {one.field: one.takes_effect for one in change.settings} == {
            "memory_mb": "at the next boot",
            "publish": "at the next up",
        }
        vm.restart()
        assert vm.info().memory_mb == 512
        assert vm.set(cpus=2, restart=True).was_restarted
        assert vm.info().cpus == 2
        vm.set(unset=["publish"])
        for wrong in ({"colour": 1}, {"iso_url": "x"}, {"memory_mb": "many"}):
            with pytest.raises(UsageError):
                vm.set(**wrong)

    def test_clones_and_names(self, tmp_path: Path) -> None:
        driver = FakeDriver(State.OFF, name="ci")
        vm = FakeVM(driver)
        clone = vm.clone("second")
        assert (clone.name, clone.state) == ("second", State.OFF)
        with pytest.raises(WrongStateError):
            vm.clone("second")
        clone.rename("third")
        assert clone.name == "third"
        assert driver.house["second"].peek() is State.ABSENT
        assert driver.house["third"].peek() is State.OFF

    def test_a_vm_goes_through_a_file(self, tmp_path: Path) -> None:
        FakeVM(FakeDriver(State.OFF)).export(tmp_path / "work.vm")
        made = FakeVM(FakeDriver(), "work")
        made.import_(tmp_path / "work.vm")
        assert made.state is State.OFF
        with pytest.raises(WrongStateError):
            made.import_(tmp_path / "work.vm")

    def test_images(self) -> None:
        vm = FakeVM(FakeDriver(State.OFF))
        assert vm.download().version == "1.0.0"
        assert vm.upgrade().after is None

    def test_images_of_this_machine(self, home: Path, tmp_path: Path) -> None:
        source = tmp_path / "source.iso"
        source.write_bytes(iso_bytes.make_iso())
        vm = VM("ci", driver="qemu", iso_url=source)
        assert (vm.newer_image().present, list(vm.images())) == (None, [])
        vm.download()
        assert not vm.newer_image().is_newer
        assert [(one.place, one.used_by) for one in vm.images()] == [("in place", ())]
        assert vm.prune_images() == ((), 0)

    def test_the_doctor_looks_and_fixes(self) -> None:
        vm = FakeVM(FakeDriver(State.RUNNING))

        def level(*, fix: bool) -> str:
            (found,) = (one for one in vm.doctor(fix=fix) if one.id == "forwarder")
            return found.level.value

        assert level(fix=False) != "ok"
        assert not vm.endpoint.is_running
        assert level(fix=True) == "ok"
        assert vm.endpoint.is_running

    def test_settings_in_force_and_those_of_the_vm_alone(self) -> None:
        vm = FakeVM(FakeDriver(State.OFF))
        assert dict(vm.own_settings()) == {}
        vm.set(memory_mb=512)
        assert dict(vm.own_settings()) == {"memory_mb": 512}
        assert (vm.settings()["vm"], vm.settings()["memory_mb"]) == ("ci", 512)
        with pytest.raises(NotFoundError):
            FakeVM(FakeDriver()).own_settings()

    def test_the_forwarder(self) -> None:
        vm = FakeVM(FakeDriver(State.RUNNING))
        vm.forward()
        assert vm.forwarder() is not None
        vm.forward(restart=True)
        assert vm.stop_forwarder()
        assert vm.forwarder() is None
        assert not vm.stop_forwarder()
        with pytest.raises(WrongStateError):
            FakeVM(FakeDriver(State.OFF)).forward(restart=True)

    def test_another_program_logs_in_by_the_lines_of_ssh_config(self) -> None:
        lines = FakeVM(FakeDriver(State.OFF)).ssh_config().splitlines()
        assert lines[0] == "Host ci"
        assert "    HostName 127.0.0.1" in lines

    @pytest.mark.parametrize("name", ["", "a/b", "x" * 65])
    def test_a_name_that_cannot_be_is_refused(self, name: str) -> None:
        vm = FakeVM(FakeDriver(State.OFF))
        for verb in (vm.clone, vm.rename):
            with pytest.raises(UsageError, match="name"):
                verb(name)
        with pytest.raises(UsageError, match="FILE"):
            vm.export("")

    def test_make_runs_with_the_clock_and_the_settings_of_the_engine_right(self) -> None:
        endpoint = FakeEndpoint()
        endpoint.clock_is_off_s = 99.0
        session = FakeSession(FakeDriver(), endpoint)
        done_before: list[object] = []
        session.vm.reset(
            to="ready", make=lambda _vm: done_before.extend(session.connection.commands)
        )
        assert done_before

    def test_what_was_made_is_kept_when_the_guest_has_come_to_rest(self) -> None:
        driver = FakeDriver()
        session = FakeSession(driver, FakeEndpoint())
        session.connection = guest = ComingToRest(driver, busy_looks=2)
        session.vm.reset(to="ready", make=lambda _vm: guest.begins())
        assert guest.snapshots_at_looks == [0, 0, 0]
        assert [one.name for one in driver.snapshots()] == ["ready"]

    def test_a_guest_that_cannot_be_asked_whether_it_rests_is_not_waited_for(self) -> None:
        session = FakeSession(FakeDriver(), FakeEndpoint())
        assert session.vm.reset(to="ready", make=lambda vm: vm.down()).was_made

    def test_logs(self, tmp_path: Path) -> None:
        driver = FakeDriver(State.OFF)
        assert driver.spec is not None
        console = tmp_path / "console.log"
        console.write_bytes(b"one\ntwo\nthree\n")
        driver.spec = driver.spec._replace(console_log=console)
        vm = FakeVM(driver)
        assert vm.logs(lines=2) == b"two\nthree\n"
        with pytest.raises(WrongStateError):
            vm.logs("engine")
        with pytest.raises(UsageError, match="no log 'all'"):
            vm.logs("all")

    def test_ports_of_a_vm_that_runs(self) -> None:
        vm = FakeVM(FakeDriver(State.RUNNING))
        assert list(vm.ports()) == []
        with pytest.raises(WrongStateError):
            FakeVM(FakeDriver(State.OFF)).ports()

    def test_every_call_that_can_take_long_has_a_deadline(self) -> None:
        short = {"set": {"cpus": 1}, "take_snapshot": {"name": "x"}}
        for name, method in inspect.getmembers(VM, callable):
            if not name.startswith("_") and name not in THAT_ONLY_ASK:
                assert "timeout_s" in inspect.signature(method).parameters, name
        for verb in ("up", "down", "save", "restart", "set", "take_snapshot"):
            vm = FakeVM(FakeDriver(State.STARTING, polls=float("inf")))
            with pytest.raises(DeadlineError):
                getattr(vm, verb)(timeout_s=0.05, **short.get(verb, {}))
