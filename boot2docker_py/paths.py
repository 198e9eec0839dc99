"""Every file and folder we touch, named once. `docs/files.md` is the user's page of it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import warnings
from pathlib import Path
from typing import Mapping, NamedTuple

from boot2docker_py.errors import StorageError

APP_NAME = "boot2docker"
USUAL_VM = "boot2docker-vm"
SETTINGS = "settings"
OWN_KEY = "id_boot2docker"

# sun_path of a Unix socket holds 104 bytes on macOS and 108 on Linux, with a closing zero
# (unix(4) of macOS, unix(7) of Linux). The longest name we make is docker.sock plus a suffix.
SOCKET_PATH_BYTES = 103


class VMPaths(NamedTuple):
    """One VM: its name, and its files."""

    name: str
    folder: Path  # the driver's: disk, settings, saved state; deleted with the VM
    run: Path  # sockets and logs of processes; 0700
    lock: Path  # held, by the operating system, while a command changes the VM

    @property
    def driver_record(self) -> Path:
        """Return the file that says which driver made the VM."""
        return self.folder / "driver"

    @property
    def settings(self) -> Path:
        """Return the settings of this VM alone, in the form of a profile."""
        return self.folder / SETTINGS

    @property
    def own_key(self) -> Path:
        """Return the private SSH key of this VM alone, where it is not that of the user's VMs."""
        return self.folder / OWN_KEY

    @property
    def adopted(self) -> Path:
        """Return the file that says that another program made the VM."""
        return self.folder / "adopted"

    @property
    def known_hosts(self) -> Path:
        """Return the pinned SSH host key, in OpenSSH's form, under the VM's name."""
        return self.folder / "known_hosts"

    @property
    def engine_record(self) -> Path:
        """Return the file that says that the guest may have settings of the engine from here."""
        return self.folder / "engine-settings"

    @property
    def pin(self) -> Path:
        """Return the file that says which image the VM is pinned to."""
        return self.folder / "pin"

    @property
    def exporting(self) -> Path:
        """Return the file that says what `export` is writing, until it is whole."""
        return self.folder / "exporting"

    @property
    def renamed_from(self) -> Path:
        """Return the file that says what the VM was called, while what goes by its name follows."""
        return self.folder / "renamed-from"

    @property
    def swarm_snapshot(self) -> Path:
        """Return the file that says which snapshot of its swarm is not complete yet."""
        return self.folder / "swarm-snapshot"

    @property
    def console_log(self) -> Path:
        """Return what the VM said on its serial console since its last start."""
        return self.folder / "console.log"

    @property
    def booting(self) -> Path:
        """Return the file that says that the VM was started, and has not answered since."""
        return self.run / "booting"

    @property
    def making_lock(self) -> Path:
        """Return the file that `reset --make` holds locked, whose command may use the VM."""
        return self.run / "making.lock"

    @property
    def qmp_socket(self) -> Path:
        """Return the socket at which QEMU takes commands."""
        return self.run / "qemu.sock"

    @property
    def console_socket(self) -> Path:
        """Return the socket at which the serial console of a VM of QEMU is joined."""
        return self.run / "console.sock"

    @property
    def docker_socket(self) -> Path:
        """Return the forwarded socket of the engine."""
        return self.run / "docker.sock"

    @property
    def forwarder_control(self) -> Path:
        """Return the socket at which the forwarder answers questions about itself."""
        return self.run / "forward.ctl"

    @property
    def forwarder_lock(self) -> Path:
        """Return the file that a living forwarder holds locked, so that there is only one."""
        return self.run / "forward.lock"

    @property
    def forwarder_log(self) -> Path:
        """Return the log of the forwarder."""
        return self.run / "forward.log"


class Paths(NamedTuple):
    """The files that all VMs share; all lies under `home`, except sockets with long names."""

    home: Path
    user_home: Path
    machine_store: Path | None = None  # Docker Machine's, if not in its usual place

    @property
    def profile(self) -> Path:
        """Return the profile file, unless the environment names another."""
        of_original = self.user_home / ".boot2docker" / "profile"
        ours = self.home / "profile"
        return of_original if of_original.is_file() and not ours.exists() else ours

    @property
    def iso(self) -> Path:
        """Return the image that VMs boot."""
        return self.home / "boot2docker.iso"

    @property
    def log(self) -> Path:
        """Return the log of all commands, with the tracebacks of our own defects."""
        return self.home / "boot2docker.log"

    @property
    def stand_in(self) -> Path:
        """Return the folder of the program `docker` that runs the client of the VM."""
        return self.home / "bin"

    @property
    def notices(self) -> Path:
        """Return what was last said of newer versions, and when."""
        return self.home / "notices"

    @property
    def good_binding(self) -> Path:
        """Return what is remembered of VirtualBox's binding: the last that did not crash."""
        return self.home / "virtualbox-binding"

    @property
    def key(self) -> Path:
        """Return the private SSH key: the original's where it exists, else our own."""
        original = self.user_home / ".ssh" / "id_boot2docker"
        return original if original.exists() else self.home / "id_boot2docker"

    def key_of(self, vm_name: str) -> Path:
        """Return the private SSH key of the VM: its own, or Docker Machine's where it made one."""
        own = self._folder(vm_name) / OWN_KEY
        if own.exists():
            return own
        of_machine = self._machine(vm_name) / "id_rsa"
        return of_machine if of_machine.exists() else self.key

    def iso_of(self, vm_name: str) -> Path:
        """Return the image of the VM: Docker Machine's where it made one."""
        of_machine = self._machine(vm_name) / "boot2docker.iso"
        return of_machine if of_machine.exists() else self.iso

    def machine_certificates(self, vm_name: str) -> tuple[Path, ...]:
        """Return where Docker Machine may keep client certificates for the VM's engine."""
        of_machine = self._machine(vm_name)
        return of_machine, of_machine.parent.parent / "certs"

    def _machine(self, vm_name: str) -> Path:
        """Return the folder that Docker Machine, and so Docker Toolbox, has for a VM."""
        store = self.machine_store or self.user_home / ".docker" / "machine"
        return store / "machines" / vm_name

    def certificates(self, vm_name: str) -> Path:
        """Return the folder of the client certificates for the VM's engine, as in the original."""
        return self.home / "certs" / vm_name

    def other_home_of(self, vm_name: str) -> Path | None:
        """Return another home of this user in which a VM of this name was made, None if none."""
        for home in (self.user_home / ".boot2docker", _usual_home()):
            if home != self.home and (home / "vms" / vm_name / "driver").exists():
                return home
        return None

    def of_this_program(self) -> list[Path]:
        """Return what we may have made in the home besides VMs; others may have files there, too.

        In the original's folder its image, profile and certificates are not ours.
        """
        patterns = ["id_boot2docker*", "boot2docker.log*", "virtualbox-binding", "notices"]
        patterns += ["bin", "completion", "run", "vms/*"]
        is_of_original = self.home == self.user_home / ".boot2docker"
        if not is_of_original:
            patterns += ["profile", "boot2docker.iso*", "certs"]
        elif self.iso.with_name(f"{self.iso.name}.json").exists():
            patterns += ["boot2docker.iso*"]
        found = {path for pattern in patterns for path in self.home.glob(pattern)}
        return sorted(path for path in found if not (path / "driver").exists())

    def vm_names(self) -> list[str]:
        """Return the names of the VMs that have a folder here."""
        return sorted(one.parent.name for one in self.home.glob("vms/*/driver"))

    def names_with_files(self) -> list[str]:
        """Return the names of VMs, and of what commands that were killed have left of others."""
        files = self.home.glob("vms/*")
        return sorted({one.stem if one.suffix == ".lock" else one.name for one in files})

    def swarm_socket(self, name: str) -> Path:
        """Return where clients of a swarm come in, at whichever of its managers serves there."""
        return self.vm(f".swarm-{name}").docker_socket  # a VM's name does not begin with a dot

    def swarm_lock(self, name: str) -> Path:
        """Return the lock of a command that needs all nodes of a swarm to itself."""
        return self.vm(f".swarm-{name}").lock

    def settings_of(self, vm_name: str) -> Path:
        """Return the settings of one VM alone."""
        return self._folder(vm_name) / SETTINGS

    def _folder(self, vm_name: str) -> Path:
        return self.home / "vms" / vm_name

    def vm(self, name: str) -> VMPaths:
        """Return the files of the VM `name`."""
        run = self.home / "run" / name
        if len(os.fsencode(run / "docker.sock")) + len(".new") > SOCKET_PATH_BYTES:
            import hashlib

            digest = hashlib.sha256(os.fsencode(self.home / name)).hexdigest()[:16]
            run = _runtime_folder() / digest
        return VMPaths(
            name=name,
            folder=self._folder(name),
            run=run,
            lock=self.home / "vms" / f"{name}.lock",
        )


def find(environ: Mapping[str, str], user_home: Path | None = None) -> Paths:
    """Return the paths for this user.

    `BOOT2DOCKER_DIR` decides, as in the original; else an existing `~/.boot2docker` is used where
    it is; else the operating system's own place for data. A `~/.boot2docker` that was made later,
    and holds at most a profile, never hides the VMs in that place.
    """
    user_home = user_home or Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises
    original = user_home / ".boot2docker"
    if environ.get("BOOT2DOCKER_DIR"):
        home = Path(environ["BOOT2DOCKER_DIR"]).absolute()
    elif _is_in_use(original) or (original.is_dir() and not (_usual_home() / "vms").is_dir()):
        home = original
    else:
        home = _usual_home()
    store = environ.get("MACHINE_STORAGE_PATH")
    return Paths(home, user_home, machine_store=Path(store) if store else None)


def _is_in_use(home: Path) -> bool:
    """Tell whether a home holds what we, or the original, have made there."""
    return any((home / name).exists() for name in ("vms", "boot2docker.iso", "certs", "run"))


def _usual_home() -> Path:
    import platformdirs  # not where it is not needed: it takes a fifth of a short command

    return Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))


def _runtime_folder() -> Path:
    import platformdirs

    try:
        with warnings.catch_warnings():
            # platformdirs says aloud when the system names no such folder, and takes one in /tmp.
            warnings.simplefilter("ignore")
            return Path(platformdirs.user_runtime_dir(APP_NAME, appauthor=False))
    except (RuntimeError, OSError) as error:  # another user has made the one in /tmp
        raise StorageError(
            "there is no folder for sockets",
            details=f"The home folder's name is too long for one, and: {error}",
            resolution="Set XDG_RUNTIME_DIR, or name a shorter folder with BOOT2DOCKER_DIR.",
        ) from error


def make_private_folder(folder: Path) -> None:
    """Make `folder` with its parents, readable by the user alone whatever the umask says.

    Raises:
        StorageError: it cannot be made, or belongs to another user.
    """
    try:
        make_missing_folders(folder)
        demand_own(folder)
        folder.chmod(0o700)
    except OSError as error:
        is_file = isinstance(error, (NotADirectoryError, FileExistsError))
        raise StorageError(
            f"cannot make the folder '{folder}'",
            details=str(error),
            resolution="A file stands where a folder should be: move it away."
            if is_file
            else "Make its parent writable, or name another with BOOT2DOCKER_DIR.",
        ) from error


def make_missing_folders(folder: Path) -> None:
    """Make `folder` and those above it that are missing, the user's alone; others stay as they are.

    Raises:
        OSError: one cannot be made, or is a file.
    """
    folders = [folder, *folder.parents]
    missing = [one for one in folders if not one.exists()]
    there = next((one for one in folders if one.exists()), None)  # a drive may be missing
    if there and not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def make_private_file(file: Path) -> None:
    """Make an empty file that the user alone can read and write, or make one that is there so.

    Raises:
        OSError: it cannot be made.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.close(descriptor)
    file.chmod(0o600)


def secure_home(paths: Paths) -> None:
    """Make the home folder the user's alone: who else can write there commands our VMs.

    A home that is the user's whole home folder, or above it, keeps its readers. Windows has no
    such modes; folders of a user are that user's alone there.

    Raises:
        StorageError: it belongs to another user, or to all.
    """
    if os.name != "posix" or not paths.home.exists():
        return
    demand_own(paths.home)
    mode = stat.S_IMODE(paths.home.stat().st_mode)
    if mode & stat.S_ISVTX:
        raise _not_ours(paths.home, "Everybody may write there.")
    is_above = paths.home in (paths.user_home, *paths.user_home.parents)
    wanted = mode & ~0o022 if is_above else mode & ~0o077
    if wanted != mode:
        with contextlib.suppress(OSError):  # on a file system without modes
            paths.home.chmod(wanted)


def demand_own(folder: Path) -> None:
    """Raise StorageError when a folder belongs to neither the user nor root.

    A user who has become root by `sudo` is still the user.
    """
    if sys.platform != "win32":
        owner = folder.stat().st_uid
        ours = [os.geteuid(), 0]
        if os.geteuid() == 0:
            ours += [int(os.environ.get("SUDO_UID", "0"))]
        if owner not in ours:
            raise _not_ours(folder, f"Its owner is the user with the number {owner}.")


def _not_ours(folder: Path, why: str) -> StorageError:
    return StorageError(
        f"the folder '{folder}' belongs to another user",
        details=why,
        resolution="Run boot2docker as that user, or name another folder with BOOT2DOCKER_DIR.",
    )
