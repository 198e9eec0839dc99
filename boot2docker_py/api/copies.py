"""VMs made of others, and one that has another name."""

from __future__ import annotations

import os
from pathlib import Path

from boot2docker_py.api.calls import AnyVM, Calls
from boot2docker_py.config.values import vm_name
from boot2docker_py.errors import UsageError
from boot2docker_py.machine import following
from boot2docker_py.machine.parts import Parts


class Copies(Calls):
    """What is made of one VM, and what it is made of."""

    def clone(
        self: AnyVM,
        new: str,
        *,
        snapshot: str | None = None,
        linked: bool = False,
        keep_keys: bool = False,
        timeout_s: float | None = None,
    ) -> AnyVM:
        """Make a VM that is a copy of this one, or of a snapshot of it; return it, off.

        A `linked` one has only what differs from the snapshot, which stays as long as it does.

        Raises:
            NotFoundError: there is no VM, or no such snapshot.
            WrongStateError: there is a VM `new`; or this one is on, and no snapshot is named.
        """
        if snapshot == "":  # as that of a variable that is not set; it would be the whole VM
            raise UsageError(
                "the name of the snapshot to clone is empty", resolution="boot2docker snapshot"
            )
        parts = self._parts(timeout_s)
        parts.machine.clone(
            _other(parts, new).machine,
            parts.deadline,
            snapshot=snapshot or "",
            is_linked=linked,
            keep_keys=keep_keys,
            show=parts.show_copy,
        )
        return self._named(new)

    def rename(self, new: str, *, timeout_s: float | None = None) -> None:
        """Give this VM, which is off, another name; this object stands for it by that.

        Raises:
            WrongStateError: there is a VM `new`; or this one is on, or saved.
        """
        parts = self._parts(timeout_s)
        other = _other(parts, new)
        parts.machine.rename(
            other.machine, parts.deadline, lambda: following.to_new_name(parts, other)
        )
        self.name = new

    def export(self, file: str | os.PathLike[str], *, timeout_s: float | None = None) -> None:
        """Write this VM, which is off, into one new file, whole or not at all.

        Raises:
            WrongStateError: it is on, or saved.
            StorageError: no space; or there is such a file.
        """
        parts = self._parts(timeout_s)
        parts.machine.export(_path(file), parts.deadline, parts.show_copy)

    def import_(
        self,
        file: str | os.PathLike[str],
        *,
        keep_keys: bool = False,
        timeout_s: float | None = None,
    ) -> None:
        """Make this VM of a file that `export` has written; it is off then.

        Raises:
            WrongStateError: there is this VM already.
            UsageError: the file is something else, or damaged.
        """
        parts = self._parts(timeout_s)
        parts.machine.import_(
            _path(file), parts.deadline, keep_keys=keep_keys, show=parts.show_copy
        )


def _other(parts: Parts, name: str) -> Parts:
    try:
        vm_name(name)
    except ValueError as error:
        raise UsageError(f"'{name}' cannot be the name of a VM", details=f"it {error}") from error
    return parts.other(name)


def _path(file: str | os.PathLike[str]) -> Path:
    if not os.fspath(file).strip():
        raise UsageError("FILE has to name a file")
    return Path(file).absolute()
