"""QEMU as a hypervisor for one VM: everywhere, without rights, and without a service."""

# ruff: noqa: D102 - what the members do is said once, in base.py

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Collection, Iterator, Sequence

from boot2docker_py.address import Address
from boot2docker_py.drivers import copying, host, ports
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
from boot2docker_py.drivers.qemu import (
    checks,
    command_line,
    copies,
    disk,
    internal_network,
    qmp,
    saved,
    shares,
    snapshot_list,
    snapshots,
    start,
    status,
)
from boot2docker_py.drivers.qemu.files import (
    Files,
    Settings,
    no_vm,
    read_settings,
    remove_all,
    storage_errors,
    temporary,
    write_settings,
)
from boot2docker_py.drivers.qemu.process import Process, uses_port
from boot2docker_py.errors import (
    NotFoundError,
    StorageError,
    WrongStateError,
)
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Check

if TYPE_CHECKING:
    from boot2docker_py.drivers.qemu.archive import Description

log = logging.getLogger(__name__)

HOW_TO_INSTALL = command_line.install_hint()

_USES_PORT = uses_port()

_AT_REST = (State.OFF, State.ABORTED, State.SAVED)


def is_available() -> bool:
    """Tell whether QEMU is installed."""
    return command_line.find_program() is not None


class QEMUDriver(Driver):
    """One VM of QEMU."""

    name = "qemu"
    features = Features(
        has_host_only_network=False,
        has_shared_folders=not _USES_PORT,  # QEMU's 9p is not for Windows
        shares_forbid_saving=True,
        has_internal_network=True,
    )

    def __init__(
        self,
        paths: VMPaths,
        answer_timeout_s: float = qmp.ANSWER_TIMEOUT_S,
        *,
        uses_port: bool = _USES_PORT,
    ) -> None:
        self._vm = paths.name
        self._paths = paths
        self._process = Process(paths, answer_timeout_s, uses_port=uses_port)
        self._files = self._process.files

    def checks(self) -> Sequence[Check]:
        return checks.checks(self._paths.folder)

    def state(self) -> State:
        with storage_errors(self._paths):
            return status.of(self._process)[0]

    def problem(self) -> str:
        with storage_errors(self._paths):
            return status.of(self._process)[1]

    def hangs(self) -> bool:
        return self.state() is State.BROKEN and not status.damage(self._files)

    def why_paused(self) -> str:
        return status.why_paused(self._process)

    def describe(self) -> VMInfo:
        settings = self._settings()
        return VMInfo(
            name=self._vm,
            uuid=settings.uuid,
            iso=Path(settings.iso),
            disk=self._files.disk,
            disk_mb=settings.disk_mb,
            memory_mb=settings.memory_mb,
            cpus=settings.cpus,
            ssh_port=settings.ssh_port,
            docker_port=settings.docker_port,
            config_file=self._files.settings,
            folder=self._files.folder,
            console_log=Path(settings.console_log),
            hypervisor_log=self._files.log,
            console_socket=None if self._process.uses_port else self._paths.console_socket,
            nat_network=settings.nat_network,
            internal_network=internal_network.of(settings),
        )

    def open_console(self, timeout_s: float) -> Any:
        if self._process.uses_port:
            return self._process.join_console(timeout_s)
        return super().open_console(timeout_s)

    def ssh_address(self) -> Address:
        return Address(ports.HOST, self._settings().ssh_port)

    def shares(self) -> Sequence[Share]:
        return shares.read(self._settings().shares)

    def create(self, spec: VMSpec) -> None:
        with storage_errors(self._paths):
            self._demand_absent()
            host.demand_possible(spec)
            network = spec.internal_network
            internal_network.demand_possible(network, uses_port=self._process.uses_port)
            with self._unfinished(_settings_of(spec)):
                disk.make(self._files.disk, spec.seed, self._files.seed, spec.disk_mb)

    def start(self, boot: Boot = USUAL) -> None:
        with storage_errors(self._paths):
            state = self.state()
            if state in (State.OFF, State.ABORTED, State.SAVED):
                make_private_folder(self._paths.run)  # which the system may have emptied since
                snapshot_list.note_run(self._files)
            if state in (State.OFF, State.ABORTED):
                settings = self._settings()
                iso = str(boot.iso or settings.iso)
                settings = dataclasses.replace(settings, iso=iso)
                start.boot(self._process, settings, boot.shares)
            elif state is State.SAVED:
                self._process.end()  # what is left when a `save` was killed
                start.restore(self._process, self._settings())
            elif state is State.PAUSED or (
                # The writing may have ended between the two questions.
                state is State.STOPPING
                and (saved.is_writing(self._process) or self.state() is State.PAUSED)
            ):
                saved.let_run(self._process)
            elif state is not State.RUNNING:
                raise self._wrong_state("start", state)

    def tend(self) -> None:
        with storage_errors(self._paths):
            place = self._process.place_on_network(self._settings())
            if place:
                internal_network.serve(place)

    def internal_network_problem(self) -> str:
        with storage_errors(self._paths):
            place = self._process.place_on_network(self._settings())
        if place and not internal_network.is_served(place):
            return "the process that hands the VM's frames on has ended"
        return ""

    def shutdown(self) -> None:
        if self.state() is State.RUNNING:
            self._process.execute("system_powerdown")

    def power_off(self) -> None:
        with storage_errors(self._paths):
            self._process.end()

    def save(self) -> None:
        with storage_errors(self._paths):
            state = self.state()
            if state is State.SAVED:
                self._process.end()
                return
            if state not in (State.RUNNING, State.PAUSED):
                raise self._wrong_state("save", state)
            saved.save(self._process, self._settings())

    def discard_saved(self) -> None:
        with storage_errors(self._paths):
            if self.state() is State.SAVED:
                self._process.end()
                saved.discard(self._process)

    def delete(self) -> None:
        with storage_errors(self._paths):
            copies.demand_none_linked(self._vm, self._files, "delete")
            self._process.end()
            self._leave_internal_network()
            if self._files.settings.exists():
                self._files.settings.replace(self._files.unfinished)
            self._remove_unfinished()
            self._paths.qmp_socket.unlink(missing_ok=True)
            self._paths.console_socket.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # other files are there, or it never was
                self._paths.folder.rmdir()

    def has_remains(self) -> bool:
        return self._files.unfinished.exists()

    def numbers_on(self, network: str) -> Collection[int]:
        with storage_errors(self._paths):
            return internal_network.numbers_on(network, self._paths.folder.parent)

    def snapshots(self) -> Sequence[Snapshot]:
        self._settings()
        with storage_errors(self._paths):
            return snapshot_list.all_of(self._files)

    def is_as_snapshot(self) -> bool:
        self._settings()
        with storage_errors(self._paths):
            return snapshot_list.is_as_current(self._files)

    def take_snapshot(self, name: str, *, memory: bool = True) -> None:
        settings, state = self._settings(), self.state()
        with storage_errors(self._paths):
            if state not in (*_AT_REST, State.RUNNING, State.PAUSED):
                raise self._wrong_state("take a snapshot of", state)
            snapshots.take(self._process, settings, name, state, memory=memory)

    def restore_snapshot(self, name: str) -> None:
        settings, state = self._settings(), self.state()
        with storage_errors(self._paths):
            if state not in (State.OFF, State.ABORTED):
                raise self._wrong_state("restore a snapshot of", state)
            snapshots.restore(self._process, settings, name, state)

    def delete_snapshot(self, name: str) -> None:
        self._settings()
        state = self.state()
        with storage_errors(self._paths):
            if state not in (*_AT_REST, State.RUNNING, State.PAUSED):
                raise self._wrong_state("delete a snapshot of", state)
            tag = snapshot_list.tag_in_list(self._files, name)
            if tag:  # else what is left of it is removed before that is said
                verb = f"delete the snapshot '{name}' of"
                copies.demand_none_linked(self._vm, self._files, verb, tag)
            snapshots.delete(self._process, name, state)
            copies.remove_unused_bases(self._files)

    def replace_disk(self, seed: bytes, disk_mb: int) -> None:
        settings, state = self._settings(), self.state()
        with storage_errors(self._paths):
            is_without = state is State.BROKEN and not self._files.disk.exists()
            if state not in (State.OFF, State.ABORTED) and not is_without:
                raise self._wrong_state("replace the disk of", state)
            copies.demand_none_linked(self._vm, self._files, "replace the disk of")
            new = temporary(self._files.disk)
            new.unlink(missing_ok=True)
            disk.make(new, seed, self._files.seed, disk_mb)
            saved.discard(self._process)
            snapshots.forget_all(self._files)
            copies.remove_unused_bases(self._files)
            new.replace(self._files.disk)
            whole = dataclasses.replace(settings, disk_mb=disk_mb, base="")
            write_settings(self._files.settings, whole)  # it builds on no other any more
            self._files.running.unlink(missing_ok=True)

    def change(self, changes: Changes) -> None:
        settings = self._settings_at_rest("change")
        host.demand_change(changes, self.describe())
        with storage_errors(self._paths):
            if changes.disk_mb is not None and changes.disk_mb > settings.disk_mb:
                disk.resize(self._files.disk, changes.disk_mb)
                snapshot_list.note_run(self._files)  # so that it is not as its snapshot any more
            write_settings(self._files.settings, _changed(settings, changes))

    def drop_old_disk(self) -> None:
        """Do nothing: a qcow2 file grows where it is."""

    def reseed(self, seed: bytes) -> None:
        self._settings_at_rest("change")
        with storage_errors(self._paths):
            disk.lay(self._files.disk, seed, self._files.seed)

    def clone(
        self,
        source: Driver,
        own: Own,
        *,
        snapshot: str = "",
        is_linked: bool = False,
        show: ShowBytes = show_no_bytes,
    ) -> None:
        assert isinstance(source, QEMUDriver)
        copying.demand_copy(source, self, self._vm, snapshot=snapshot, is_linked=is_linked)
        files, settings = source.to_be_copied()
        settings = copies.settings_of_copy(settings, own)
        with storage_errors(self._paths), self._unfinished(settings):
            base = ""
            if is_linked:
                base = copies.link_disk(files, self._files, snapshot, show)
            else:
                copies.copy_disk(files, self._files, snapshot, show)
            disk.lay(self._files.disk, own.new_seed, self._files.seed)
            disk_mb = disk.size_mb(self._files.disk) if snapshot else settings.disk_mb
            whole = dataclasses.replace(settings, base=base, disk_mb=disk_mb)
            write_settings(self._files.unfinished, whole)

    def to_be_copied(self) -> tuple[Files, Settings]:
        """Return files and settings of this VM for a clone."""
        return self._files, self._settings()

    def linked_clones(self) -> Sequence[str]:
        with storage_errors(self._paths):
            return [name for name, _tag in copies.linked_to(self._files)]

    def rename(self, to: VMPaths) -> None:
        settings, files = self._settings_at_rest("rename"), Files(to.folder)
        with storage_errors(self._paths):
            copies.demand_none_linked(self._vm, self._files, "rename")
            if files.settings.exists():
                raise WrongStateError(f"there is a VM '{to.name}' already")
            write_settings(self._files.settings, settings)  # its own files by name alone
            with contextlib.suppress(FileNotFoundError):
                to.folder.rmdir()
            self._files.folder.rename(to.folder)
            make_private_folder(to.run)

    def export(self, file: Path, show: ShowBytes = show_no_bytes) -> None:
        from boot2docker_py.drivers.qemu import archive

        settings = self._settings_at_rest("export")
        with storage_errors(self._paths):
            archive.write(self._files, settings, file, show)

    def demand_importable(self, file: Path) -> None:
        from boot2docker_py.drivers.qemu import archive

        with storage_errors(self._paths):
            archive.demand_start(file)

    def import_(self, file: Path, own: Own, show: ShowBytes = show_no_bytes) -> None:
        from boot2docker_py.drivers.qemu import archive

        self._demand_absent()
        with storage_errors(self._paths):
            found = archive.read(file, show)
            settings = _settings_of(_spec_of(found.description, own))
            with self._unfinished(settings):
                archive.unpack(file, found, self._files.disk)
                disk.lay(self._files.disk, own.new_seed, self._files.seed)

    @contextlib.contextmanager
    def _unfinished(self, settings: Settings) -> Iterator[None]:
        """Make an absent VM in a `with` block: it is there when that ends well, else nothing is."""
        self._demand_absent()
        make_private_folder(self._paths.folder)
        make_private_folder(self._paths.run)
        self._remove_unfinished()
        try:
            write_settings(self._files.unfinished, settings)
            yield
            self._files.unfinished.replace(self._files.settings)
        except BaseException:
            self._remove_unfinished()
            raise

    def _leave_internal_network(self) -> None:
        with contextlib.suppress(NotFoundError, StorageError):  # what is damaged is deleted, too
            place = self._process.place_on_network(self._settings())
            if place:
                internal_network.leave(place)

    def _settings(self) -> Settings:
        try:
            with storage_errors(self._paths):
                return read_settings(self._files.settings)
        except StorageError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise no_vm(self._vm) from error
            raise

    def _settings_at_rest(self, verb: str) -> Settings:
        """Return the settings of a VM that is off, and holds no memory."""
        settings, state = self._settings(), self.state()
        if state not in (State.OFF, State.ABORTED):
            raise self._wrong_state(verb, state)
        return settings

    def _demand_absent(self) -> None:
        copying.demand_absent(self, self._vm)
        if self._files.disk.exists() and not self._files.unfinished.exists():
            raise StorageError(
                f"there is a data disk without a VM: '{self._files.disk}'",
                resolution="Move it away; boot2docker never writes over a data disk.",
            )

    def _remove_unfinished(self) -> None:
        if self._files.unfinished.exists():
            remove_all([*self._files.all_but_unfinished(), self._paths.console_log])
            self._files.unfinished.unlink()

    def _wrong_state(self, verb: str, state: State) -> WrongStateError:
        return WrongStateError(
            f"cannot {verb} the VM '{self._vm}': it is {in_words(state)}", details=self.problem()
        )


def _settings_of(spec: VMSpec) -> Settings:
    import uuid  # slow to load, and only a new VM needs it

    return Settings(
        uuid=str(uuid.uuid4()),
        iso=str(spec.iso),
        disk_mb=spec.disk_mb,
        memory_mb=spec.memory_mb,
        cpus=spec.cpus,
        ssh_port=spec.ssh_port or ports.usual_or_free(besides=spec.docker_port),
        docker_port=spec.docker_port,
        console_log=str(spec.console_log),
        nat_network=spec.nat_network,
        network=spec.internal_network.name if spec.internal_network else "",
        network_number=spec.internal_network.number if spec.internal_network else 0,
    )


def _changed(settings: Settings, changes: Changes) -> Settings:
    given = {name: value for name, value in changes._asdict().items() if value is not None}
    given.pop("host_only", None)  # this driver has no such network
    if given.get("ssh_port") == 0:
        given["ssh_port"] = settings.ssh_port
    return dataclasses.replace(settings, **given)


def _spec_of(description: Description, own: Own) -> VMSpec:
    """Return the VM of a file, which may have been made for a host with more of everything."""
    return VMSpec(
        iso=own.iso,
        seed=b"",
        disk_mb=description.disk_mb,
        memory_mb=min(description.memory_mb, host.host_memory_mb()),
        cpus=min(description.cpus, os.cpu_count() or 1),
        ssh_port=0,
        docker_port=ports.any_free() if description.has_docker_port else 0,
        console_log=own.console_log,
    )
