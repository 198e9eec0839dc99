"""VMs made of others, and one that has another name: what each has of its own, in which order.

Whatever is half-made when a command is killed is finished, or made anew, when it is typed again.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Callable, Iterator

from boot2docker_py import drivers, whole_file
from boot2docker_py.advice import quoted
from boot2docker_py.drivers.base import ShowBytes, show_no_bytes
from boot2docker_py.drivers.model import Own, State, in_words
from boot2docker_py.errors import (
    StorageError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.machine import changing, half_exports, making
from boot2docker_py.machine.internal_network import joined
from boot2docker_py.machine.resets import Resets
from boot2docker_py.paths import make_private_folder
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

_AT_REST = (State.OFF, State.ABORTED)

# What points at the VM by its name, outside of its folder.
Follow = Callable[[], None]


class Copies(Resets):
    """One VM, with what makes others of it, and it of others."""

    def clone(
        self,
        new: Copies,
        deadline: Deadline,
        *,
        snapshot: str = "",
        is_linked: bool = False,
        keep_keys: bool = False,
        show: ShowBytes = show_no_bytes,
    ) -> None:
        """Make `new` as a copy of this VM, or of a snapshot of it; it is off then.

        It has ports, addresses, a name and keys of its own. One that `is_linked` has only what
        differs from the snapshot, which cannot be deleted as long as it is there.

        Raises:
            NotFoundError: there is no such VM, or no such snapshot.
            WrongStateError: there is a VM `new`; or this one is on, and no snapshot is named.
            UsageError: a linked one without a snapshot.
        """
        self._demand_another(new)
        if is_linked and not snapshot:
            raise UsageError(
                "a linked clone builds on a snapshot, which has to be named",
                resolution=f"boot2docker clone {quoted(new.name)} --linked --from SNAPSHOT",
            )
        with self._both_alone(new, "clone", deadline):
            new.demand_absent()
            found = self._usable(deadline)
            if found is State.ABSENT:
                raise self.questions.absent()
            if snapshot:
                self._snapshot(snapshot)
            elif found not in _AT_REST:
                raise self._on(
                    found,
                    "cloned",
                    ", or clone a snapshot: "
                    f"boot2docker clone {quoted(new.name)} --from SNAPSHOT",
                )
            log.info("Making VM '%s' as a copy of '%s'...", new.name, self.name)
            iso = self.driver.describe().iso
            with new.made():
                self._give_key(new)
                seed = b""
                if not keep_keys and self.images.is_ours_at(iso):
                    seed = making.new_identity(new.config, new.paths)
                else:
                    making.keep_pin(
                        self.paths.known_hosts, self.name, new.paths.known_hosts, new.name
                    )
                kept = changing.OF_ONE_VM
                own = {name: one for name, one in self.config.own.items() if name not in kept}
                new.keep(own)
                wanted = new.config.internal_network
                with joined(new.driver, new.paths, wanted, deadline) as network:
                    new.driver.clone(
                        self.driver,
                        Own(iso, new.paths.console_log, seed, network),
                        snapshot=snapshot,
                        is_linked=is_linked,
                        show=show,
                    )

    def rename(self, new: Copies, deadline: Deadline, follow: Follow = lambda: None) -> None:
        """Give this VM, which is off, the name of `new`, with all that goes by its name.

        `follow` lets follow what else there is; it is called again when it was killed.

        Raises:
            WrongStateError: there is a VM `new`; or this one is on, or saved.
        """
        self._demand_another(new)
        with self._both_alone(new, "rename", deadline):
            if not self._is_renamed_to(new):
                new.demand_absent()
                found = self._usable(deadline)
                if found is State.ABSENT:
                    raise self.questions.absent()
                if found not in _AT_REST:
                    raise self._on(found, "renamed")
                self._rename(new)
            self.endpoint.stop()
            follow()
            shutil.rmtree(self.paths.run, ignore_errors=True)
            new.paths.renamed_from.unlink(missing_ok=True)

    def export(self, file: Path, deadline: Deadline, show: ShowBytes = show_no_bytes) -> None:
        """Write this VM, which is off, as it is now into one new file, whole or not at all.

        Raises:
            WrongStateError: it is on, or saved.
            StorageError: no space; or there is such a file.
        """
        with self.alone("export", deadline):
            found = self._existing(deadline)
            if found not in _AT_REST:
                raise self._on(found, "exported")
            log.info("Writing VM '%s' to '%s'...", self.name, file)
            with half_exports.written(self.paths.exporting, file) as new:
                self.driver.export(new, show)

    def import_(
        self,
        file: Path,
        deadline: Deadline,
        *,
        keep_keys: bool = False,
        show: ShowBytes = show_no_bytes,
    ) -> None:
        """Make this VM of a file that `export` has written; it is off then.

        It has our image, and keys of its own; with `keep_keys` those that are on its disk, for
        which the user's SSH key has to be the one that it knows.

        Raises:
            WrongStateError: there is this VM already.
            UsageError: the file is something else, or damaged.
        """
        with self.alone("import", deadline):
            self.demand_absent()
            self.driver.demand_importable(file)  # before an image is fetched for nothing
            image = self.images.ensure(deadline)
            log.info("Making VM '%s' of '%s'...", self.name, file)
            with self.made():
                seed = b""
                if not keep_keys and image.is_ours:
                    seed = making.new_identity(self.config, self.paths)
                else:
                    self.paths.known_hosts.unlink(missing_ok=True)
                self.driver.import_(file, Own(image.path, self.paths.console_log, seed), show)

    # -- steps

    def _rename(self, new: Copies) -> None:
        self._demand_none_linked("renamed")  # before anything of the new name is in its disk
        log.info("Giving VM '%s' the name '%s'...", self.name, new.name)
        if not any(one.paths.renamed_from.exists() for one in (self, new)):
            # Else what is there may have been moved there, by a `rename` that was killed.
            new.driver.delete()
            new.forget()
        self.endpoint.stop()
        try:
            if self.images.is_ours_at(self.driver.describe().iso):
                self.driver.reseed(making.new_name(self.config, self.paths, new.name))
            else:
                pins = self.paths.known_hosts
                making.keep_pin(pins, self.name, pins, new.name)
        except WrongStateError as error:
            log.warning("Inside of it, it keeps its old name: %s.", error.details)
        self._give_key(new, self)
        note = self.paths.renamed_from
        make_private_folder(note.parent)
        whole_file.clear(note)
        whole_file.write(note, self.name.encode())
        self.driver.rename(new.paths)

    def _is_renamed_to(self, new: Copies) -> bool:
        """Tell whether a killed `rename` has given this VM its new name, and not all else."""
        try:
            old = new.paths.renamed_from.read_text("utf-8")
        except FileNotFoundError:
            return False
        return old == self.name and self.driver.state() is State.ABSENT

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Make this VM in a `with` block, whose driver is remembered; nothing is left of a half."""
        make_private_folder(self.paths.folder)
        drivers.remember(self.paths, self.driver)
        try:
            yield
        except BaseException:
            if self.driver.state() is State.ABSENT:
                self.forget()
            raise

    def _give_key(self, new: Copies, keeper: Copies | None = None) -> None:
        """Let the other VM have a copy of this one's SSH key, if it would look for another."""
        ours = self.config.ssh_key
        if not ours.exists() or new.config.ssh_key in (ours, self.paths.own_key):
            return
        target = (keeper or new).paths.own_key
        if target == ours:
            return
        try:
            whole_file.clear(target)
            whole_file.write(target, ours.read_bytes())
        except OSError as error:
            raise StorageError(f"cannot copy the SSH key '{ours}'", details=str(error)) from error
        if keeper is None:
            new.config = new.config._replace(ssh_key=target)

    def _demand_another(self, new: Copies) -> None:
        if new.name == self.name:
            raise UsageError(f"VM '{self.name}' has that name already")

    def demand_absent(self) -> None:
        """Raise WrongStateError when there is this VM."""
        state = self.driver.state()
        if state is not State.ABSENT:
            raise WrongStateError(
                f"there is a VM '{self.name}' already",
                details=f"it is {in_words(state)}",
                resolution="Choose another name; those that are taken: boot2docker ls",
            )

    def _on(self, found: State, what: str, more: str = "") -> WrongStateError:
        way = "boot2docker down"
        if found is State.SAVED:
            way = "boot2docker up, then: boot2docker down"
        return WrongStateError(
            f"VM '{self.name}' cannot be {what}: it is {in_words(found)}",
            resolution=f"Shut it down first: {way}{more}",
        )

    @contextlib.contextmanager
    def _both_alone(self, new: Copies, purpose: str, deadline: Deadline) -> Iterator[None]:
        """Hold both VMs, in the order of their names, so that no two wait for each other."""
        first, second = sorted((self, new), key=lambda one: one.name)
        with first.alone(purpose, deadline), second.alone(purpose, deadline):
            yield
