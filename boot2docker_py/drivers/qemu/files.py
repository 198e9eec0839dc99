"""What the QEMU driver keeps on disk for one VM, and how it gets there whole."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from boot2docker_py import whole_file
from boot2docker_py.drivers.model import USUAL_NAT_NETWORK
from boot2docker_py.errors import NotFoundError, StorageError
from boot2docker_py.paths import VMPaths

FORMAT = 1
_NAMES_OF_FILES = ("iso", "console_log")  # among the settings


@dataclass(frozen=True)
class Files:
    """The files of one VM, named once; all of them are ours to delete."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Return what the VM is made of; there is a VM exactly when this file is there."""
        return self.folder / "vm.json"

    @property
    def unfinished(self) -> Path:
        """Return the settings while `create` has not ended or `delete` has begun.

        While it is there, and no settings, the other files hold nothing that anybody has used.
        """
        return self.folder / "unfinished.json"

    @property
    def disk(self) -> Path:
        """Return the data disk."""
        return self.folder / "disk.qcow2"

    @property
    def seed(self) -> Path:
        """Return the first bytes of the data disk, while it is being made."""
        return self.folder / "seed.new"

    @property
    def saved_state(self) -> Path:
        """Return the memory of a saved VM; the VM is saved exactly when this file is there."""
        return self.folder / "saved.state"

    @property
    def used_state(self) -> Path:
        """Return a saved state whose guest goes on already, so of no more use."""
        return self.folder / "saved.state.used"

    @property
    def saved_by(self) -> Path:
        """Return what QEMU has to be like to read the saved state."""
        return self.folder / "saved.json"

    @property
    def running(self) -> Path:
        """Return the file that QEMU makes when it starts and removes when it ends in order.

        It is QEMU's `-pidfile`. What remains of it tells a crash from a power-off; the number in
        it is never used.
        """
        return self.folder / "running"

    @property
    def lock(self) -> Path:
        """Return the file that a living QEMU holds locked, without knowing it."""
        return self.folder / "qemu.lock"

    @property
    def log(self) -> Path:
        """Return what QEMU itself has said since its last start."""
        return self.folder / "qemu.log"

    @property
    def credentials(self) -> Path:
        """Return the folder of the certificates for a monitor at a port."""
        return self.folder / "monitor-tls"

    @property
    def snapshots(self) -> Path:
        """Return the list of snapshots; what it does not name is no snapshot."""
        return self.folder / "snapshots.json"

    def snapshot_memory(self, tag: str) -> Path:
        """Return the memory of a snapshot."""
        return self.folder / f"snapshot-{tag}.state"

    def snapshot_image(self, tag: str) -> Path:
        """Return the image that the guest of a snapshot with memory has in its drive."""
        return self.folder / f"snapshot-{tag}.iso"

    def base(self, tag: str) -> Path:
        """Return the disk as it was at a snapshot, which linked clones build on."""
        return self.folder / f"base-{tag}.qcow2"

    @property
    def incoming(self) -> Path:
        """Return the disk of an archive, while it is read."""
        return self.folder / "incoming.new"

    def all_but_unfinished(self) -> list[Path]:
        """Return all files that the driver may have made, but the one that says so."""
        named = [self.settings, self.disk, self.saved_state, self.saved_by, self.snapshots]
        named += sorted([*self.folder.glob("snapshot-*"), *self.folder.glob("base-*")])
        return [
            *named,
            *map(temporary, named),
            *(self.seed, self.used_state, self.running, self.lock, self.log, self.credentials),
            self.incoming,
            temporary(self.unfinished),
        ]


@dataclass(frozen=True)
class Settings:
    """What one VM is made of, as kept in `vm.json`, where names of files in the home are relative.

    So a home that is moved or renamed works on.
    """

    uuid: str
    iso: str
    disk_mb: int
    memory_mb: int
    cpus: int
    ssh_port: int
    docker_port: int
    console_log: str
    qmp_port: int = 0  # on 127.0.0.1, with TLS, where Python has no Unix sockets; else 0
    accelerator: str = ""  # of the last start
    console_port: int = 0  # the same, for the serial console
    qmp_spares: list[int] = dataclasses.field(default_factory=list)  # other ports for the same
    nat_network: str = USUAL_NAT_NETWORK
    shares: list[list[str]] = dataclasses.field(default_factory=list)  # names and folders
    network: str = ""  # its internal network, and the VM's number there
    network_number: int = 0
    base: str = ""  # of a linked clone: what its disk builds on, relative to the folder
    format: int = FORMAT


def read_settings(path: Path) -> Settings:
    """Return the settings in a file.

    Raises:
        FileNotFoundError: there is none.
        StorageError: it is damaged, or made by a newer version.
    """
    document = read_json(path)
    if document.get("format") != FORMAT:
        raise _damaged(path, f"format {document.get('format')!r}, not {FORMAT}")
    fields = dataclasses.fields(Settings)
    values = {one.name: document.get(one.name, _default_of(one)) for one in fields}
    wrong = [one.name for one in fields if type(values[one.name]).__name__ != _kind_of(one)]
    if wrong:
        raise _damaged(path, f"missing or wrong: {', '.join(wrong)}")
    for name in _NAMES_OF_FILES:
        values[name] = os.path.normpath(path.parent / values[name])
    return Settings(**values)


def no_vm(name: str) -> NotFoundError:
    """Return the error that says that there is no such VM."""
    return NotFoundError(f"there is no VM '{name}'", resolution="Make it: boot2docker init")


def _default_of(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is dataclasses.MISSING:
        return field.default
    return field.default_factory()


def _kind_of(field: dataclasses.Field[Any]) -> str:
    return str(field.type).partition("[")[0]


def write_settings(path: Path, settings: Settings) -> None:
    """Put the settings into a file, whole or not at all."""
    kept = dataclasses.asdict(settings)
    for name in _NAMES_OF_FILES:
        kept[name] = _relative_in_home(kept[name], path.parent)
    write_json(path, kept)


def _relative_in_home(name: str, folder: Path) -> str:
    """Return the name of a file, relative to the VM's folder if both lie in one home."""
    home = folder.parent.parent
    if home not in Path(name).parents:
        return name
    return Path(os.path.relpath(name, folder)).as_posix()


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file."""
    try:
        document = json.loads(whole_file.read(path))
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(document, dict):
        raise _damaged(path, "not an object")
    return document


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Put an object into a JSON file, whole or not at all."""
    content = json.dumps(document, indent=2).encode() + b"\n"
    whole_file.write(path, content, temporary=temporary(path))


@contextlib.contextmanager
def opened_private(path: Path, flags: int = os.O_WRONLY | os.O_TRUNC) -> Iterator[int]:
    """Open a file that only the user may read, made when it is not there; yield its descriptor."""
    file_descriptor = os.open(path, flags | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        yield file_descriptor
    finally:
        os.close(file_descriptor)


def temporary(path: Path) -> Path:
    """Return the name that a file has until it is whole."""
    return path.with_name(path.name + ".new")


def remove_all(paths: list[Path]) -> None:
    """Remove the files and folders that are there.

    A program that has just ended may hold its log a little longer (Windows).
    """
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            whole_file.remove(path)


@contextlib.contextmanager
def storage_errors(paths: VMPaths) -> Iterator[None]:
    """Turn what the operating system says of our files into a StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot use the folder of the VM, '{paths.folder}'",
            details=str(error),
            resolution="Make space, or make the folder readable and writable.",
        ) from error


def _damaged(path: Path, details: str) -> StorageError:
    return StorageError(
        f"the settings of the VM are damaged: '{path}'",
        details=details,
        resolution=f"The data disk is beside it, in '{path.parent}': keep it, then delete the VM.",
    )
