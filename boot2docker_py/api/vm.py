"""One VM: all that can be asked of it, and done with it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from boot2docker_py.api.copies import Copies
from boot2docker_py.api.engine import Engine
from boot2docker_py.api.images import Images
from boot2docker_py.api.inside import Inside
from boot2docker_py.api.life import Life
from boot2docker_py.api.questions import Questions
from boot2docker_py.api.settings import Settings
from boot2docker_py.api.snapshots import Snapshots
from boot2docker_py.drivers.model import State

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts
    from boot2docker_py.machine.users import Users


class VM(Questions, Engine, Life, Images, Settings, Copies, Snapshots, Inside):
    """One VM, by its name, there or not."""

    _users: list[Users]  # one for each `with` that has begun

    def __enter__(self) -> VM:
        """Bring the VM up; the last of all programs that have done so leaves it as it was found.

        One that was saved is saved again, one that ran or was paused runs on, and one that was off,
        or was not there, is shut down; it is never deleted.
        """
        parts = self._parts()
        user = self._new_user()
        with user.entering(parts.driver.state, parts.deadline):
            self.up()
        vars(self).setdefault("_users", []).append(user)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with self._users.pop().leaving(self._parts().deadline) as found:
            is_there = found is not None and self.state is not State.ABSENT
            if is_there and found is State.SAVED:
                self.save()
            elif is_there and found in (State.OFF, State.ABORTED, State.ABSENT):
                self.down(force=True)

    def _new_user(self) -> Users:
        from boot2docker_py.machine.users import Users

        paths = self._parts().vm_paths
        return Users(paths.lock.with_name(f"{self.name}.users"))


def of_command(parts: Parts) -> VM:
    """Return the VM of one command, whose parts, and deadline, are the same in every call."""
    first = parts.config.vm
    vm = VM(first)
    vm.make_parts = lambda name, _timeout_s, _more: parts if name == first else parts.other(name)
    return vm
