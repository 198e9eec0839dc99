"""VMs for scripts and tests: what the commands do, as methods that return what they did.

```python
from boot2docker_py.api import VM

with VM("ci") as vm:  # brought up if need be; left as it was found
    vm.reset(to="clean")
    done = vm.run(["cat", "/etc/hostname"], check=True)  # as subprocess.run
    vm.copy_out("/etc/hostname", "hostname.txt")
    docker_host = vm.docker_host  # for docker.DockerClient(base_url=...)
```

Nothing is printed, and no docker context is made or chosen. Each method has a deadline of its own,
raises the errors of `boot2docker_py.errors`, and may be called from any thread and process: only
one at a time changes a VM, and the others wait.
"""

from __future__ import annotations

import logging
import os
import subprocess
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from boot2docker_py import config as configuration
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.drivers.base import ShowBytes, Snapshot, State, VMInfo, show_no_bytes
from boot2docker_py.drivers.many import Listed
from boot2docker_py.errors import UsageError
from boot2docker_py.guest.copy.places import Copy
from boot2docker_py.image import Image
from boot2docker_py.machine import following, published
from boot2docker_py.machine import logs as vm_logs
from boot2docker_py.machine.changing import Change
from boot2docker_py.machine.images.upgrades import Pinned, Upgraded
from boot2docker_py.machine.parts import Parts
from boot2docker_py.machine.resets import Reset
from boot2docker_py.machine.steps import ShowStep, Step, show_no_step
from boot2docker_py.paths import USUAL_VM, find
from boot2docker_py.wait import Report, silent

if TYPE_CHECKING:
    from boot2docker_py.config import Config
    from boot2docker_py.image import DownloadProgress
    from boot2docker_py.machine.users import Users

__all__ = [
    "VM",
    "Change",
    "Image",
    "Listed",
    "Pinned",
    "Reset",
    "Snapshot",
    "State",
    "Step",
    "Upgraded",
    "VMInfo",
    "ls",
]

# Without it Python would print our warnings for a program that has set up no log.
logging.getLogger("boot2docker_py").addHandler(logging.NullHandler())

# Anything that a setting can be, as `memory_mb=2048`; a list for one that may be given often.
SettingValue = object


class VM:
    """One VM, by its name, there or not."""

    def __init__(
        self,
        name: str = USUAL_VM,
        *,
        timeout_s: float | None = None,
        on_progress: Report = silent,
        on_download: Callable[[DownloadProgress], None] = lambda _progress: None,
        on_copy: ShowBytes = show_no_bytes,
        on_step: ShowStep = show_no_step,
        **settings: SettingValue,
    ) -> None:
        """Name a VM; nothing is asked or changed yet.

        `timeout_s` is for each call; without it, what the profile says. `on_progress` is called
        while something is waited for, `on_download` while an image arrives, `on_copy` with the
        bytes so far and in all (0: not known) while a disk or files are copied, `on_step` after
        each step, with the seconds that it took. `settings` are those of `boot2docker config`, by
        the names of its `--json`, as `memory_mb=2048`.

        Raises:
            UsageError: there is no such setting.
        """
        _demand_known(settings)
        self.name = name
        self._timeout_s = timeout_s
        self._on_progress = on_progress
        self._on_download = on_download
        self._on_copy = on_copy
        self._on_step = on_step
        self._settings = settings
        self._user: Users | None = None

    # -- what it is

    @property
    def state(self) -> State:
        """Return the state of the VM as the hypervisor has it; `State.ABSENT` without one."""
        return self._parts().driver.state()

    @property
    def docker_host(self) -> str:
        """Return what `DOCKER_HOST` is for this VM: a Unix socket, or a named pipe on Windows."""
        return self._parts().endpoint.docker_host

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of this process, with docker pointed at the VM."""
        from boot2docker_py.docker import environment

        return environment.of_engine(self.docker_host).applied_to(os.environ)

    def info(self) -> VMInfo:
        """Return what the VM is made of.

        Raises:
            NotFoundError: there is no VM.
        """
        return self._parts().questions.info()[0]

    def ip(self) -> str:
        """Return the address of the running VM: on its host-only network, else 127.0.0.1."""
        return self._parts().access.ip()

    def ports(self) -> Sequence[Mapping[str, Any]]:
        """Return the published ports of the containers, as `boot2docker ports --json` has them.

        Raises:
            WrongStateError: the VM does not run.
            GuestError: it is not known, because the engine is out of reach.
        """
        return published.of_vm(self._parts()).ports

    def logs(self, name: str = "", *, lines: int = 100, timeout_s: float | None = None) -> bytes:
        """Return the end of a log: engine, boot, provision, console, forward or hypervisor.

        Without a name it is the one that tells most.

        Raises:
            UsageError: there is no such log.
            WrongStateError: it is in the VM, which does not run.
        """
        parts = self._parts(timeout_s)
        wanted = name or vm_logs.most_useful(parts.questions.state())
        if wanted not in vm_logs.NAMES:
            raise UsageError(
                f"there is no log '{wanted}'", details=f"there are: {', '.join(vm_logs.NAMES)}"
            )
        return vm_logs.end_of(parts, wanted, lines)

    # -- its life

    def init(self, *, timeout_s: float | None = None) -> bool:
        """Make the VM without starting it; tell whether it was made, False when it was there."""
        parts = self._parts(timeout_s)
        return parts.machine.init(parts.deadline)

    def up(self, *, discard_saved: bool = False, timeout_s: float | None = None) -> State:
        """Bring the VM and its engine up, from any state; return the state it was found in.

        Raises:
            DeadlineError: the engine does not answer in time.
        """
        parts = self._parts(timeout_s)
        found = parts.machine.up(parts.deadline, discard_saved=discard_saved)
        parts.access.settle()
        return found

    def down(self, *, force: bool = False, timeout_s: float | None = None) -> State:
        """Shut the VM down; with `force` cut the power when the time has passed."""
        parts = self._parts(timeout_s)
        return parts.machine.down(parts.deadline, force=force)

    def save(self, *, timeout_s: float | None = None) -> State:
        """Save the VM's memory to disk; `up` goes on from there."""
        parts = self._parts(timeout_s)
        return parts.machine.save(parts.deadline)

    def power_off(self, *, discard_saved: bool = False, timeout_s: float | None = None) -> State:
        """Cut the power; with `discard_saved` throw the memory of a saved VM away, too."""
        parts = self._parts(timeout_s)
        return parts.machine.power_off(parts.deadline, discard_saved=discard_saved)

    def restart(self, *, timeout_s: float | None = None) -> State:
        """Shut the VM down and bring it up again."""
        parts = self._parts(timeout_s)
        found = parts.machine.restart(parts.deadline)
        parts.access.settle()
        return found

    def delete(self, *, timeout_s: float | None = None) -> bool:
        """Delete the VM with its disk and its snapshots; tell whether there was one."""
        parts = self._parts(timeout_s)
        was_there = parts.machine.delete(parts.deadline)
        following.to_its_end(parts)
        return was_there

    def download(self, *, timeout_s: float | None = None) -> Image:
        """Fetch the image and verify it; the VM is not touched."""
        parts = self._parts(timeout_s)
        return parts.images.fetch(parts.deadline)

    def upgrade(self, version: str = "", *, timeout_s: float | None = None) -> Upgraded:
        """Change the VM to a newer image, or to that of `version`.

        It stays with the old one if the new one does not come up.

        Raises:
            NotFoundError: there is no image of that version.
            WrongStateError: the VM is pinned, or another VM needs the image in place.
        """
        parts = self._parts(timeout_s)
        return self._upgraded(parts, parts.upgrades.upgrade(parts.deadline, version=version))

    def roll_back(self, *, timeout_s: float | None = None) -> Upgraded:
        """Change the VM back to the image that was in place before.

        Raises:
            NotFoundError: none is kept.
            WrongStateError: as `upgrade`.
        """
        parts = self._parts(timeout_s)
        return self._upgraded(parts, parts.upgrades.roll_back(parts.deadline))

    def pin(self, version: str = "", *, timeout_s: float | None = None) -> Pinned:
        """Let the VM boot the image that it has, or that of `version`, whatever comes."""
        parts = self._parts(timeout_s)
        return parts.upgrades.pin(parts.deadline, version=version)

    def unpin(self, *, timeout_s: float | None = None) -> str | None:
        """Let the VM boot the usual image again; return the version it was pinned to, or None."""
        parts = self._parts(timeout_s)
        return parts.upgrades.unpin(parts.deadline)

    def _upgraded(self, parts: Parts, upgraded: Upgraded) -> Upgraded:
        if upgraded.was_restarted:
            parts.access.settle()
        return upgraded

    def set(
        self,
        *,
        restart: bool = False,
        unset: Sequence[str] = (),
        timeout_s: float | None = None,
        **settings: SettingValue,
    ) -> Change:
        """Change settings of this VM alone, as `memory_mb=4096`; return what takes effect when.

        `unset` names settings that are to be as if never set. `restart` lets a VM that runs have
        them now.

        Raises:
            UsageError: there is no such setting, or not of one VM; the disk would have to shrink.
            NetworkError: a port is taken.
            GuestError: the engine refuses its settings, and goes on with those of before.
        """
        _demand_known({**settings, **dict.fromkeys(unset)})
        parts = self._parts(timeout_s, settings)
        given = {name: getattr(parts.config, name) for name in settings}
        change = parts.set(given, unset=unset, restart=restart)
        if change.was_restarted:
            parts.access.settle()
        return change

    # -- others of it

    def clone(
        self,
        new: str,
        *,
        snapshot: str | None = None,
        linked: bool = False,
        keep_keys: bool = False,
        timeout_s: float | None = None,
    ) -> VM:
        """Make a VM that is a copy of this one, or of a snapshot of it; return it, off.

        A `linked` one has only what differs from the snapshot, which stays as long as it does.

        Raises:
            NotFoundError: there is no VM, or no such snapshot.
            WrongStateError: there is a VM `new`; or this one is on, and no snapshot is named.
        """
        parts = self._parts(timeout_s)
        parts.machine.clone(
            parts.other(new).machine,
            parts.deadline,
            snapshot=snapshot or "",
            is_linked=linked,
            keep_keys=keep_keys,
            show=self._on_copy,
        )
        return self._named(new)

    def rename(self, new: str, *, timeout_s: float | None = None) -> None:
        """Give this VM, which is off, another name; this object stands for it by that.

        Raises:
            WrongStateError: there is a VM `new`; or this one is on, or saved.
        """
        parts = self._parts(timeout_s)
        other = parts.other(new)
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
        parts.machine.export(Path(file).absolute(), parts.deadline, self._on_copy)

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
            Path(file).absolute(), parts.deadline, keep_keys=keep_keys, show=self._on_copy
        )

    # -- back to where it was

    def reset(
        self,
        *,
        to: str | None = None,
        wipe: bool = False,
        make: Callable[[VM], object] | None = None,
        force: bool = False,
        timeout_s: float | None = None,
    ) -> Reset:
        """Bring the VM to a known state, from any, and its engine up; return what was done.

        Without more, its memory is thrown away and it boots. `to` names the snapshot to go back
        to. `make`, for a snapshot that is not there, is called with the VM on a new disk, and then
        the snapshot is taken. `wipe` gives it a new disk. `force` lets other snapshots go with it.

        Raises:
            NotFoundError: there is no such snapshot, and no `make`; nothing is changed.
            WrongStateError: other snapshots would be lost.
        """
        if to is not None and wipe:
            raise UsageError("to goes back to a disk and wipe makes a new one: give one of them")
        if make is not None and to is None:
            raise UsageError("make needs the name of the snapshot: to=NAME")
        parts = self._parts(timeout_s)
        machine, deadline = parts.machine, parts.deadline
        if wipe:
            done = machine.wipe(deadline, force=force)
        elif to is None:
            found = machine.reset(deadline)
            done = Reset(found, machine.steps.done())
        elif make is None:
            done = machine.reset_to(to, deadline)
        else:
            prepare = make
            done = machine.reset_to_made(to, lambda: prepare(self), deadline, force=force)
        parts.access.settle()
        return done

    def snapshots(self) -> Sequence[Snapshot]:
        """Return the snapshots of the VM, the oldest first."""
        return self._parts().machine.snapshots()

    def take_snapshot(
        self, name: str, *, memory: bool = True, timeout_s: float | None = None
    ) -> Snapshot:
        """Take a snapshot; the VM stays in its state.

        Raises:
            UsageError: the name cannot be one, or is taken.
        """
        parts = self._parts(timeout_s)
        return parts.machine.take_snapshot(name, parts.deadline, memory=memory)

    def restore_snapshot(
        self, name: str, *, force: bool = False, timeout_s: float | None = None
    ) -> State:
        """Make the VM what it was: running, its engine answering, or off.

        Raises:
            WrongStateError: what the VM is now would be lost, and `force` does not say so.
        """
        parts = self._parts(timeout_s)
        found = parts.machine.restore_snapshot(name, parts.deadline, force=force)
        if parts.driver.state() is State.RUNNING:
            parts.access.settle()
        return found

    def delete_snapshot(self, name: str, *, timeout_s: float | None = None) -> None:
        """Delete a snapshot; the VM, and the snapshots that build on it, stay what they are."""
        parts = self._parts(timeout_s)
        parts.machine.delete_snapshot(name, parts.deadline)

    # -- inside of it

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
            subprocess.CalledProcessError: with `check`, it ended with another status than 0.
            WrongStateError: the VM does not run.
            GuestError: it cannot be reached.
            DeadlineError: the command did not end in time; it may still run.
        """
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
        copy = Copy((source,), os.fspath(target), is_into_vm=False)
        self._copy(copy, timeout_s, as_root=as_root)

    def _copy(self, copy: Copy, timeout_s: float | None, *, as_root: bool) -> None:
        for _done in self._parts(timeout_s).access.copy(copy, self._on_copy, as_root=as_root):
            pass

    # -- for a while

    def __enter__(self) -> VM:
        """Bring the VM up; the last of all programs that have done so leaves it as it was found.

        One that was saved is saved again, one that ran or was paused runs on, and one that was off,
        or was not there, is shut down; it is never deleted.
        """
        parts = self._parts()
        user = self._new_user()
        with user.entering(parts.driver.state, parts.deadline):
            self.up()
        self._user = user
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        user, self._user = self._user, None
        assert user is not None
        with user.leaving(self._parts().deadline) as found:
            is_there = found is not None and self.state is not State.ABSENT
            if is_there and found is State.SAVED:
                self.save()
            elif is_there and found in (State.OFF, State.ABORTED, State.ABSENT):
                self.down(force=True)

    def _new_user(self) -> Users:
        from boot2docker_py.machine.users import Users

        paths = self._parts().vm_paths
        return Users(paths.lock.with_name(f"{self.name}.users"))

    def _named(self, name: str) -> VM:
        """Return another VM with the settings of this one."""
        return type(self)(
            name,
            timeout_s=self._timeout_s,
            on_progress=self._on_progress,
            on_download=self._on_download,
            on_copy=self._on_copy,
            on_step=self._on_step,
            **self._settings,
        )

    def _parts(
        self, timeout_s: float | None = None, more: Mapping[str, SettingValue] = {}
    ) -> Parts:
        """Return new parts for one call, whose deadline begins now."""
        wanted_s = timeout_s or self._timeout_s
        flags: dict[str, object] = {"vm": self.name, **self._settings, **more}
        if wanted_s:
            flags["timeout_s"] = wanted_s
        parts = _Parts(flags, self._on_progress, self._on_download)
        parts.on_step = self._on_step
        return parts


def ls(*, driver: str = "auto") -> Sequence[Listed]:
    """Return all VMs of this user, by name: ours, the original's, Docker Toolbox's.

    `driver` is auto, virtualbox or qemu: whose VMs are listed.
    """
    return _Parts({"driver": driver}, silent, lambda _progress: None).every_vm


class _Parts(Parts):
    """The parts of a VM for a program."""

    def __init__(
        self,
        flags: Mapping[str, object],
        show: Report,
        show_download: Callable[[DownloadProgress], None],
    ) -> None:
        super().__init__(show, show_download)
        self.flags = {name: _as_typed(value) for name, value in flags.items()}

    @cached_property
    def config(self) -> Config:
        """Return the settings, those of the profile and the environment among them."""
        return configuration.load(find(os.environ), os.environ, self.flags)


def _as_typed(value: SettingValue) -> object:
    """Return a setting as it would have been typed."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    return os.fspath(value) if isinstance(value, Path) else str(value)


def _demand_known(settings: Mapping[str, SettingValue]) -> None:
    known = {setting.field for setting in SETTINGS}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise UsageError(
            f"there is no setting {', '.join(unknown)}",
            details=f"there are: {', '.join(sorted(known))}",
        )
