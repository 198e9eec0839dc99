"""Questions about a VM, which change nothing, need no lock, and load little."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from boot2docker_py.address import Address
from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import State, VMInfo, in_words
from boot2docker_py.errors import NotFoundError, WrongStateError


class Questions:
    """One VM, as it is."""

    def __init__(
        self,
        name: str,
        driver: Driver,
        other_home: Callable[[str], Path | None] = lambda _name: None,
    ) -> None:
        self.name = name
        self.driver = driver
        self._other_home = other_home

    def state(self) -> State:
        """Return the state of the VM.

        Raises:
            NotFoundError: there is no VM.
        """
        state = self.driver.state()
        if state is State.ABSENT:
            raise self.absent()
        return state

    def info(self) -> tuple[VMInfo, State]:
        """Return what the VM is made of, and its state."""
        state = self.state()
        self.refuse_broken(state)
        return self.driver.describe(), state

    def running_address(self) -> Address:
        """Return where the SSH server of the running VM is reached.

        Raises:
            NotFoundError: there is no VM.
            WrongStateError: it is not running.
        """
        state = self.state()
        if state is not State.RUNNING:
            raise self.wrong_state(state, resolution="boot2docker up")
        return self.driver.ssh_address()

    def refuse_broken(self, state: State) -> None:
        """Raise what is wrong with the VM if `state` says that something is."""
        if state is State.BROKEN:
            raise self._broken()

    def absent(self) -> NotFoundError:
        """Return the error that there is no VM."""
        brief, other_home = f"VM '{self.name}' does not exist", self._other_home(self.name)
        if other_home is None:
            return NotFoundError(brief, resolution="boot2docker up")
        return NotFoundError(
            brief,
            details=f"One of this name was made with BOOT2DOCKER_DIR={other_home}.",
            resolution="Set BOOT2DOCKER_DIR to that; or make another one here: boot2docker up",
        )

    def wrong_state(self, state: State, *, resolution: str) -> WrongStateError:
        """Return the error that the VM is in `state`, and not running, or that it is broken."""
        if state is State.BROKEN:
            return self._broken()
        return WrongStateError(
            f"VM '{self.name}' is not running: it is {in_words(state)}", resolution=resolution
        )

    def _broken(self) -> WrongStateError:
        return WrongStateError(
            f"VM '{self.name}' is broken",
            details=self.driver.problem(),
            resolution=how_to_repair(self.driver),
        )


def how_to_repair(driver: Driver) -> str:
    """Return what helps a VM that is broken; one whose disk is whole need not be deleted."""
    if driver.hangs():
        return "Cut its power, and boot it: boot2docker reset"
    return "Repair what is named above, or: boot2docker delete"
