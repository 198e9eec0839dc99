"""A VM that changes its image: to a newer one, to another, back, or never."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, NamedTuple, Sequence

from boot2docker_py.drivers.model import IS_ON, State
from boot2docker_py.errors import Boot2DockerError, GuestError, WrongStateError
from boot2docker_py.image import read_image
from boot2docker_py.machine import booting, readiness
from boot2docker_py.machine.images import pins
from boot2docker_py.machine.life import GOES_ON, Machine
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.drivers.many import Listed
    from boot2docker_py.image import Image, StagedImage
    from boot2docker_py.machine.collaborators import ImageExchange

log = logging.getLogger(__name__)

# The least that the image before has to come up again.
RESCUE_S = 300.0

EveryVM = Callable[[], Sequence["Listed"]]


class Upgraded(NamedTuple):
    """What was done: the versions, None and None when there was nothing to do."""

    before: str | None
    after: str | None
    was_restarted: bool = False


class Pinned(NamedTuple):
    """What the VM boots from now on; what it runs on now may be another."""

    version: str
    at_next_boot: bool


class Upgrades(Machine):
    """One VM, with what exchanges its image."""

    images: ImageExchange
    _every_vm: EveryVM = tuple

    def among(self, every_vm: EveryVM) -> Upgrades:
        """Return this VM as one among others, which may need the image that it changes."""
        self._every_vm = every_vm
        return self

    def upgrade(self, deadline: Deadline, *, version: str = "") -> Upgraded:
        """Change to a newer image, or to the one of `version`.

        The VM goes back to the image before if it does not come up.

        Raises:
            NotFoundError: there is no image of that version.
            WrongStateError: the VM is pinned, or another VM needs the image in place.
            GuestError: it did not come up, and runs on the old image again.
        """
        if version:
            return self._exchange(
                lambda: self.images.stage_version(version, deadline, self._demand_free),
                deadline,
            )
        return self._exchange(lambda: self.images.stage(deadline, self._demand_free), deadline)

    def roll_back(self, deadline: Deadline) -> Upgraded:
        """Change to the image that was in place before the one that is.

        Raises:
            NotFoundError: none is kept. Others as `upgrade`.
        """
        return self._exchange(
            lambda: self.images.stage_before(deadline, self._demand_free), deadline
        )

    def pin(self, deadline: Deadline, *, version: str = "") -> Pinned:
        """Let the VM boot the image that it has, or the one of `version`, whatever comes.

        Raises:
            NotFoundError: there is no VM, or no image of that version.
        """
        with self.alone("pin", deadline):
            self._existing(deadline)
            staged = self.images.stage_version(version, deadline) if version else None
            present = self.config.iso if version else self.driver.describe().iso
            with self.images.kept_alone(deadline) as kept:
                pinned = kept.keep(staged.after if staged else read_image(present))
                pins.write(self.paths, pinned)
            if staged:
                staged.discard()
            return Pinned(pinned.version, self._runs_on_another(pinned))

    def unpin(self, deadline: Deadline) -> str | None:
        """Let the VM boot the usual image from its next boot on; return what it was pinned to."""
        with self.alone("unpin", deadline):
            try:
                pin = pins.read(self.paths)
            except Boot2DockerError as error:
                log.warning("%s; it is taken away all the same.", error.brief)
                pin = None
            return pin.version if pins.remove(self.paths) and pin else None

    # -- steps

    def _exchange(self, stage: Callable[[], StagedImage | None], deadline: Deadline) -> Upgraded:
        with self.alone("upgrade", deadline):
            self._demand_no_pin()
            if self._usable(deadline) in GOES_ON:
                self._demand_bootable()
            staged = stage()
            if staged is None:
                return Upgraded(None, None)
            self._say_what_it_boots()
            was_on = self._shut_down_from(self.driver.state(), deadline)
            staged.swap_in()
            if was_on:
                self._start_on_new_image(staged, deadline)
            return Upgraded(
                staged.before.version if staged.before else None,
                staged.after.version,
                was_restarted=was_on,
            )

    def _demand_no_pin(self) -> None:
        pin = pins.read(self.paths)
        if pin:
            raise WrongStateError(
                f"VM '{self.name}' is pinned to the image {pin.version}",
                resolution="Take the pin away first: boot2docker upgrade --unpin",
            )

    def _demand_free(self) -> None:
        """Raise WrongStateError when the memory of a VM needs the image that is to be replaced.

        A guest reads its programs from the image as long as it lives, and goes on with that when
        it is restored.
        """
        needs = [words for vm in self._every_vm() for words in self._why_needed(vm)]
        if needs:
            raise WrongStateError(
                f"the image '{self.config.iso}' cannot be replaced now",
                details="\n".join(needs),
                resolution="Shut those VMs down (boot2docker down --vm NAME; one that is saved "
                "has to be up for that), delete those snapshots, or give this VM an image of its "
                "own: boot2docker upgrade --pin --to VERSION",
            )

    def _why_needed(self, vm: Listed) -> Sequence[str]:
        is_this = (vm.name, vm.driver) == (self.name, self.driver.name)
        lives = vm.state in IS_ON or vm.state is State.SAVED
        is_unknown = vm.images is None and (lives or vm.state is None)
        if is_unknown and not is_this:
            return [f"VM '{vm.name}': it cannot be asked what it boots. {vm.problem}"]
        if lives and not is_this and _is_among(self.config.iso, vm.images or ()):
            return [f"VM '{vm.name}' is {vm.state.value if vm.state else ''} on it"]
        if _is_among(self.config.iso, vm.images_of_memory):
            return [f"VM '{vm.name}' has snapshots whose memory needs it"]
        return []

    def _runs_on_another(self, pinned: Image) -> bool:
        if self.driver.state() not in GOES_ON:
            return False
        return read_image(self.driver.describe().iso).sha256 != pinned.sha256

    def _say_what_it_boots(self) -> None:
        if self.driver.state() is State.ABSENT:
            return
        iso = booting.image(self.config, self.driver, self.paths) or self.driver.describe().iso
        if iso != self.config.iso:
            words = "VM '%s' boots '%s', not '%s', which is changed; name its own with --iso."
            log.warning(words, self.name, iso, self.config.iso)

    def _start_on_new_image(self, staged: StagedImage, deadline: Deadline) -> None:
        try:
            self._start(State.OFF, deadline)
        except Boot2DockerError as error:
            log.warning("The new image does not come up; going back to the old one.")
            self.endpoint.rest()
            self.driver.power_off()
            staged.roll_back()
            # The time of the command went into waiting for the new image; one that was meant to
            # be short is no reason to leave the VM without an engine.
            rescue_s = max(deadline.timeout_s, RESCUE_S)
            self._start(State.OFF, Deadline(rescue_s, deadline.clock))
            raise GuestError(
                f"VM '{self.name}' did not come up on image {staged.after.version}; "
                "it runs on the old one again",
                details=f"{error.brief}: {error.details}",
                resolution=f"See {readiness.words_of(self.driver.describe())}.",
            ) from error


def _is_among(path: Path, paths: Iterable[Path]) -> bool:
    wanted = os.path.normcase(os.path.realpath(path))
    return any(os.path.normcase(os.path.realpath(one)) == wanted for one in paths)
