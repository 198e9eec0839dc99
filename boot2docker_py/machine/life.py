"""The life of one VM: the order of steps, written once above all drivers.

Every command first waits out a state that passes by itself (starting, stopping), then does what
`docs/states.md` says for the state it finds. A command may be killed anywhere and run again: the
state is always the hypervisor's, and each step is skipped when its effect is already there.
"""

from __future__ import annotations

import contextlib
import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Sequence

from boot2docker_py import config as configuration
from boot2docker_py import drivers, lock, whole_file
from boot2docker_py.address import Address
from boot2docker_py.drivers.model import IS_ON, TRANSITIONAL, State, in_words
from boot2docker_py.errors import (
    Boot2DockerError,
    StorageError,
)
from boot2docker_py.machine import booting, changing, half_exports, making, readiness, shutdown
from boot2docker_py.machine.collaborators import NoShares
from boot2docker_py.machine.questions import Questions
from boot2docker_py.machine.steps import ShowStep, Steps, show_no_step
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Check, Deadline, Report, silent, wait_for

if TYPE_CHECKING:
    from boot2docker_py.config import Config
    from boot2docker_py.machine.collaborators import Endpoint, Images, Shares

log = logging.getLogger(__name__)


class Machine:
    """One VM and everything that happens to it."""

    def __init__(
        self,
        config: Config,
        questions: Questions,
        open_endpoint: Callable[[], Endpoint],
        images: Images,
        paths: VMPaths,
        report: Report = silent,
        look_at_engine: readiness.LookAtEngine = readiness.nothing_known,
        shares: Callable[[], Shares] = NoShares,
    ) -> None:
        self.name = questions.name
        self.driver = questions.driver
        self.questions = questions
        self.config = config
        self._open_endpoint = open_endpoint
        self.images = images
        self.paths = paths
        self.report = report
        self.look_at_engine = look_at_engine
        self.steps = Steps(time)  # of the command that is at work, or was last
        self.show_step: ShowStep = show_no_step
        self._shares = shares
        self._cut_off: Boot2DockerError | None = None  # by a shutdown; raised when all is done

    @cached_property
    def endpoint(self) -> Endpoint:
        """Return what the docker client connects to; a VM that is only made needs none."""
        return self._open_endpoint()

    # -- commands

    def init(self, deadline: Deadline) -> bool:
        """Make the VM; tell whether it was made, False when it was there."""
        with self.alone("init", deadline):
            booting.say_what_waits(self.config)
            if self._usable(deadline) is State.ABSENT:
                self._make(deadline)
                return True
            making.compare(self.config, self.driver.describe())
            return False

    def up(self, deadline: Deadline, *, discard_saved: bool = False) -> State:
        """Bring the VM and its engine up, from any state; return the state it was found in."""
        with self.alone("up", deadline):
            found = self._usable(deadline)
            if found in _BOOTS or discard_saved:
                self._demand_bootable()
            if found is State.ABSENT:
                self._make(deadline)
            else:
                making.compare(self.config, self.driver.describe())
            if found is State.SAVED and discard_saved:
                self.driver.discard_saved()
            self._start(self.driver.state(), deadline)
            return found

    def down(self, deadline: Deadline, *, force: bool = False) -> State:
        """Shut the VM down; with `force`, cut the power when the deadline passes."""
        with self.alone("down", deadline):
            found = self._existing(deadline)
            booting.say_what_waits(self.config)
            if found in IS_ON:
                self._shut_down(deadline, force=force)
            self.endpoint.rest()
            return found

    def power_off(self, deadline: Deadline, *, discard_saved: bool = False) -> State:
        """Cut the power, even of a VM that answers nothing; maybe of one that is saved, too."""
        with self.alone("poweroff", deadline):
            found = self.questions.state()
            self.endpoint.rest()
            self.driver.power_off()
            if discard_saved:
                self.driver.discard_saved()
            if found not in IS_ON:  # else its power is off now, whatever else it lacks
                self.questions.refuse_broken(self.driver.state())
            self._say_what_comes_too_late()
            return found

    def restart(self, deadline: Deadline) -> State:
        """Shut the VM down properly and bring it up again, saved memory included."""
        with self.alone("restart", deadline):
            found = self._existing(deadline)
            self._demand_bootable()
            self._shut_down_from(found, deadline)
            self._start(self.driver.state(), deadline)
            return found

    def reset(self, deadline: Deadline) -> State:
        """Throw the VM's memory away, in whatever state, and boot it."""
        with self.alone("reset", deadline):
            found = self.questions.state()
            self._demand_bootable()
            if found in GOES_ON:
                words = "VM '%s' is %s; what its memory holds is thrown away..."
                log.info(words, self.name, in_words(found))
            self.endpoint.rest()
            with self.steps.timed("stop"):
                self.driver.power_off()
                self.driver.discard_saved()
            state = self.driver.state()
            self.questions.refuse_broken(state)
            making.compare(self.config, self.driver.describe())
            self._start(state, deadline)
            return found

    def save(self, deadline: Deadline) -> State:
        """Save the VM's memory to disk."""
        with self.alone("save", deadline):
            found = self._existing(deadline)
            booting.say_what_waits(self.config)
            if found in (State.OFF, State.ABORTED):
                raise self.questions.wrong_state(found, resolution="boot2docker up")
            if found is State.SAVED:
                self.endpoint.rest()
                self.driver.save()
                return found
            if found is State.PAUSED and self._has_shares_to_release():
                self.driver.start()  # one that stands still cannot be asked for anything
            with self._shares_released(deadline):
                self.endpoint.rest()
                log.info("Saving the memory of VM '%s'...", self.name)
                with self.steps.timed("save"):
                    self.driver.save()
            return found

    def set(
        self,
        given: Mapping[str, Any],
        deadline: Deadline,
        *,
        unset: Sequence[str] = (),
        restart: bool = False,
    ) -> changing.Change:
        """Change settings of the VM alone; `unset` names those that are to be as if never set.

        What needs a boot waits for the next one, or with `restart` has one now.

        Raises:
            UsageError: a setting is not one of one VM; the disk would have to shrink.
            NetworkError: a port is taken.
        """
        changing.demand_settable([*given, *unset])
        with self.alone("set", deadline):
            found = self._usable(deadline)
            if found is State.ABSENT:
                raise self.questions.absent()
            changing.demand_possible(given, self.driver.describe())
            before = self.config.own
            own = {**before, **given}
            own = {field: value for field, value in own.items() if field not in unset}
            self.keep(own)
            is_restarted = False
            if found in (State.OFF, State.ABORTED):
                try:
                    changing.apply(self.config, self.driver)
                except Boot2DockerError:  # as it would at each start, which it would so prevent
                    self.keep(before)
                    raise
            elif restart:
                is_restarted = self._shut_down_from(found, deadline)
                self._start(self.driver.state(), deadline)
            changed = {**given, **dict.fromkeys(unset)}
            settings = changing.effects(changed, found, is_restarted=is_restarted)
            return changing.Change(found, settings, is_restarted)

    def keep(self, own: Mapping[str, Any]) -> None:
        """Let this be what is set for the VM alone."""
        make_private_folder(self.paths.folder)
        try:
            configuration.write_own(self.paths.settings, own)
        except OSError as error:
            raise StorageError(
                f"cannot write the settings of VM '{self.name}'", details=str(error)
            ) from error
        self.config = self.config._replace(own=own)

    def delete(self, deadline: Deadline) -> bool:
        """Delete the VM and its disk; tell whether there was one, or a part of one."""
        of_commands = (self.paths.lock, self.paths.folder, self.paths.run)  # alive or killed
        if not self._is_there() and not any(one.exists() for one in of_commands):
            return False  # before the lock makes a folder
        with self.alone("delete", deadline):
            is_there = self._is_there()
            if is_there:
                self.driver.delete()
            self.forget()
            return is_there

    def let_go(self) -> None:
        """Forget a VM that another program made, and that stays what it is."""
        self.forget()

    def forward(self, deadline: Deadline) -> None:
        """Run the forwarder of a running VM, until the engine answers through it."""
        with self.alone("forward", deadline):
            self._forward(self.settled_address(deadline), deadline, boots=False)

    def settled_address(self, deadline: Deadline) -> Address:
        """Return where SSH of the running VM is reached; wait first for a VM that is starting."""
        self._settled(deadline)
        return self.questions.running_address()

    # -- steps

    @contextlib.contextmanager
    def alone(self, purpose: str, deadline: Deadline) -> Iterator[None]:
        """Hold the VM for a `with` block; commands that wait for it hear the purpose."""
        if purpose not in _OF_ABSENT:
            self.questions.state()  # an absent VM is an error at once, and leaves no lock file

        def is_needed() -> bool:
            return self.paths.folder.exists()  # else there is no VM, and maybe never was

        with lock.hold(
            self.paths.lock, deadline, purpose=purpose, on_wait=announce, is_needed=is_needed
        ):
            self.steps = Steps(deadline.clock, self.show_step)
            self._adopt()
            # Whom we waited for may have set something.
            self.config = self.config._replace(own=configuration.read_own(self.paths.settings))
            yield
            cut_off, self._cut_off = self._cut_off, None
            if cut_off is not None:
                raise cut_off

    def _adopt(self) -> None:
        """Remember the hypervisor of a VM that others made, lest it be sought elsewhere."""
        if not self.paths.driver_record.exists() and self.driver.state() is not State.ABSENT:
            make_private_folder(self.paths.folder)
            self.paths.adopted.touch()
            drivers.remember(self.paths, self.driver)

    def _settled(self, deadline: Deadline) -> State:
        def probe(_deadline: Deadline) -> str | None:
            state = self.driver.state()
            return f"it is {state.value}" if state in TRANSITIONAL else None

        if self.driver.state() in TRANSITIONAL:
            hint = "boot2docker poweroff"
            what = f"VM '{self.name}' to come to rest"
            wait_for([Check(what, probe, hint)], deadline, report=self.report)
        return self.driver.state()

    def _usable(self, deadline: Deadline) -> State:
        state = self._settled(deadline)
        self.questions.refuse_broken(state)
        return state

    def _existing(self, deadline: Deadline) -> State:
        state = self._usable(deadline)
        if state is State.ABSENT:
            raise self.questions.absent()
        making.compare(self.config, self.driver.describe())
        return state

    def _say_what_comes_too_late(self) -> None:
        booting.say_what_waits(self.config)
        if self.driver.state() is not State.BROKEN:
            making.compare(self.config, self.driver.describe())

    def _make(self, deadline: Deadline) -> None:
        making.demand_possible(self.config, self.paths)
        with self.steps.timed("image"):
            image = self.images.ensure(deadline)
        log.info("Creating VM '%s' with %s...", self.name, self.driver.name)
        with self.steps.timed("make"):
            making.make(self.config, self.driver, self.paths, image, deadline)

    def _demand_bootable(self) -> None:
        """Raise what stands against a boot, before anything is done for it."""
        booting.plan(self.config, self.driver, self.paths, boots=True)

    def _start(self, state: State, deadline: Deadline) -> None:
        if state in GOES_ON:
            booting.say_what_waits(self.config)
        boots = state in _BOOTS
        if state is State.RUNNING:
            self.driver.tend()
        else:
            log.info("%s VM '%s'...", _VERBS.get(state, "Starting"), self.name)
            with self.steps.timed("start"):
                self._apply_what_was_set()
                boot = booting.plan(self.config, self.driver, self.paths, boots=boots)
                if boots:
                    booting.note(self.paths)
                self.driver.start(boot)
        self._forward(self.driver.ssh_address(), deadline, boots=boots, found=state)

    def _forward(
        self, address: Address, deadline: Deadline, *, boots: bool, found: State | None = None
    ) -> None:
        self.endpoint.start(address, deadline)
        if found is State.RUNNING:
            boots = self.paths.booting.exists() and self.endpoint.unready() is not None
            log.info("VM '%s' is %s.", self.name, "booting" if boots else "already running")
        checks = readiness.checks(self.driver, self.endpoint, self.look_at_engine, boots=boots)
        for name, check in zip(("boot" if boots else "connect", "engine"), checks):
            with self.steps.timed(name):
                wait_for([check], deadline, report=self.report)
            self.paths.booting.unlink(missing_ok=True)
        self.driver.drop_old_disk()
        if self._has_shares_to_release():
            self._shares().mount_shares(deadline)

    def _apply_what_was_set(self) -> None:
        """Make the VM what was set for it while it was on, if it is off now."""
        if self.config.own and self.driver.state() in (State.OFF, State.ABORTED):
            try:
                changing.apply(self.config, self.driver)
            except Boot2DockerError as error:
                way_back = "Or take back what was set: boot2docker set --unset SETTING"
                error.resolution = "\n".join(filter(None, (error.resolution, way_back)))
                raise

    def _has_shares_to_release(self) -> bool:
        """Tell whether the guest has folders mounted that keep its memory from being written."""
        return self.driver.features.shares_forbid_saving and bool(self.driver.shares())

    @contextlib.contextmanager
    def _shares_released(self, deadline: Deadline) -> Iterator[None]:
        """Let the running guest be without its shared folders for a `with` block.

        Raises:
            WrongStateError: something uses them; nothing is changed.
        """
        if not self._has_shares_to_release():
            yield
            return
        self._shares().release_shares(deadline)
        try:
            yield
        finally:
            if self.driver.state() is State.RUNNING:
                self._shares().mount_shares(deadline)

    def _shut_down_from(self, found: State, deadline: Deadline) -> bool:
        """Shut down what is on or saved; tell whether there was anything to shut down."""
        if found is State.SAVED:
            log.info("Restoring VM '%s', to shut it down properly...", self.name)
            self.driver.start()
        elif found not in IS_ON:
            return False
        self._shut_down(deadline)
        self.endpoint.rest()
        return True

    def _shut_down(self, deadline: Deadline, *, force: bool = False) -> None:
        if self._settled(deadline) is State.PAUSED:
            self.driver.start()
        log.info("Shutting VM '%s' down...", self.name)
        with self.steps.timed("shut down"):
            self._cut_off = shutdown.shut_down(
                self.driver, self.endpoint, deadline, self.report, force=force
            )

    def _is_there(self) -> bool:
        """Tell whether there is the VM, or a part of one."""
        return self.driver.state() is not State.ABSENT or self.driver.has_remains()

    def forget(self) -> None:
        """Remove what we have noted of the VM, and end its forwarder."""
        self.endpoint.stop()
        half_exports.remove(self.paths.exporting)
        for file in (
            self.paths.exporting,
            self.paths.renamed_from,
            self.paths.swarm_snapshot,
            self.paths.engine_record,
            self.paths.driver_record,
            self.paths.adopted,
            self.paths.known_hosts,
            self.paths.settings,
            self.paths.pin,
            self.paths.own_key,
            self.paths.own_key.with_suffix(".pub"),
        ):
            file.unlink(missing_ok=True)
            whole_file.clear(file)
        with contextlib.suppress(OSError):  # something else lives there, or nothing was there
            self.paths.folder.rmdir()
        import shutil

        shutil.rmtree(self.paths.run, ignore_errors=True)


def announce(holder: str) -> None:
    """Say whom a lock is waited for."""
    log.info("Waiting for another boot2docker (%s)...", holder)


_OF_ABSENT = ("init", "up", "upgrade", "delete", "clone", "rename", "import")  # as well
_BOOTS = (State.ABSENT, State.OFF, State.ABORTED)
GOES_ON = (State.RUNNING, State.PAUSED, State.SAVED)
_VERBS = {State.SAVED: "Restoring", State.PAUSED: "Resuming"}
