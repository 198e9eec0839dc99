"""A VM that goes back: to a snapshot, or to a new disk. Nothing is thrown away unasked."""

from __future__ import annotations

import contextlib
import logging
from typing import Callable, Iterator, NamedTuple, Sequence

from boot2docker_py import lock, whole_file
from boot2docker_py.advice import quoted
from boot2docker_py.drivers.model import IS_ON, Snapshot, State, in_words
from boot2docker_py.errors import (
    Boot2DockerError,
    NotFoundError,
    StorageError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.machine import booting, making
from boot2docker_py.machine.life import Machine, announce
from boot2docker_py.machine.steps import Step, Steps
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

LONGEST_NAME = 64

# What brings a VM to where its snapshot is to be taken; raises when it fails.
Make = Callable[[], object]


class Reset(NamedTuple):
    """What a reset found, and what it did."""

    found: State
    steps: tuple[Step, ...]
    was_made: bool = False  # the snapshot, by this reset


class Resets(Machine):
    """One VM, with what brings it back to where it was."""

    def snapshots(self) -> Sequence[Snapshot]:
        """Return the snapshots of the VM, the oldest first."""
        self.questions.state()
        return self.driver.snapshots()

    def take_snapshot(self, name: str, deadline: Deadline, *, memory: bool = True) -> Snapshot:
        """Take a snapshot; the VM stays in its state.

        Raises:
            UsageError: the name cannot be one, or is taken.
        """
        demand_name(name)
        with self.alone("snapshot take", deadline):
            found = self._existing(deadline)
            with contextlib.ExitStack() as released:
                if memory and found in IS_ON and self._has_shares_to_release():
                    self.questions.running_address()  # one that stands still cannot be asked
                    released.enter_context(self._shares_released(deadline))
                log.info("Taking the snapshot '%s' of VM '%s'...", name, self.name)
                self.driver.take_snapshot(name, memory=memory)
            return self._snapshot(name)

    def delete_snapshot(self, name: str, deadline: Deadline) -> None:
        """Delete a snapshot; the VM, and the snapshots that build on it, stay what they are."""
        with self.alone("snapshot delete", deadline):
            self._existing(deadline)
            log.info("Deleting the snapshot '%s' of VM '%s'...", name, self.name)
            self.driver.delete_snapshot(name)
            if unfinished_in_swarm(self.paths) == name:  # the next of that name is another
                whole_file.remove(self.paths.swarm_snapshot)

    def restore_snapshot(self, name: str, deadline: Deadline, *, force: bool = False) -> State:
        """Make the VM what it was: running, its engine answering, or off; return what it was found.

        Raises:
            WrongStateError: what the VM is now would be lost, and `force` does not say so.
        """
        with self.alone("snapshot restore", deadline):
            found = self._existing(deadline)
            snapshot = self._snapshot(name)
            if not force:
                self._demand_nothing_lost(found, name)
            self._go_back(snapshot)
            if snapshot.has_memory:
                self._bring_up(deadline)
            return found

    def reset_to(self, name: str, deadline: Deadline) -> Reset:
        """Make the VM what it was, from any state, and bring its engine up.

        Raises:
            NotFoundError: there is no VM, or no such snapshot; nothing is changed then.
        """
        with self.alone("reset", deadline):
            found, snapshot = self.questions.state(), self._snapshot(name)
            self._go_back(snapshot)
            self._bring_up(deadline)
            return Reset(found, self.steps.done())

    def wipe(self, deadline: Deadline, *, force: bool = False) -> Reset:
        """Give the VM a new data disk, from any state, and bring its engine up; make an absent one.

        Its name, ports, keys and addresses stay.

        Raises:
            WrongStateError: it has snapshots, which would go, and `force` does not say so; or
                other VMs build on it.
        """
        with self.alone("init", deadline):
            found = self.driver.state()
            if found is not State.ABSENT and not force:
                self._demand_no_snapshots(found)
            self._demand_none_linked("given a new disk")  # before it is stopped for nothing
            self._stop()
            with self.steps.timed("new disk"):
                self._renew(deadline)
            self._bring_up(deadline)
            return Reset(found, self.steps.done())

    def reset_to_made(
        self, name: str, make: Make, deadline: Deadline, *, force: bool = False
    ) -> Reset:
        """Do what `reset_to` does; without such a snapshot take it, of a new disk and `make`.

        Raises:
            BusyError: another makes one of this VM when the deadline passes.
        """
        demand_name(name)
        if self._has_snapshot(name):
            return self.reset_to(name, deadline)
        with self._makes_alone(deadline):
            if self._has_snapshot(name):  # whom we waited for has made it
                return self.reset_to(name, deadline)
            wiped = self.wipe(deadline, force=force)
            steps = Steps(deadline.clock, self.show_step)
            with steps.timed("make"):
                make()
            with steps.timed("snapshot"):
                # The time of the command went into what it was to make.
                self.take_snapshot(name, Deadline(deadline.timeout_s, deadline.clock))
            return Reset(wiped.found, (*wiped.steps, *steps.done()), was_made=True)

    # -- steps

    @contextlib.contextmanager
    def _makes_alone(self, deadline: Deadline) -> Iterator[None]:
        """Let no other make a snapshot for a `with` block; what makes it may use the VM."""
        make_private_folder(self.paths.run)
        with lock.hold(
            self.paths.making_lock,
            deadline,
            purpose="reset --make",
            on_wait=announce,
            is_needed=lambda: False,
        ):
            yield

    def _go_back(self, snapshot: Snapshot) -> None:
        self._stop()
        self.questions.refuse_broken(self.driver.state())
        log.info("Restoring the snapshot '%s' of VM '%s'...", snapshot.name, self.name)
        with self.steps.timed("restore"):
            self.driver.restore_snapshot(snapshot.name)

    def _stop(self) -> None:
        """Throw the VM's memory away, the saved one too."""
        with self.steps.timed("stop"):
            self.endpoint.rest()
            self.driver.power_off()
            self.driver.discard_saved()

    def _bring_up(self, deadline: Deadline) -> None:
        is_restored = self.driver.state() is State.SAVED
        with self.steps.timed("start"):
            if not is_restored:
                self._apply_what_was_set()
            boot = booting.plan(self.config, self.driver, self.paths, boots=not is_restored)
            self.driver.start(boot)
        self._forward(self.driver.ssh_address(), deadline, boots=not is_restored)

    def _renew(self, deadline: Deadline) -> None:
        state = self.driver.state()
        if state is State.ABSENT:
            self._make(deadline)
            return
        image = self.images.ensure(deadline)
        log.info("Giving VM '%s' a new disk...", self.name)
        try:
            disk_mb = self.driver.describe().disk_mb or self.config.disk_mb
            making.renew_disk(self.config, self.driver, self.paths, image, disk_mb)
        except Boot2DockerError as error:
            if state is not State.BROKEN:
                raise
            # Nothing of it can be read, or used: all of it is made anew.
            log.warning("VM '%s' is made anew: %s", self.name, error.details or error.brief)
            self.driver.delete()
            self._make(deadline)

    def _demand_nothing_lost(self, found: State, name: str) -> None:
        if self.driver.is_as_snapshot():
            return
        what = "its memory, and " if found in IS_ON or found is State.SAVED else ""
        raise WrongStateError(
            f"what VM '{self.name}' is now would be lost",
            details=f"it is {in_words(found)}: {what}what its disk has become since its last "
            "snapshot",
            resolution=f"Keep it: boot2docker snapshot take NAME\n"
            f"Or throw it away: boot2docker snapshot restore --force -- {quoted(name)}",
        )

    def _demand_no_snapshots(self, found: State) -> None:
        try:
            names = [one.name for one in self.driver.snapshots()]
        except Boot2DockerError as error:
            if found is not State.BROKEN:  # its list may be put back, or read a moment later
                raise
            # Of a VM that is broken nothing can be read; then there is nothing to go back to.
            log.debug("No list of snapshots: %s (%s)", error.brief, error.details)
            return
        if names:
            raise WrongStateError(
                f"the snapshots of VM '{self.name}' would be lost with its disk",
                details=", ".join(f"'{name}'" for name in names),
                resolution="Say that they are to go, with --force; or go back to one: "
                "boot2docker reset --to NAME",
            )

    def _demand_none_linked(self, what: str) -> None:
        clones = self.driver.linked_clones()
        if clones:
            raise WrongStateError(
                f"VM '{self.name}' cannot be {what}: other VMs build on it",
                details="linked clones: " + ", ".join(f"'{clone}'" for clone in clones),
                resolution="Delete those first, as in: "
                f"boot2docker delete --vm {quoted(clones[0])}",
            )

    def _has_snapshot(self, name: str) -> bool:
        if self.driver.state() is State.ABSENT:
            return False
        return any(one.name == name for one in self.driver.snapshots())

    def _snapshot(self, name: str) -> Snapshot:
        found = [one for one in self.driver.snapshots() if one.name == name]
        if not found:
            names = ", ".join(f"'{one.name}'" for one in self.driver.snapshots())
            raise NotFoundError(
                f"VM '{self.name}' has no snapshot '{name}'",
                details=f"it has: {names or 'none'}",
                resolution="boot2docker snapshot list",
            )
        if found[0].lost_file:  # before the power is cut for nothing
            raise StorageError(
                f"the snapshot '{name}' is not whole",
                details=f"the file of its memory, '{found[0].lost_file}', is missing",
                resolution=f"Delete it: boot2docker snapshot delete -- {quoted(name)}",
            )
        return found[0]


def unfinished_in_swarm(paths: VMPaths) -> str:
    """Return the snapshot of its whole swarm that is not complete yet, empty when there is none."""
    try:
        return paths.swarm_snapshot.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def demand_name(name: str) -> None:
    """Raise UsageError when a new snapshot cannot have the name."""
    reason = _why_no_name(name)
    if reason:
        raise UsageError(
            f"a snapshot cannot be called '{name}'",
            details=reason,
            resolution="Choose another name, as in: boot2docker snapshot take clean",
        )


def _why_no_name(name: str) -> str:
    if not name.strip():
        return "a name is needed"
    if len(name) > LONGEST_NAME:
        return f"it is longer than {LONGEST_NAME} letters"
    if name != name.strip() or not name.isprintable():
        return "it has blanks at its ends, or letters that cannot be printed"
    if name.startswith("-"):
        return "it begins as a flag does"
    if "/" in name or "\\" in name:
        return "it has a slash"
    return ""
