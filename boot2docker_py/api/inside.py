"""What is done inside of a VM: commands, and files."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Sequence

from boot2docker_py.api.calls import Calls
from boot2docker_py.errors import UsageError

if TYPE_CHECKING:
    from boot2docker_py.guest.copy.places import Copy


class Inside(Calls):
    """The inside of one VM that runs."""

    def run(
        self,
        command: Sequence[str],
        *,
        input: bytes = b"",  # noqa: A002 - as in subprocess.run
        check: bool = False,
        timeout_s: float | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command in the VM and return what `subprocess.run` would.

        Raises:
            UsageError: the command is no list of words, or an empty one.
            subprocess.CalledProcessError: with `check`, it ended with another status than 0.
            WrongStateError: the VM does not run.
            GuestError: it cannot be reached.
            DeadlineError: the command did not end in time; it may still run.
        """
        if isinstance(command, (str, bytes)):  # also a sequence, of its letters
            raise UsageError("the command has to be a list of words", details=repr(command))
        if not command or not all(isinstance(word, str) for word in command):
            raise UsageError("the command has to be a list of texts", details=repr(command))
        parts = self._parts(timeout_s)
        address = parts.machine.settled_address(parts.deadline)
        with parts.access.connect(address) as connection:
            left_s = parts.deadline.remaining_s()
            result = connection.run(list(command), stdin=input, timeout_s=left_s)
        done = subprocess.CompletedProcess(
            list(command), result.status, result.stdout, result.stderr
        )
        if check:
            done.check_returncode()
        return done

    def copy_in(
        self,
        source: str | os.PathLike[str],
        target: str,
        *,
        as_root: bool = False,
        timeout_s: float | None = None,
    ) -> None:
        """Copy a file or folder of this machine into the VM, to the path `target` there.

        It is written by the user docker, or `as_root`.
        """
        from boot2docker_py.guest.copy.places import Copy

        copy = Copy((os.fspath(source),), target, is_into_vm=True)
        self._copy(copy, timeout_s, as_root=as_root)

    def copy_out(
        self,
        source: str,
        target: str | os.PathLike[str],
        *,
        as_root: bool = False,
        timeout_s: float | None = None,
    ) -> None:
        """Copy a file or folder of the VM to the path `target` on this machine.

        It is read by the user docker, or `as_root`.
        """
        from boot2docker_py.guest.copy.places import Copy

        copy = Copy((source,), os.fspath(target), is_into_vm=False)
        self._copy(copy, timeout_s, as_root=as_root)

    def _copy(self, copy: Copy, timeout_s: float | None, *, as_root: bool) -> None:
        parts = self._parts(timeout_s)
        for _done in parts.access.copy(copy, parts.show_copy, as_root=as_root):
            pass
