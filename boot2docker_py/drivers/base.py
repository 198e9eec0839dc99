"""The contract between the life of a VM and a hypervisor. Data and docstrings only.

A driver speaks in the user's verbs. It knows nothing of SSH, waiting, printing, or the order of
steps: that is the room `machine`. The rules below are run against every driver by
`tests/driver_contract.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from pathlib import Path
from typing import Callable, NamedTuple, Sequence

from boot2docker_py.address import Address
from boot2docker_py.errors import HypervisorEndedError
from boot2docker_py.wait import Check

# Called, in another thread, when the hypervisor ends and a call to it hangs.
OnHang = Callable[[HypervisorEndedError], None]


class State(str, Enum):
    """The state of a VM. The values are the words of the original's `status`."""

    ABSENT = "absent"
    OFF = "poweroff"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    SAVED = "saved"
    STOPPING = "stopping"
    ABORTED = "aborted"  # ended without being asked to; its disk is whole
    BROKEN = "broken"  # exists, but cannot be used or asked as it is; `problem()` says why


TRANSITIONAL = frozenset({State.STARTING, State.STOPPING})
IS_ON = frozenset({State.RUNNING, State.PAUSED}) | TRANSITIONAL


class Features(NamedTuple):
    """What a driver can do, so that nobody has to ask for its name."""

    has_host_only_network: bool
    has_shared_folders: bool
    has_disk_formats: bool = False
    has_window: bool = False
    can_copy_disk: bool = False


class HostOnly(NamedTuple):
    """The network that the VM shares with its host alone; `mode` is auto, required or off."""

    mode: str
    host_ip: str
    netmask: str
    dhcp: bool
    dhcp_ip: str
    lower_ip: str
    upper_ip: str


class VMSpec(NamedTuple):
    """The VM to make."""

    iso: Path
    seed: bytes  # the first bytes of the data disk, see guest/seed.py
    disk_mb: int
    memory_mb: int
    cpus: int
    ssh_port: int  # on 127.0.0.1; 0 lets the driver choose a free one
    docker_port: int  # on 127.0.0.1, to the engine's TLS port 2376; 0 for none
    console_log: Path
    host_only: HostOnly | None = None  # None: without, as for a driver that has none
    disk_format: str = "VMDK"  # or VDI; for a driver that has a choice
    base_disk: Path | None = None  # copied for the data disk, which then has no seed


class Share(NamedTuple):
    """A folder of the host that the guest mounts at `/name`."""

    name: str
    folder: Path


class Boot(NamedTuple):
    """What a start is told; a driver takes what its features name."""

    shares: tuple[Share, ...] | None = None  # None: as at the last boot
    share_symlinks: bool = False  # whether the guest may make symbolic links in them
    window: bool = False  # show the screen of the VM


USUAL = Boot()


class VMInfo(NamedTuple):
    """The VM as the hypervisor has it."""

    name: str
    uuid: str
    iso: Path
    disk: Path
    disk_mb: int
    memory_mb: int
    cpus: int
    ssh_port: int
    docker_port: int
    config_file: Path
    folder: Path
    console_log: Path | None  # None: a VM that was made elsewhere logs to no file
    hypervisor_log: Path  # what the hypervisor itself has said since the last start
    console_socket: Path | None = None  # where the serial console is joined; on Windows a pipe


class Snapshot(NamedTuple):
    """The VM as it once was: its disk, and its memory if it was on or saved."""

    name: str  # unique among the snapshots of the VM
    taken_at_s: float  # since 1970, as of time.time()
    has_memory: bool
    parent: str | None  # the snapshot that it builds on
    is_current: bool  # the one that the VM builds on now
    size_bytes: int = 0  # of its own files on this machine; a disk that it shares is not counted


class Driver(ABC):
    """One VM of one hypervisor.

    Any member may raise HypervisorError when the hypervisor itself fails. "Could not ask" is
    never "absent".
    """

    name: str
    features: Features

    @abstractmethod
    def checks(self) -> Sequence[Check]:
        """Return the preconditions of this host as data; running them changes nothing."""

    @abstractmethod
    def state(self) -> State:
        """Return the state as the hypervisor has it; never raises for an absent VM."""

    @abstractmethod
    def problem(self) -> str:
        """Return why the VM is BROKEN, in one sentence; empty in any other state."""

    def why_paused(self) -> str:
        """Return why the hypervisor itself has paused the VM, in one sentence; empty if not."""
        return ""

    @abstractmethod
    def describe(self) -> VMInfo:
        """Return what the VM is made of.

        Raises:
            NotFoundError: there is no VM.
        """

    @abstractmethod
    def create(self, spec: VMSpec) -> None:
        """Make the VM and its data disk, powered off.

        Leaves nothing behind on failure or when killed half-way: the next `create` succeeds.
        Never writes over an existing data disk.

        Raises:
            WrongStateError: there is a VM already.
            UsageError: the spec is out of this hypervisor's range.
            NetworkError: a port that was asked for is taken.
            StorageError: no space, no right to write.
        """

    @abstractmethod
    def start(self, boot: Boot = USUAL) -> None:
        """Boot an OFF or ABORTED VM, resume a PAUSED one, restore a SAVED one.

        The shares of `boot` count at a boot. Those of an earlier `boot` that are not among them
        go; what another program has shared with the VM is left alone.

        Returns when that is initiated, not when the guest is ready. A RUNNING VM is left alone.
        A port of the VM that has been taken meanwhile is replaced by a free one.

        Raises:
            HypervisorError: it does not start; details carry the hypervisor's own words. A saved
                state that cannot be restored is kept.
        """

    @abstractmethod
    def shutdown(self) -> None:
        """Press the power button of a RUNNING VM and return at once; otherwise do nothing."""

    @abstractmethod
    def power_off(self) -> None:
        """Cut the power; returns when the VM is off. Does nothing when it is not on.

        A saved state is not touched.
        """

    @abstractmethod
    def save(self) -> None:
        """Save the memory of a RUNNING or PAUSED VM to disk; returns when the VM is SAVED."""

    @abstractmethod
    def discard_saved(self) -> None:
        """Throw a saved state away, so that the VM is OFF. Does nothing when there is none."""

    @abstractmethod
    def delete(self) -> None:
        """Delete the VM, powered off first, its snapshots and its data disk; never the ISO.

        What a killed `create` or `delete` has left goes too. No-op if nothing is there.
        """

    @abstractmethod
    def has_remains(self) -> bool:
        """Tell whether a `create` or `delete` was killed: the VM is ABSENT, but not all of it."""

    def shares(self) -> Sequence[Share]:
        """Return the folders of this machine that the VM shares.

        Raises:
            NotFoundError: there is no VM.
        """
        return ()

    def host_only_mac(self) -> str:
        """Return the MAC address of the VM's host-only adapter, as in 08:00:27:00:00:01.

        It is empty when the VM has none.
        """
        return ""

    @abstractmethod
    def snapshots(self) -> Sequence[Snapshot]:
        """Return the snapshots of the VM, the oldest first.

        Raises:
            NotFoundError: there is no VM. The same holds for all that follow.
        """

    @abstractmethod
    def is_as_snapshot(self) -> bool:
        """Tell whether the VM is just what its current snapshot is: it has not run since."""

    @abstractmethod
    def take_snapshot(self, name: str, *, memory: bool = True) -> None:
        """Take a snapshot of a VM that is OFF, ABORTED, SAVED, RUNNING or PAUSED.

        The VM stays in its state; one that runs stands still meanwhile. Returns when it is taken.
        Without `memory` it is of the disk alone, as a power cut would leave it.

        Raises:
            UsageError: there is one of that name, or the name is empty.
            WrongStateError: the VM is in another state; or it has memory, and the hypervisor
                cannot leave that out.
            StorageError: no space.
        """

    @abstractmethod
    def restore_snapshot(self, name: str) -> None:
        """Make a VM that is OFF or ABORTED what it was; then it is OFF, or SAVED with its memory.

        What the disk has become since the last snapshot is lost. A VM in another state is refused
        rather than powered off, so that whoever throws its memory away does it knowingly.

        Raises:
            NotFoundError: there is no such snapshot.
            WrongStateError: the VM is in another state.
            StorageError: a file of the snapshot is gone. Nothing is changed.
        """

    @abstractmethod
    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot; the VM, and the snapshots that build on it, stay what they are.

        Raises:
            NotFoundError: there is no such snapshot.
            WrongStateError: more than one builds on it, snapshots and the VM as it is counted; or
                the VM is starting, stopping or broken.
        """

    @abstractmethod
    def replace_disk(self, seed: bytes, disk_mb: int) -> None:
        """Give a VM that is OFF or ABORTED a new data disk; the old one goes, with all snapshots.

        It begins with `seed`. All else of the VM stays: its ports, its addresses. A VM that is
        BROKEN because its data disk is missing is whole again then.

        Raises:
            NotFoundError: there is no VM.
            WrongStateError: the VM is in another state, or the disk is not ours to delete.
            StorageError: no space.
        """

    @abstractmethod
    def ssh_address(self) -> Address:
        """Return where the guest's SSH server is reached from this host."""
