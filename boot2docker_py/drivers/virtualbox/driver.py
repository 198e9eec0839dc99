"""One VM of VirtualBox. Its state is VirtualBox's; of ours is only the note of unfinished work."""

# ruff: noqa: D102 - what the members do is said once, in base.py

from __future__ import annotations

import contextlib
import functools
import logging
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Collection, Sequence, TypeVar

from boot2docker_py.address import Address
from boot2docker_py.drivers import copying, host, ports, preconditions
from boot2docker_py.drivers.base import Driver, ShowBytes, show_no_bytes
from boot2docker_py.drivers.model import (
    USUAL,
    Boot,
    Changes,
    Features,
    Own,
    Share,
    Snapshot,
    State,
    VMInfo,
    VMSpec,
    in_words,
)
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API, connect
from boot2docker_py.drivers.virtualbox.vm import room, sessions, states, status
from boot2docker_py.errors import (
    Boot2DockerError,
    DeadlineError,
    HypervisorError,
    NotFoundError,
    StorageError,
    WrongStateError,
)
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Check

if TYPE_CHECKING:
    from virtualbox.library import IMachine, IMedium

    from boot2docker_py.drivers.virtualbox.checks import VirtualBoxChecks

# What `status` does not need is imported where it is: scripts ask for it often.

log = logging.getLogger(__name__)

IN_MEMORY = (State.RUNNING, State.PAUSED)
DIES_WITHIN_S = 2.0  # how long VirtualBox takes to see that a process of a VM has ended

Method = TypeVar("Method", bound=Callable[..., Any])


def _translated(method: Method) -> Method:
    @functools.wraps(method)
    def wrapper(driver: VirtualBoxDriver, *arguments: Any, **options: Any) -> Any:
        try:
            with driver.api.calling(), failures.translated():
                return method(driver, *arguments, **options)
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
        has_host_only_network=True,
        has_shared_folders=True,
        can_forbid_symlinks=True,
        has_disk_formats=True,
        has_window=True,
        can_copy_disk=True,
        has_internal_network=True,
    )

    def __init__(self, paths: VMPaths, api: API | None = None) -> None:
        self._vm = paths.name
        self.paths = paths
        self._given_api = api

    @cached_property
    def api(self) -> API:
        """Return the connection, made when it is first needed."""
        return self._given_api or connect()

    @property
    def _note(self) -> Path:
        return self.paths.folder / "unfinished.json"

    @property
    def _note_of_disks(self) -> Path:
        return self.paths.folder / "disks.json"

    def checks(self) -> Sequence[Check]:
        return self._checks.all()

    @property
    def _checks(self) -> VirtualBoxChecks:
        from boot2docker_py.drivers.virtualbox.checks import VirtualBoxChecks

        return VirtualBoxChecks(self.paths, lambda: self.api)

    @_translated
    def state(self) -> State:
        return self._look()[0]

    @_translated
    def problem(self) -> str:
        return self._look()[1]

    @_translated
    def hangs(self) -> bool:
        machine = self._find()
        if machine is None or not machine.accessible or not self._is_on(machine):
            return False
        return self._look()[0] is State.BROKEN

    @_translated
    def why_paused(self) -> str:
        from boot2docker_py.drivers.virtualbox.vm import diagnosis

        return diagnosis.of_pause(diagnosis.end_of(self.describe().hypervisor_log, 0.0))

    @_translated
    def describe(self) -> VMInfo:
        from boot2docker_py.drivers.virtualbox.vm import machines

        return machines.describe(self.api, self.machine())

    @_translated
    def ssh_address(self) -> Address:
        from boot2docker_py.drivers.virtualbox.vm import nat

        return Address(ports.HOST, nat.ssh_port(self.machine()))

    @_translated
    def shares(self) -> Sequence[Share]:
        from boot2docker_py.drivers.virtualbox.vm import shares

        return shares.present(self.machine())

    @_translated
    def host_only_problem(self) -> str:
        from boot2docker_py.drivers.virtualbox.vm import network, start

        machine = self.machine()
        wanted = start.wanted_host_only(machine)
        if wanted is None or not network.is_attached(self.api, machine):
            return ""
        return network.problem(self.api, wanted, network.known_id(machine))

    @_translated
    def repair_host_only(self) -> None:
        from boot2docker_py.drivers.virtualbox.vm import network, start

        machine = self.machine()
        wanted = start.wanted_host_only(machine)
        if wanted is not None:
            network.repair(self.api, wanted, network.known_id(machine))

    @_translated
    def host_only_mac(self) -> str:
        from boot2docker_py.drivers.virtualbox.vm import network

        return network.mac(self.api, self.machine())

    @_translated
    def numbers_on(self, network: str) -> Collection[int]:
        from boot2docker_py.drivers.virtualbox.vm import internal_network

        return internal_network.numbers_on(self.api, network)

    @_translated
    def create(self, spec: VMSpec) -> None:
        from boot2docker_py.drivers.virtualbox.vm import media

        def make(disk: Path) -> IMedium:
            if spec.base_disk:
                return media.copy_disk(self.api, spec.base_disk, disk)
            return media.make_disk(self.api, disk, spec.seed, spec.disk_mb)

        self._demand_absent()
        if spec.base_disk:
            media.demand_readable(self.api, spec.base_disk)
        self._create(spec, make)

    def _create(self, spec: VMSpec, make_disk: Callable[[Path], IMedium]) -> None:
        """Make the VM, its disk by `make_disk`, or leave nothing."""
        from boot2docker_py.drivers.virtualbox.vm import making

        host.demand_possible(spec)
        preconditions.demand(self._checks.of_hypervisor(), HypervisorError)
        preconditions.demand(self._checks.of_files(), StorageError)
        making.make(self.api, self._vm, spec, make_disk, self._note)

    @_translated
    def start(self, boot: Boot = USUAL) -> None:
        from boot2docker_py.drivers.virtualbox.vm import moved_home, start

        state = self._look()[0]
        if state in (State.OFF, State.ABORTED):
            moved_home.follow(self.api, self.machine(), self.paths)
        if state is State.PAUSED:
            with sessions.held(self.api, self.machine(), shared=True) as session:
                session.console.resume()
        elif state in (State.OFF, State.ABORTED, State.SAVED):
            room.demand(self.machine())
            start.start(self.api, self.machine(), boot, is_saved=state is State.SAVED)
        elif state is not State.RUNNING:
            raise self._wrong_state("start", state)

    @_translated
    def shutdown(self) -> None:
        if self._look()[0] is State.RUNNING:
            with sessions.held(self.api, self.machine(), shared=True) as session:
                session.console.power_button()

    @_translated
    def power_off(self) -> None:
        machine = self._find()
        if machine is None or not machine.accessible or not self._is_on(machine):
            return
        with contextlib.suppress(failures.APIError), sessions.held(
            self.api, machine, shared=True
        ) as session, failures.translated():
            # It may end by itself in between.
            failures.wait(session.console.power_down())
        sessions.wait_until_free(self.api, machine)
        if self._is_on(machine):
            raise self._wrong_state("power off", self._look()[0])

    @_translated
    def save(self) -> None:
        state = self._look()[0]
        if state is State.SAVED:
            return
        if state not in (State.RUNNING, State.PAUSED):
            raise self._wrong_state("save", state)
        machine = self.machine()
        room.demand(machine)
        try:
            with sessions.held(self.api, machine, shared=True) as session:
                failures.wait(session.machine.save_state())
        except Boot2DockerError as error:
            self._look_what_became(machine, error)
        sessions.wait_until_free(self.api, machine)

    def _look_what_became(self, machine: IMachine, error: Boot2DockerError) -> None:
        """Raise why a VM is not saved; VirtualBox's own words tell neither that nor whether.

        7.2.22 was seen to save a VM and then fail to write that down, in one of thirty saves.
        """
        with contextlib.suppress(DeadlineError):  # it may live, and be held
            sessions.wait_until_free(self.api, machine, timeout_s=DIES_WITHIN_S)
        state = states.state_of(str(machine.state))[0]
        if state is State.SAVED:
            log.debug("Saved, but not written down: %s", error.details)
            with sessions.changed(self.api, machine):
                return
        if state is State.ABORTED:
            raise HypervisorError(
                f"VirtualBox's process of the VM '{self._vm}' has ended while it was saved",
                details=error.details,
                resolution="Its memory is lost, its disk is kept; boot it with: boot2docker up",
            ) from error
        raise error

    @_translated
    def discard_saved(self) -> None:
        if self._look()[0] is State.SAVED:
            machine = self.machine()
            with sessions.held(self.api, machine) as session:
                session.machine.discard_saved_state(True)  # noqa: FBT003 - of the API: the file too
            sessions.wait_until_free(self.api, machine)

    @_translated
    def delete(self) -> None:
        from boot2docker_py.drivers.virtualbox.vm import (
            copies,
            machines,
            new_disk,
            snapshots,
            unfinished,
        )

        machine = self._find()
        if machine is not None:
            self._demand_ours(machine)
            copies.demand_none_linked(self.api, machine, "delete")
            self.power_off()
            settings = Path(machine.settings_file_path)
            disk = machines.own_disk(machine) if machine.accessible else None
            if disk is None and not (
                machine.accessible and not machines.holds_data(self.api, machine)
            ):
                log.warning("What disks the VM has is not known, or not its own: they are kept.")
            if disk:
                new_disk.clean_up(self.api, machine, self._note_of_disks)
            files = snapshots.files_of(machine) if disk else ()
            make_private_folder(self.paths.folder)
            unfinished.write(self._note, unfinished.Unfinished(machine.id_p, settings, disk, files))
        unfinished.clean_up(self.api, self._note)
        self._note_of_disks.unlink(missing_ok=True)
        self.paths.console_log.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other files are there, or it never was
            self.paths.folder.rmdir()

    def has_remains(self) -> bool:
        return self._note.exists()

    @_translated
    def snapshots(self) -> Sequence[Snapshot]:
        from boot2docker_py.drivers.virtualbox.vm import snapshots

        return snapshots.all_of(self.machine())

    @_translated
    def is_as_snapshot(self) -> bool:
        from boot2docker_py.drivers.virtualbox.vm import snapshots

        return snapshots.is_as_current(self.machine())

    @_translated
    def take_snapshot(self, name: str, *, memory: bool = True) -> None:
        from boot2docker_py.drivers.virtualbox.vm import snapshots

        machine, state = self.machine(), self._look()[0]
        if state not in (*status.AT_REST, *IN_MEMORY):
            raise self._wrong_state("take a snapshot of", state)
        if not memory and state in (State.SAVED, *IN_MEMORY):
            way = "boot2docker down"
            if state is State.SAVED:
                way = "boot2docker up, then: boot2docker down"
            raise WrongStateError(
                f"VirtualBox leaves no memory out: the VM '{self._vm}' is {in_words(state)}",
                resolution=f"Shut it down first: {way}",
            )
        room.demand(machine)
        snapshots.take(self.api, machine, name, is_on=state in IN_MEMORY)
        self._settle(machine, state)

    @_translated
    def restore_snapshot(self, name: str) -> None:
        from boot2docker_py.drivers.virtualbox.vm import snapshots

        machine, state = self.machine(), self._look()[0]
        if state not in (State.OFF, State.ABORTED):
            raise self._wrong_state("restore a snapshot of", state)
        room.demand(machine)
        snapshots.restore(self.api, machine, name)
        self._settle(machine, state)

    @_translated
    def delete_snapshot(self, name: str) -> None:
        from boot2docker_py.drivers.virtualbox.vm import copies, new_disk, snapshots

        machine, state = self.machine(), self._look()[0]
        if state not in (*status.AT_REST, *IN_MEMORY):
            raise self._wrong_state("delete a snapshot of", state)
        verb = f"delete the snapshot '{name}' of"
        copies.demand_none_linked(self.api, machine, verb, name)
        room.demand(machine)
        new_disk.clean_up(self.api, machine, self._note_of_disks)
        snapshots.delete(self.api, machine, name, is_on=state in IN_MEMORY)
        self._settle(machine, state)

    @_translated
    def replace_disk(self, seed: bytes, disk_mb: int) -> None:
        from boot2docker_py.drivers.virtualbox.vm import (
            copies,
            machines,
            media,
            new_disk,
            snapshots,
        )

        machine, (state, problem) = self.machine(), self._look()
        old = media.attached(machine, status.DISK_PORT) if machine.accessible else None
        # Broken, not on, and readable: what is wrong is its disk.
        is_without = state is State.BROKEN and machine.accessible and not self._is_on(machine)
        if state not in (State.OFF, State.ABORTED) and not is_without:
            raise self._wrong_state("replace the disk of", state)
        own = machines.own_disk(machine)
        if old is not None and own is None:
            raise WrongStateError(
                f"the data disk of the VM '{self._vm}' is not its own, so it is not replaced",
                details=f"it is '{old.location}'; {problem}".rstrip("; "),
                resolution="Take it out of the VM in the VirtualBox window first.",
            )
        copies.demand_none_linked(self.api, machine, "replace the disk of")
        room.demand(machine)
        new_disk.clean_up(self.api, machine, self._note_of_disks)
        snapshots.delete_all(self.api, machine)
        make_private_folder(self.paths.folder)
        new_disk.replace(self.api, machine, own, seed, disk_mb, self._note_of_disks)
        sessions.wait_until_free(self.api, machine)

    @_translated
    def change(self, changes: Changes) -> None:
        from boot2docker_py.drivers.virtualbox.vm import growth

        machine = self._machine_at_rest("change")
        host.demand_change(changes, self.describe())
        make_private_folder(self.paths.folder)
        growth.change(self.api, machine, changes, self._note_of_disks)
        sessions.wait_until_free(self.api, machine)

    @_translated
    def drop_old_disk(self) -> None:
        if self._note_of_disks.exists():
            from boot2docker_py.drivers.virtualbox.vm import new_disk

            new_disk.clean_up(self.api, self.machine(), self._note_of_disks)

    @_translated
    def reseed(self, seed: bytes) -> None:
        from boot2docker_py.drivers.virtualbox.vm import copies, media

        machine = self._machine_at_rest("change")
        media.lay(self.api, copies.disk_of(machine, ""), self._vm, seed)

    @_translated
    def clone(
        self,
        source: Driver,
        own: Own,
        *,
        snapshot: str = "",
        is_linked: bool = False,
        show: ShowBytes = show_no_bytes,
    ) -> None:
        from boot2docker_py.drivers.virtualbox.vm import copies, media

        assert isinstance(source, VirtualBoxDriver)
        copying.demand_copy(source, self, self._vm, snapshot=snapshot, is_linked=is_linked)
        machine = source.machine()
        spec = copies.spec_of(self.api, machine, own, snapshot)
        original = copies.disk_of(machine, snapshot)
        in_all = original.size or 1

        def make(path: Path) -> IMedium:
            if is_linked:
                disk = media.link(self.api, original, path)
            else:
                disk = media.copy_medium(
                    self.api, original, path, lambda percent: show(in_all * percent // 100, in_all)
                )
            media.lay(self.api, disk, self._vm, own.new_seed)
            return disk

        self._create(spec, make)

    @_translated
    def linked_clones(self) -> Sequence[str]:
        from boot2docker_py.drivers.virtualbox.vm import copies

        machine = self._find()
        return copies.linked_to(self.api, machine) if machine else ()

    @_translated
    def rename(self, to: VMPaths) -> None:
        from boot2docker_py.drivers.virtualbox.vm import copies

        machine = self._machine_at_rest("rename")
        copies.demand_none_linked(self.api, machine, "rename")
        if status.find(self.api, to.name) is not None:
            raise WrongStateError(f"there is a VM '{to.name}' already")
        copies.rename(self.api, machine, self.paths, to)
        sessions.wait_until_free(self.api, machine)

    @_translated
    def export(self, file: Path, show: ShowBytes = show_no_bytes) -> None:
        from boot2docker_py.drivers.virtualbox.vm import appliance

        appliance.export(self.api, self._machine_at_rest("export"), file, show)

    @_translated
    def demand_importable(self, file: Path) -> None:
        from boot2docker_py.drivers.virtualbox.vm import appliance

        appliance.read(file)

    @_translated
    def import_(self, file: Path, own: Own, show: ShowBytes = show_no_bytes) -> None:
        from boot2docker_py.drivers.virtualbox.vm import appliance, media, unfinished

        self._demand_absent()
        found = appliance.read(file)
        spec = VMSpec(
            iso=own.iso,
            seed=b"",
            disk_mb=found.disk_mb,
            # It may have been made for a machine that has more of both.
            memory_mb=min(found.memory_mb, host.host_memory_mb()),
            cpus=min(found.cpus, os.cpu_count() or 1),
            ssh_port=0,
            docker_port=0,
            console_log=own.console_log,
            internal_network=own.internal_network,
        )

        def make(path: Path) -> IMedium:
            unpacked = self.paths.folder / unfinished.IMPORTED
            appliance.unpack(file, found, unpacked, show)
            disk = media.copy_disk(
                self.api, unpacked, path, lambda _percent: appliance.demand_space(path.parent)
            )
            unpacked.unlink()
            media.lay(self.api, disk, self._vm, own.new_seed)
            return disk

        self._create(spec, make)

    def _demand_absent(self) -> None:
        copying.demand_absent(self, self._vm)

    def _machine_at_rest(self, verb: str) -> IMachine:
        """Return a machine that is off, and holds no memory."""
        machine, state = self.machine(), self._look()[0]
        if state not in (State.OFF, State.ABORTED):
            raise self._wrong_state(verb, state)
        return machine

    def _settle(self, machine: IMachine, state: State) -> None:
        if state in status.AT_REST:
            sessions.wait_until_free(self.api, machine)

    def _demand_ours(self, machine: IMachine) -> None:
        from boot2docker_py.drivers.virtualbox.vm import machines

        if not machine.accessible or machines.is_ours(machine):
            return
        if machines.holds_data(self.api, machine):  # half a VM of the original's may go
            raise WrongStateError(
                f"the VM '{self._vm}' was not made by boot2docker, so it is not deleted",
                details=f"its settings are in '{machine.settings_file_path}'",
                resolution="Delete it in the VirtualBox window, or name another VM with --vm.",
            )

    def _look(self) -> tuple[State, str]:
        raw = self._find_raw()
        return (State.ABSENT, "") if raw is None else status.state_of(self.api, raw)

    def _is_on(self, machine: IMachine) -> bool:
        state = states.state_of(str(machine.state))[0]
        return state not in status.AT_REST

    def _find_raw(self) -> Any:
        raw = status.find(self.api, self._vm)
        if raw is None or not self._note.exists():
            return raw
        from boot2docker_py.drivers.virtualbox.vm import unfinished

        left = unfinished.read(self._note)
        return None if left and left.machine == raw.id else raw

    def _find(self) -> IMachine | None:
        raw = self._find_raw()
        return None if raw is None else self.api.library.IMachine(raw)

    def machine(self) -> IMachine:
        """Return the VM as VirtualBox has it.

        Raises:
            NotFoundError: there is none.
        """
        machine = self._find()
        if machine is None:
            raise NotFoundError(
                f"there is no VM '{self._vm}'", resolution="Make it: boot2docker init"
            )
        return machine

    def _wrong_state(self, verb: str, state: State) -> WrongStateError:
        return WrongStateError(
            f"cannot {verb} the VM '{self._vm}': it is {in_words(state)}", details=self.problem()
        )
