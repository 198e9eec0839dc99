"""The contract between the life of a VM and a hypervisor: docstrings, and little more.

A driver speaks in the user's verbs. It knows nothing of SSH, waiting, printing, or the order of
steps: that is the room `machine`. The rules below are run against every driver by
`tests/driver_contract.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Collection, Sequence

from boot2docker_py.address import Address
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
)
from boot2docker_py.errors import HypervisorEndedError, WrongStateError
from boot2docker_py.host import local_stream
from boot2docker_py.wait import Check

if TYPE_CHECKING:
    from boot2docker_py.paths import VMPaths

# Called, in another thread, when the hypervisor ends and a call to it hangs.
OnHang = Callable[[HypervisorEndedError], None]

# Bytes so far, and in all; 0 when that is not known.
ShowBytes = Callable[[int, int], None]


def show_no_bytes(_so_far: int, _in_all: int) -> None:
    """Show nothing."""


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

    @abstractmethod
    def hangs(self) -> bool:
        """Tell whether the VM is BROKEN because its process is; `power_off` makes it whole."""

    def why_paused(self) -> str:
        """Return why the hypervisor itself has paused the VM, in one sentence; empty if not."""
        return ""

    @abstractmethod
    def describe(self) -> VMInfo:
        """Return what the VM is made of.

        Raises:
            NotFoundError: there is no VM.
        """

    def open_console(self, timeout_s: float) -> Any:
        """Return a connection to the serial console of a VM that is on, to be used like a socket.

        Raises:
            WrongStateError: the console is a log, and no more.
            OSError: nothing listens there.
        """
        info = self.describe()
        if info.console_socket is None:
            raise WrongStateError(
                f"the console of VM '{info.name}' is a log, and cannot be joined",
                details="Its serial port goes to one place, and that is the log.",
                resolution="Read it: boot2docker logs -f console; to type, show the VM in the "
                "hypervisor's own window, or: boot2docker restart --gui",
            )
        return local_stream.connect(info.console_socket, timeout_s)

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

        The shares and the image of `boot` count at a boot. Shares of an earlier `boot` that are
        not among them go; what another program has shared with the VM is left alone.

        Returns when that is initiated, not when the guest is ready. A RUNNING VM is left alone.
        A port of the VM that has been taken meanwhile is replaced by a free one.

        Raises:
            HypervisorError: it does not start; details carry the hypervisor's own words. A saved
                state that cannot be restored is kept.
        """

    def tend(self) -> None:  # noqa: B027 - most drivers have nothing of the kind
        """Bring back what a RUNNING VM needs beside its own process, if it has ended."""

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
        """Save the memory of a RUNNING or PAUSED VM to disk; returns when the VM is SAVED.

        Of a SAVED one it removes what is left of a `save` that was killed.
        """

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

    def host_only_problem(self) -> str:
        """Return what is wrong with the VM's host-only adapter on this machine, empty if nothing.

        Raises:
            NotFoundError: there is no VM.
        """
        return ""

    def internal_network_problem(self) -> str:
        """Return what is wrong with the network that the running VM has with others, or nothing.

        Raises:
            NotFoundError: there is no VM.
        """
        return ""

    def repair_host_only(self) -> None:  # noqa: B027 - most have none
        """Give that adapter its address and its DHCP server again; one that is gone is not made.

        Raises:
            NetworkError: it is gone, or cannot be changed.
        """

    def host_only_mac(self) -> str:
        """Return the MAC address of the VM's host-only adapter, as in 08:00:27:00:00:01.

        It is empty when the VM has none.
        """
        return ""

    def numbers_on(self, network: str) -> Collection[int]:  # noqa: ARG002 - of a driver that has none
        """Return the numbers that VMs of this hypervisor have on an internal network."""
        return ()

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
    def change(self, changes: Changes) -> None:
        """Change what a VM that is OFF or ABORTED is made of: all that is asked, or nothing.

        What is on the disk stays; snapshots stay what they are, and going back to one may bring
        its memory size, its CPUs and its smaller disk back. Where the file of the disk cannot
        grow, it is converted beside, swapped when it is whole, and the old one is kept until
        `drop_old_disk`.

        Raises:
            NotFoundError: there is no VM. The same holds for all that follow.
            WrongStateError: the VM is in another state; or its disk is not ours to change.
            UsageError: out of this hypervisor's range; or the disk would have to shrink.
            NetworkError: a port that was asked for is taken.
            StorageError: no space.
        """

    @abstractmethod
    def drop_old_disk(self) -> None:
        """Delete the disk that `change` has kept, for when the engine has answered on the new one.

        Does nothing when there is none, and costs little.
        """

    @abstractmethod
    def reseed(self, seed: bytes) -> None:
        """Lay a seed into the disk of a VM that is OFF or ABORTED; our image takes it at the boot.

        It lies at NEW_SEED_AT_BYTES, has at most NEW_SEED_LIMIT_BYTES, and is laid only where
        nothing but zeros, or a seed that was never taken, is: a guest of the original's may have
        its file system there. So it is with all `new_seed`s. An empty one changes nothing.

        Raises:
            WrongStateError: the VM is in another state; or something else is there.
            StorageError: no space.
        """

    @abstractmethod
    def clone(
        self,
        source: Driver,
        own: Own,
        *,
        snapshot: str = "",
        is_linked: bool = False,
        show: ShowBytes = show_no_bytes,
    ) -> None:
        """Make this VM, which is ABSENT, as a copy of another one of the same kind; it is OFF then.

        The copy is of the disk as the source is now, for which that has to be OFF or ABORTED; or
        as it was at a `snapshot`, whatever the source does meanwhile. It has memory size, CPUs
        and host-only network of the source, no snapshots, an identity (UUID, MAC addresses) of its
        own, and a free port for each that the source has. One that `is_linked`, for which a
        snapshot is named, has only what differs from it; it cannot be deleted then, nor can the
        source.

        Leaves nothing behind on failure or when killed half-way: the next `clone` succeeds.

        Raises:
            NotFoundError: there is no source, or no such snapshot.
            WrongStateError: there is this VM already, or the source is in another state.
            StorageError: no space, or a file of the source is gone.
        """

    @abstractmethod
    def linked_clones(self) -> Sequence[str]:
        """Return the names of the VMs that build on a snapshot of this one; none for an absent VM.

        While there are any, `delete`, `replace_disk` and `rename` raise WrongStateError, and so
        does `delete_snapshot` of one that they build on.
        """

    @abstractmethod
    def rename(self, to: VMPaths) -> None:
        """Give a VM that is OFF or ABORTED, and its folder with all that is in it, another name.

        This driver stands for the old name still, which is ABSENT then. May be called again when
        it was killed half-way, and ends it.

        Raises:
            WrongStateError: the VM is in another state; or there is one of that name.
        """

    @abstractmethod
    def export(self, file: Path, show: ShowBytes = show_no_bytes) -> None:
        """Write a VM that is OFF or ABORTED, as it is now, into one new file, whole or not at all.

        Raises:
            WrongStateError: the VM is in another state.
            StorageError: no space; or there is such a file already.
        """

    @abstractmethod
    def demand_importable(self, file: Path) -> None:
        """Demand a file that `import_` would take, as far as that is known without reading it all.

        It costs little, changes nothing, and asks for no image.

        Raises:
            UsageError: there is no such file, or it is something else, cut short or out of range.
        """

    @abstractmethod
    def import_(self, file: Path, own: Own, show: ShowBytes = show_no_bytes) -> None:
        """Make this VM, which is ABSENT, of a file that `export` has written; it is OFF then.

        What the file says is not trusted: each number and size has a bound, and no name in it is
        used. Leaves nothing behind on failure or when killed half-way.

        Raises:
            WrongStateError: there is this VM already.
            UsageError: the file is something else, damaged, or out of range.
            StorageError: no space.
        """

    @abstractmethod
    def ssh_address(self) -> Address:
        """Return where the guest's SSH server is reached from this host."""
