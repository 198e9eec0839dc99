"""What a VM is to a driver: its states, what it is made of, what is said of it. Data alone."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import NamedTuple

# QEMU's and VirtualBox's own choice for the network between a VM and its host.
USUAL_NAT_NETWORK = "10.0.2.0/24"


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


def in_words(state: State) -> str:
    """Return a state as a person would say it; `status` has the words that scripts know."""
    words = {State.ABSENT: "not there", State.OFF: "off"}
    words[State.ABORTED] = "off, and was not shut down"
    return words.get(state, state.value)


TRANSITIONAL = frozenset({State.STARTING, State.STOPPING})
IS_ON = frozenset({State.RUNNING, State.PAUSED}) | TRANSITIONAL


class Features(NamedTuple):
    """What a driver can do, so that its name need not be asked for."""

    has_host_only_network: bool
    has_shared_folders: bool
    has_disk_formats: bool = False
    has_window: bool = False
    can_copy_disk: bool = False
    can_forbid_symlinks: bool = False  # to the guest, in shared folders
    shares_forbid_saving: bool = False  # memory, while the guest has them mounted
    has_internal_network: bool = False


class HostOnly(NamedTuple):
    """The network that the VM shares with its host alone; `mode` is auto, required or off."""

    mode: str
    host_ip: str
    netmask: str
    dhcp: bool
    dhcp_ip: str
    lower_ip: str
    upper_ip: str


class InternalNetwork(NamedTuple):
    """A network that VMs of one user have among themselves, and nothing else is on."""

    name: str
    number: int  # of the VM there, 1 to 254; its MAC address ends with it

    @property
    def mac(self) -> str:
        """Return the MAC address of the VM's adapter; our image takes its address from it."""
        return f"52:b2:d0:00:00:{self.number:02x}"


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
    nat_network: str = USUAL_NAT_NETWORK  # the host is its .2, the VM its .15
    internal_network: InternalNetwork | None = None


class Share(NamedTuple):
    """A folder of the host that the guest mounts at `/name`."""

    name: str
    folder: Path


class Boot(NamedTuple):
    """The settings of a start; a driver takes what its features name."""

    shares: tuple[Share, ...] | None = None  # None: as at the last boot
    share_symlinks: bool = False  # whether the guest may make symbolic links in them
    window: bool = False  # show the screen of the VM
    iso: Path | None = None  # the image to boot from now on; None: as at the last boot


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
    nat_network: str = USUAL_NAT_NETWORK
    internal_network: InternalNetwork | None = None


class Snapshot(NamedTuple):
    """The VM as it once was: its disk, and its memory if it was on or saved."""

    name: str  # unique among the snapshots of the VM
    taken_at_s: float  # since 1970, as of time.time()
    has_memory: bool
    parent: str | None  # the snapshot that it builds on
    is_current: bool  # the one that the VM builds on now
    size_bytes: int = 0  # of its own files on this machine; a disk that it shares is not counted
    lost_file: Path | None = None  # of its memory: without it there is no way back


class Changes(NamedTuple):
    """What a VM is to be made of from now on; None leaves it as it is."""

    memory_mb: int | None = None
    cpus: int | None = None
    disk_mb: int | None = None  # it can only grow
    ssh_port: int | None = None  # on 127.0.0.1; 0 lets the driver choose a free one
    docker_port: int | None = None  # on 127.0.0.1; 0 for none
    host_only: HostOnly | None = None  # for a driver that has such a network


class Own(NamedTuple):
    """What a VM that is made of another has of its own. All else it has of the other."""

    iso: Path
    console_log: Path
    new_seed: bytes = b""  # see `Driver.reseed`
    internal_network: InternalNetwork | None = None  # None: on none, whatever the other is on
