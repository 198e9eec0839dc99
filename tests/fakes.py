"""Stand-ins that keep state and obey the same contracts as the real parts."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Collection, Sequence

from boot2docker_py import config as configuration
from boot2docker_py.address import Address
from boot2docker_py.cli.session import Session
from boot2docker_py.drivers import copying, host
from boot2docker_py.drivers.base import Driver, ShowBytes, show_no_bytes
from boot2docker_py.drivers.many import Listed
from boot2docker_py.drivers.model import (
    USUAL,
    Boot,
    Changes,
    Features,
    Own,
    Snapshot,
    State,
    VMInfo,
    VMSpec,
)
from boot2docker_py.endpoint.status import ForwarderStatus, Phase
from boot2docker_py.errors import (
    HypervisorError,
    NetworkError,
    NotFoundError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.image.kept import Kept
from boot2docker_py.machine.access import Access
from boot2docker_py.wait import Check, Deadline
from tests.unit.machine.swarm.cluster import Cluster

if TYPE_CHECKING:  # it loads paramiko, which some tests do without
    from boot2docker_py.paths import VMPaths
    from boot2docker_py.ssh.connection import Result
    from boot2docker_py.ssh.stream import Stream

FAKE_CONSOLE = Path("fake", "console.sock")
SSH_ADDRESS = Address("127.0.0.1", 2022)


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float, /) -> None:
        self.now_s += max(seconds, 0.001)


class FakeDriver(Driver):
    """A hypervisor in memory. Transitional states pass after `polls` questions, or never."""

    name = "fake"
    features = Features(
        has_host_only_network=False, has_shared_folders=False, has_internal_network=True
    )

    def __init__(
        self,
        state: State = State.ABSENT,
        *,
        polls: float = 2,
        name: str = "fake",
        house: dict[str, FakeDriver] | None = None,
    ) -> None:
        self.vm = name
        self.house = {} if house is None else house  # all VMs, by name
        self.house[name] = self
        self.links_to = ("", "")  # the VM and the snapshot that this one builds on
        self.keeps_old_disk = False  # of before it grew
        self.new_seed = b""  # laid into the disk, and not taken yet
        self.ssh_port = SSH_ADDRESS.port
        self._state = state
        self._polls = polls
        self.spec: VMSpec | None = None
        self.memory = "boot 0"  # what the guest holds in memory: names the boot it comes from
        self.boots = 0
        self.disk = "new"  # what the guest has written
        self._snapshots: list[tuple[Snapshot, str, str]] = []
        self._is_as_snapshot = False
        self.told = USUAL  # at the last start
        self.internal_problem = ""
        self.adapter_problem, self.can_repair_adapter = "", True
        self.hears_power_button = True
        self.presses_to_hear = 1
        self.start_fails = ""
        self.hangs_when_broken = False
        self.remains = False  # of a create or delete that was killed
        if state is not State.ABSENT:
            self.spec = a_spec(Path("boot2docker.iso"))

    def checks(self) -> Sequence[Check]:
        return [Check("a fake hypervisor", lambda _deadline: None)]

    def state(self) -> State:
        if self._state in (State.STARTING, State.STOPPING):
            self._polls -= 1
            if self._polls <= 0:
                became = {State.STARTING: State.RUNNING, State.STOPPING: State.OFF}
                self._state = became[self._state]
        return self._state

    def peek(self) -> State:
        """Return the state without letting time pass for the VM."""
        return self._state

    def is_now(self, state: State) -> None:
        """Change the state as the hypervisor does by itself."""
        self._state = state

    def problem(self) -> str:
        return "its disk is gone" if self._state is State.BROKEN else ""

    def hangs(self) -> bool:
        return self._state is State.BROKEN and self.hangs_when_broken

    def describe(self) -> VMInfo:
        if self.spec is None:
            raise NotFoundError("there is no VM")
        spec = self.spec
        folder = Path("fake")
        return VMInfo(
            name=self.vm,
            uuid=f"00000000-0000-0000-0000-{abs(hash(self.vm)) % 10**12:012}",
            iso=spec.iso,
            disk=folder / "disk",
            disk_mb=spec.disk_mb,
            memory_mb=spec.memory_mb,
            cpus=spec.cpus,
            ssh_port=self.ssh_port,
            docker_port=spec.docker_port,
            nat_network=spec.nat_network,
            config_file=folder / "vm.json",
            folder=folder,
            console_log=spec.console_log,
            hypervisor_log=folder / "hypervisor.log",
            console_socket=FAKE_CONSOLE,
            internal_network=spec.internal_network,
        )

    def numbers_on(self, network: str) -> Collection[int]:
        places = (vm.spec.internal_network for vm in self.house.values() if vm.spec)
        return {place.number for place in places if place and place.name == network}

    def create(self, spec: VMSpec) -> None:
        if self._state is not State.ABSENT:
            raise WrongStateError("there is a VM already")
        self.spec = spec
        self._state = State.OFF

    def start(self, boot: Boot = USUAL) -> None:
        if self.start_fails:
            raise HypervisorError(self.start_fails)
        self._is_as_snapshot = False
        if self._state in (State.OFF, State.ABORTED):
            assert self.spec is not None
            self.spec = self.spec._replace(iso=boot.iso or self.spec.iso)
            self.boots += 1
            self.memory = f"boot {self.boots}"
        self._state = State.RUNNING
        self.told = boot

    def shutdown(self) -> None:
        self.presses_to_hear -= 1
        if self._state is State.RUNNING and self.hears_power_button and self.presses_to_hear <= 0:
            self._state, self._polls = State.STOPPING, 2

    def power_off(self) -> None:
        if self._state in (State.RUNNING, State.PAUSED, State.STARTING, State.STOPPING):
            self._state = State.OFF

    def save(self) -> None:
        self._state = State.SAVED

    def discard_saved(self) -> None:
        if self._state is State.SAVED:
            self._state = State.OFF

    def delete(self) -> None:
        self._demand_no_clones()
        self._state, self.spec, self._snapshots = State.ABSENT, None, []
        self.remains = False
        self.links_to = ("", "")

    def has_remains(self) -> bool:
        return self.remains

    def ssh_address(self) -> Address:
        return Address(SSH_ADDRESS.host, self.ssh_port)

    def internal_network_problem(self) -> str:
        return self.internal_problem

    def host_only_problem(self) -> str:
        return self.adapter_problem

    def repair_host_only(self) -> None:
        if not self.can_repair_adapter:
            raise NetworkError("it is gone")
        self.adapter_problem = ""

    def snapshots(self) -> Sequence[Snapshot]:
        self.describe()
        return [snapshot for snapshot, _disk, _memory in self._snapshots]

    def is_as_snapshot(self) -> bool:
        self.describe()
        return self._is_as_snapshot

    def take_snapshot(self, name: str, *, memory: bool = True) -> None:
        self.describe()
        if not name or any(one.name == name for one in self.snapshots()):
            raise UsageError(f"no name for another snapshot: '{name}'")
        if self._state in (State.STARTING, State.STOPPING, State.BROKEN):
            raise WrongStateError(f"it is {self._state.value}")
        has_memory = memory and self._state not in (State.OFF, State.ABORTED)
        parent = next((one.name for one in self.snapshots() if one.is_current), None)
        size_bytes = 1000 if has_memory else 0
        taken = Snapshot(name, time.time(), has_memory, parent, True, size_bytes)
        self._is_as_snapshot = self._state not in (State.RUNNING, State.PAUSED)
        self._point_to(None)
        self._snapshots.append((taken, self.disk, self.memory))

    def restore_snapshot(self, name: str) -> None:
        snapshot, disk, memory = self.snapshot(name)
        if self._state not in (State.OFF, State.ABORTED):
            raise WrongStateError(f"it is {self._state.value}")
        self.disk, self.memory = disk, memory
        self._state = State.SAVED if snapshot.has_memory else State.OFF
        self._is_as_snapshot = True
        self._point_to(name)

    def delete_snapshot(self, name: str) -> None:
        gone = self.snapshot(name)[0]
        self._demand_no_clones(name)
        builders = sum(one.parent == name for one in self.snapshots()) + gone.is_current
        if builders > 1:
            raise WrongStateError("several build on it")

        def parent_of(one: Snapshot) -> str | None:
            return gone.parent if one.parent == name else one.parent

        self._snapshots = [
            (one._replace(parent=parent_of(one)), disk, memory)
            for one, disk, memory in self._snapshots
            if one.name != name
        ]
        if gone.is_current:
            self._point_to(gone.parent)
            self._is_as_snapshot = False

    def replace_disk(self, seed: bytes, disk_mb: int) -> None:
        self.describe()
        self._demand_no_clones()
        if self._state not in (State.OFF, State.ABORTED, State.BROKEN):
            raise WrongStateError(f"it is {self._state.value}")
        assert self.spec is not None
        self.spec = self.spec._replace(seed=seed, disk_mb=disk_mb)
        self.disk, self._state, self._snapshots = "new", State.OFF, []

    def change(self, changes: Changes) -> None:
        info = self.at_rest()
        host.demand_change(changes, info)
        assert self.spec is not None
        given = {name: value for name, value in changes._asdict().items() if value is not None}
        self.ssh_port = given.pop("ssh_port", self.ssh_port) or SSH_ADDRESS.port
        self.keeps_old_disk = self.keeps_old_disk or "disk_mb" in given
        self.spec = self.spec._replace(**given)

    def drop_old_disk(self) -> None:
        self.keeps_old_disk = False

    def reseed(self, seed: bytes) -> None:
        self.at_rest()
        self.new_seed = seed or self.new_seed

    def clone(
        self,
        source: Driver,
        own: Own,
        *,
        snapshot: str = "",
        is_linked: bool = False,
        show: ShowBytes = show_no_bytes,
    ) -> None:
        assert isinstance(source, FakeDriver)
        copying.demand_copy(source, self, self.vm, snapshot=snapshot, is_linked=is_linked)
        disk = source.snapshot(snapshot)[1] if snapshot else source.disk
        assert source.spec is not None
        self.spec = source.spec._replace(
            iso=own.iso, console_log=own.console_log, internal_network=own.internal_network
        )
        self.disk, self.new_seed, self.ssh_port = disk, own.new_seed, source.ssh_port + 1
        self._state = State.OFF
        show(1, 1)
        if is_linked:
            self.links_to = (source.vm, snapshot)

    def linked_clones(self) -> Sequence[str]:
        return [vm.vm for vm in self.house.values() if vm.links_to[0] == self.vm]

    def other(self, name: str) -> FakeDriver:
        """Return the driver of another VM of this house."""
        return self.house.get(name) or FakeDriver(name=name, house=self.house)

    def rename(self, to: VMPaths) -> None:
        self.at_rest()
        self._demand_no_clones()
        renamed = self.other(to.name)
        if renamed.peek() is not State.ABSENT:
            raise WrongStateError(f"there is a VM '{to.name}' already")
        for what in ("_state", "spec", "memory", "disk", "_snapshots", "ssh_port", "new_seed"):
            setattr(renamed, what, getattr(self, what))
        self._state, self.spec, self._snapshots = State.ABSENT, None, []

    def export(self, file: Path, show: ShowBytes = show_no_bytes) -> None:
        info = self.at_rest()
        copying.demand_new_file(file)
        content = {"disk": self.disk, "memory_mb": info.memory_mb, "disk_mb": info.disk_mb}
        file.write_text(json.dumps(content))
        show(1, 1)

    def demand_importable(self, file: Path) -> None:
        self._content(file)

    def _content(self, file: Path) -> Any:
        copying.demand_file(file)
        try:
            return json.loads(file.read_text())
        except ValueError as error:
            raise copying.no_vm(file, "it is something else") from error

    def import_(self, file: Path, own: Own, show: ShowBytes = show_no_bytes) -> None:
        copying.demand_absent(self, self.vm)
        content = self._content(file)
        self.spec = a_spec(own.iso)._replace(
            console_log=own.console_log,
            memory_mb=content["memory_mb"],
            disk_mb=content["disk_mb"],
        )
        self.disk, self.new_seed, self._state = content["disk"], own.new_seed, State.OFF
        show(1, 1)

    def at_rest(self) -> VMInfo:
        info = self.describe()
        if self._state not in (State.OFF, State.ABORTED):
            raise WrongStateError(f"it is {self._state.value}")
        return info

    def _demand_no_clones(self, snapshot: str = "") -> None:
        linked = [vm.links_to[1] for vm in self.house.values() if vm.links_to[0] == self.vm]
        if linked and snapshot in ("", *linked):
            raise WrongStateError("other VMs build on it")

    def had_snapshot(self, name: str, *, memory: str = "", lost_file: Path | None = None) -> None:
        """Have a snapshot that was taken long ago, with a memory or of a VM that was off."""
        taken = Snapshot(name, 1.0, bool(memory), None, is_current=True, lost_file=lost_file)
        self._snapshots.append((taken, f"disk of {name}", memory))

    def snapshot(self, name: str) -> tuple[Snapshot, str, str]:
        self.describe()
        found = [one for one in self._snapshots if one[0].name == name]
        if not found:
            raise NotFoundError(f"there is no snapshot '{name}'")
        return found[0]

    def _point_to(self, name: str | None) -> None:
        self._snapshots = [
            (one._replace(is_current=one.name == name), disk, memory)
            for one, disk, memory in self._snapshots
        ]


class FakeEndpoint:
    """A forwarder to a guest that is ready after `polls` questions, or never."""

    docker_host = "unix:///fake/docker.sock"

    def __init__(self, *, polls: float = 1) -> None:
        self.polls = polls
        self.is_running = False
        self.is_resting = False
        self.health: ForwarderStatus | None = None
        self.calls: list[str] = []
        self.clock_is_off_s = 0.0
        self.sets_clock = False
        self.version: dict[str, Any] = {"ApiVersion": "1.45", "MinAPIVersion": "1.24"}
        self.dead_images: set[str] = set()
        self.published: list[dict[str, Any]] = []
        self.info: dict[str, Any] = {}
        self.known_networks: list[dict[str, Any]] = []
        self.known_containers: list[dict[str, Any]] = []
        self.swarm = Cluster()

    def start(self, address: Address, deadline: Deadline) -> None:
        self.calls.append("start")
        self.is_running = True
        self.is_resting = False

    def run_here(self, address: Address) -> None:
        self.calls.append("run_here")

    def log_lines(self) -> list[str]:
        return ["connected"]

    def unready(self) -> str | None:
        self.polls -= 1
        return "no answer yet" if self.polls > 0 else None

    def ping(self, timeout_s: float = 10.0) -> str | None:
        return None if self.is_running else "there is no forwarder"

    def expect_stop(self) -> None:
        self.calls.append("expect_stop")

    def rest(self) -> None:
        self.is_resting = True

    def stop(self) -> None:
        self.calls.append("stop")
        self.is_running = False
        self.health = None

    def status(self) -> ForwarderStatus | None:
        if self.health is None and self.is_running:
            return ForwarderStatus("1", 1, Phase.FORWARDING)
        return self.health

    def ports(self) -> list[dict[str, Any]]:
        return list(self.published)

    def wait_for_clock(self) -> None:
        if self.sets_clock:
            self.clock_is_off_s = 0

    def guest_time_s(self) -> float | None:
        return time.time() + self.clock_is_off_s if self.is_running else None

    def engine_version(self) -> dict[str, Any]:
        return self.version if self.is_running else {}

    def engine_info(self) -> dict[str, Any]:
        return self.info

    def containers(self) -> list[dict[str, Any]]:
        return list(self.known_containers)

    def networks(self) -> list[dict[str, Any]]:
        return list(self.known_networks)

    def open_engine(self) -> Stream:
        return self.swarm.engine("fake").open()


@dataclass
class FakeImage:
    version: str
    path: Path = Path("boot2docker.iso")
    sha256: str = "0" * 64
    is_ours: bool = True


@dataclass
class FakeStaged:
    """An upgrade that is beside the present image, swapped in, or rolled back."""

    images: FakeImages
    before: FakeImage
    after: FakeImage
    outcome: str = "staged"

    def swap_in(self) -> None:
        self.images.present = self.after
        self.outcome = "swapped in"

    def roll_back(self) -> None:
        self.images.present = self.before
        self.outcome = "rolled back"

    def discard(self) -> None:
        self.outcome = "discarded"


@dataclass
class FakeImages:
    """An image in place, and maybe a newer one at the source."""

    present: FakeImage = field(default_factory=lambda: FakeImage("1.0.0"))
    newer: FakeImage | None = None
    staged: FakeStaged | None = None

    def ensure(self, deadline: Deadline) -> Any:
        return self.present

    def fetch(self, deadline: Deadline) -> Any:
        return self.present

    def is_ours_at(self, path: Path) -> bool:
        return self.present.is_ours

    def stage(self, deadline: Deadline, permit: Callable[[], None] = lambda: None) -> Any:
        if self.newer is None:
            return None
        permit()
        self.staged = FakeStaged(self, self.present, self.newer)
        return self.staged

    def stage_version(
        self, version: str, deadline: Deadline, permit: Callable[[], None] = lambda: None
    ) -> Any:
        return self.stage(deadline, permit)

    def stage_before(self, deadline: Deadline, permit: Callable[[], None] = lambda: None) -> Any:
        return self.stage(deadline, permit)

    def kept_alone(self, deadline: Deadline) -> Any:
        raise NotImplementedError

    def newest_known(self) -> None:
        return None

    @property
    def kept(self) -> Any:
        return Kept(self.present.path)


class FakeConnection:
    """A guest that notes what it is to run."""

    def __init__(self) -> None:
        self.commands: list[Any] = []
        self.answers: dict[str, bytes] = {}  # by a word of the command
        self.refusal = ""  # of the engine, for settings that are brought to it

    def __enter__(self) -> FakeConnection:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def run(self, command: Any, *, stdin: bytes = b"", timeout_s: float) -> Result:
        self.commands.append(command)
        from boot2docker_py.ssh.connection import Result

        if self.refusal and "boot2docker-py.new" in str(command):
            return Result(65, b"", self.refusal.encode())
        told = [text for word, text in self.answers.items() if word in str(command)]
        return Result(0, told[0] if told else b"", b"")


class FakeAccess(Access):
    """The ways into a guest that obeys."""

    def __init__(self, session: FakeSession) -> None:
        folder = session.paths.certificates(session.config.vm)
        questions, paths, deadline = session.questions, session.vm_paths, session.deadline
        super().__init__(session.config, questions, session.endpoint, paths, folder, deadline)
        self._connection = session.connection
        self._session = session

    def connect(
        self, address: Address, deadline: Deadline | None = None, *, is_plain: bool | None = None
    ) -> Any:
        assert address == SSH_ADDRESS
        return self._connection

    def exchange_problem(self, deadline: Deadline, *, is_plain: bool) -> str:
        return self._session.exchange_problems[is_plain]

    def docker_over_tls(self) -> tuple[str, str]:
        return "tcp://192.168.59.103:2376", "/certs"

    def show_log(self, name: str, lines: int, sink: Any, *, follows: bool) -> None:
        assert self._questions.running_address() == SSH_ADDRESS
        sink.write(f"the log {name}\n".encode())

    def join_console(self, joined: Callable[[], None]) -> bool:
        if self._questions.driver.describe().console_socket == FAKE_CONSOLE:
            joined()
            return True
        return super().join_console(joined)

    def copy(self, copy: Any, show: Any, *, as_root: bool) -> Any:
        assert self._questions.running_address() == SSH_ADDRESS
        return iter(())

    def run(
        self,
        address: Address,
        words: Sequence[str],
        begun: Callable[[], None],
        *,
        tty: bool | None = None,
    ) -> int:
        assert address == SSH_ADDRESS
        begun()
        self._connection.commands.append(list(words))
        return int(words[0]) if words and words[0].isdigit() else 0


class FakeSession(Session):
    """A command line whose VM, endpoint and images are the fakes given here."""

    def __init__(
        self, driver: FakeDriver, endpoint: FakeEndpoint, images: FakeImages | None = None
    ) -> None:
        super().__init__()
        self._fakes = driver, endpoint, images or FakeImages(newer=FakeImage("2.0.0"))
        self.connection = FakeConnection()
        self.exchange_problems = {False: "", True: ""}  # by whether it is the plain way

    def other(self, vm_name: str) -> Any:
        made = FakeSession(self.driver.other(vm_name), FakeEndpoint(), self.images)
        made.config = configuration.load(self.paths, os.environ, {**self.flags, "vm": vm_name})
        return made

    def anew(self) -> Any:
        made = FakeSession(*self._fakes)
        made.connection = self.connection
        made.config = configuration.load(self.paths, os.environ, self.flags)
        return made

    @cached_property
    def driver(self) -> Any:
        return self._fakes[0]

    @property
    def listed_snapshots(self) -> Any:
        return self.driver.snapshots()

    @cached_property
    def endpoint(self) -> Any:
        return self._fakes[1]

    @cached_property
    def every_vm(self) -> Any:
        driver = self._fakes[0]
        state = driver.peek()
        images = (self.config.iso,)
        vm = Listed(self.config.vm, "fake", state, 5 << 20, images=images)
        return [] if state is State.ABSENT else [vm]

    @cached_property
    def shell(self) -> str:
        return "sh"

    @cached_property
    def images(self) -> Any:
        return self._fakes[2]

    @cached_property
    def access(self) -> Any:
        return FakeAccess(self)


def a_spec(iso: Path) -> VMSpec:
    """Return a small VM."""
    return VMSpec(
        iso=iso,
        seed=b"boot2docker, please format-me",
        disk_mb=1000,
        memory_mb=256,
        cpus=1,
        ssh_port=0,
        docker_port=0,
        console_log=iso.parent / "console.log",
    )
