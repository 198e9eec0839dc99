"""One VM of VirtualBox. Its state is VirtualBox's; of ours is only the note of unfinished work."""

# ruff: noqa: D102 - what the members do is said once, in base.py

from __future__ import annotations

import contextlib
import functools
import logging
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Sequence, TypeVar

from boot2docker_py.drivers import host, ports
from boot2docker_py.drivers.base import Address, Driver, Features, State, VMInfo, VMSpec
from boot2docker_py.drivers.virtualbox import (
    failures,
    machines,
    media,
    nat,
    sessions,
    start,
    states,
    unfinished,
    versions,
)
from boot2docker_py.drivers.virtualbox.api import API, connect
from boot2docker_py.drivers.virtualbox.loading import HOW_TO_INSTALL
from boot2docker_py.errors import Boot2DockerError, NotFoundError, StorageError, WrongStateError
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Check, Deadline

log = logging.getLogger(__name__)

Method = TypeVar("Method", bound=Callable[..., Any])


def _translated(method: Method) -> Method:
    @functools.wraps(method)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        try:
            with failures.translated():
                return method(*arguments, **options)
        except OSError as error:
            raise StorageError(
                "cannot use the files of the VM",
                details=str(error),
                resolution="Make space, or make the folder readable and writable.",
            ) from error

    return wrapper  # type: ignore[return-value]


class VirtualBoxDriver(Driver):
    """One VM of VirtualBox."""

    name = "virtualbox"
    features = Features(
        can_save=True,
        has_host_only_network=True,
        has_shared_folders=False,
        has_snapshots=False,
        has_disk_formats=True,
    )

    def __init__(self, name: str, paths: VMPaths, api: API | None = None) -> None:
        self._vm = name
        self._paths = paths
        self._given_api = api

    @cached_property
    def _api(self) -> API:
        return self._given_api or connect()

    @property
    def _note(self) -> Path:
        return self._paths.folder / "unfinished.json"

    def checks(self) -> Sequence[Check]:
        return [
            Check("VirtualBox's API", self._why_no_api, HOW_TO_INSTALL),
            *host.folder_checks(self._paths.folder),
        ]

    def _why_no_api(self, _deadline: Deadline) -> str | None:
        try:
            _ = self._api
        except Boot2DockerError as error:
            return f"{error.brief}: {error.details}"
        return None

    @_translated
    def state(self) -> State:
        return self._look()[0]

    @_translated
    def problem(self) -> str:
        return self._look()[1]

    @_translated
    def describe(self) -> VMInfo:
        return machines.describe(self._api, self._machine())

    @_translated
    def ssh_address(self) -> Address:
        host_ports = nat.host_ports(self._api, self._machine())
        return Address(ports.HOST, host_ports.get(nat.SSH, 0))

    @_translated
    def create(self, spec: VMSpec) -> None:
        if self._look()[0] is not State.ABSENT:
            raise WrongStateError(f"there is a VM '{self._vm}' already")
        host.demand_possible(spec)
        self._remove_unfinished()
        settings = machines.settings_file(self._api, self._vm)
        disk = settings.with_name(f"{self._vm}.{spec.disk_format.lower()}")
        media.demand_new(disk)
        make_private_folder(self._paths.folder)
        spec.console_log.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write(self._note, unfinished.Unfinished(settings, disk))
        try:
            self._make(spec, disk)
        except BaseException:
            self._remove_unfinished()
            raise
        self._note.unlink()

    def _make(self, spec: VMSpec, disk: Path) -> None:
        machine = versions.create_machine(self._api, self._vm)
        machines.configure(self._api, machine, spec, spec.ssh_port or ports.usual_or_free())
        machine.saveSettings()
        self._api.virtualbox.registerMachine(machine)
        medium = media.make_disk(self._api, disk, spec.seed, spec.disk_mb)
        with sessions.changed(self._api, machine) as changing:
            media.attach(self._api, changing, spec.iso, medium)
            if spec.host_only:
                start.set_host_only(self._api, changing, spec.host_only)
        sessions.wait_until_free(self._api, machine)

    @_translated
    def start(self) -> None:
        state = self._look()[0]
        if state is State.PAUSED:
            with sessions.held(self._api, self._machine(), shared=True) as session:
                session.console.resume()
        elif state in (State.OFF, State.ABORTED, State.SAVED):
            start.start(self._api, self._machine(), is_saved=state is State.SAVED)
        elif state is not State.RUNNING:
            raise self._wrong_state("start", state)

    @_translated
    def shutdown(self) -> None:
        if self._look()[0] is State.RUNNING:
            with sessions.held(self._api, self._machine(), shared=True) as session:
                session.console.powerButton()

    @_translated
    def power_off(self) -> None:
        machine = self._find()
        if machine is None or not machine.accessible or not self._is_on(machine):
            return
        with contextlib.suppress(failures.APIError), sessions.held(
            self._api, machine, shared=True
        ) as session, failures.translated():
            # It may end by itself in between.
            failures.wait(session.console.powerDown())
        sessions.wait_until_free(self._api, machine)
        if self._is_on(machine):
            raise self._wrong_state("power off", self._look()[0])

    @_translated
    def save(self) -> None:
        state = self._look()[0]
        if state not in (State.RUNNING, State.PAUSED):
            raise self._wrong_state("save", state)
        machine = self._machine()
        with sessions.held(self._api, machine, shared=True) as session:
            failures.wait(session.machine.saveState())
        sessions.wait_until_free(self._api, machine)

    @_translated
    def discard_saved(self) -> None:
        if self._look()[0] is State.SAVED:
            machine = self._machine()
            with sessions.held(self._api, machine) as session:
                session.machine.discardSavedState(True)  # noqa: FBT003 - of the API: the file too
            sessions.wait_until_free(self._api, machine)

    @_translated
    def delete(self) -> None:
        machine = self._find()
        if machine is not None:
            self._demand_ours(machine)
            self.power_off()
            settings = Path(machine.settingsFilePath)
            disk = machines.own_disk(machine) if machine.accessible else None
            if disk is None:
                log.warning("What disks the VM has is not known, or not its own: they are kept.")
            make_private_folder(self._paths.folder)
            unfinished.write(self._note, unfinished.Unfinished(settings, disk))
        self._remove_unfinished()
        self._paths.console_log.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other files are there, or it never was
            self._paths.folder.rmdir()

    def _demand_ours(self, machine: Any) -> None:
        if machine.accessible and not machines.is_ours(machine):
            raise WrongStateError(
                f"the VM '{self._vm}' was not made by boot2docker, so it is not deleted",
                details=f"its settings are in '{machine.settingsFilePath}'",
                resolution="Delete it in the VirtualBox window, or name another VM with --vm.",
            )

    def _remove_unfinished(self) -> None:
        left = unfinished.read(self._note)
        if left is None:
            return
        machine = machines.find_by_settings(self._api, left.settings)
        if machine is not None:
            if machine.accessible:
                sessions.wait_until_free(self._api, machine)
            machines.unregister(self._api, machine, left.disk)
        left.settings.unlink(missing_ok=True)
        left.settings.with_suffix(".vbox-prev").unlink(missing_ok=True)
        if left.disk:
            media.forget(self._api, left.disk)
            media.delete_files(left.disk)
        self._note.unlink()

    def _look(self) -> tuple[State, str]:
        machine = self._find()
        if machine is None:
            return State.ABSENT, ""
        if not machine.accessible:
            return State.BROKEN, f"VirtualBox cannot read the VM: {machine.accessError.text}"
        state, problem = states.state_of(self._api, machine.state)
        if state in (State.OFF, State.ABORTED, State.SAVED):
            problem = _damage(machine)
        return (State.BROKEN, problem) if problem else (state, "")

    def _is_on(self, machine: Any) -> bool:
        state = states.state_of(self._api, machine.state)[0]
        return state not in (State.OFF, State.ABORTED, State.SAVED)

    def _find(self) -> Any:
        return None if self._note.exists() else machines.find(self._api, self._vm)

    def _machine(self) -> Any:
        machine = self._find()
        if machine is None:
            raise NotFoundError(
                f"there is no VM '{self._vm}'", resolution="Make it: boot2docker init"
            )
        return machine

    def _wrong_state(self, verb: str, state: State) -> WrongStateError:
        return WrongStateError(
            f"cannot {verb} the VM '{self._vm}': it is {state.value}", details=self.problem()
        )


def _damage(machine: Any) -> str:
    disk = media.attached(machine, media.DISK_PORT)
    if disk is None:
        return f"it has no data disk in port {media.DISK_PORT} of {media.CONTROLLER}"
    return "" if Path(disk.location).exists() else f"the data disk '{disk.location}' is missing"
