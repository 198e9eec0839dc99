"""What a host must have for a VM of VirtualBox, and what is probably wrong with it.

Only what is certain stands in the way of a VM; a guess is a warning. Docker Machine vetoed by
guesses, and was wrong (docker-archive-public/docker.machine#2093, #4271).
"""

from __future__ import annotations

from typing import Callable, Sequence

from boot2docker_py.drivers import host
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.binding.known_failures import TABLE
from boot2docker_py.drivers.virtualbox.binding.loading import HOW_TO_INSTALL
from boot2docker_py.drivers.virtualbox.host_facts import HostFacts, WindowsFacts, collect
from boot2docker_py.drivers.virtualbox.vm import machines, nat
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.paths import VMPaths
from boot2docker_py.wait import Check, Deadline

OLDEST, NEWEST = (5, 2), (7, 2)
HOW_TO_MOVE = "choose another in the VirtualBox window, under Preferences, Default Machine Folder."

_ADVICE = {row.id: row.advice for row in TABLE}
_VT_X_ADVICE = {"win32": _ADVICE["VTX_NONE_WINDOWS"], "linux": _ADVICE["VTX_NONE"]}


class VirtualBoxChecks:
    """The preconditions of one VM; `connect` returns the API, or raises why not."""

    def __init__(
        self, paths: VMPaths, connect: Callable[[], API], facts: HostFacts | None = None
    ) -> None:
        self._paths = paths
        self._connect = connect
        self._facts = facts or collect()

    def all(self) -> Sequence[Check]:
        """Return every row."""
        return [
            *self.of_hypervisor(),
            *self._of_network(),
            *self.of_files(),
        ]

    def of_hypervisor(self) -> Sequence[Check]:
        """Return what VirtualBox itself needs."""
        facts = self._facts
        rows = [
            Check(
                "VirtualBox's API", self._why_no_api, HOW_TO_INSTALL, found=self._version_in_words
            ),
            Check(
                f"VirtualBox {_spoken(OLDEST)} or later",
                self._asked(lambda api: why_too_old(api.version)),
                "Install a newer one, from the system's packages or virtualbox.org.",
            ),
            _guess(
                f"a VirtualBox no newer than {_spoken(NEWEST)}",
                self._asked(lambda api: why_too_new(api.version)),
                "It may work; when something fails, try VirtualBox 7.2, and report it.",
            ),
            _guess(
                "a CPU that runs VMs (VT-x or AMD-V)",
                self._asked(
                    lambda api: why_no_virtualisation(facts, is_seen=_has_virtualisation(api))
                ),
                _VT_X_ADVICE.get(facts.platform, _ADVICE["VTX_NONE"]),
            ),
        ]
        if facts.platform == "win32":
            rows += [
                _guess(
                    "a Python of Windows' bitness",
                    lambda _: why_wrong_bitness(facts),
                    _ADVICE["COM_NOT_REGISTERED"],
                ),
                _guess(
                    "VirtualBox's driver",
                    lambda _: why_no_service(facts.windows),
                    _ADVICE["VBOX_DRIVER_WINDOWS"],
                ),
                _guess(
                    "Windows' own hypervisor off",
                    self._asked(lambda api: why_hyper_v(facts.windows, api.version)),
                    _ADVICE["VTX_HYPERV"],
                ),
            ]
        if facts.platform == "linux":
            rows.append(
                _guess(
                    "VirtualBox's kernel driver",
                    lambda _: why_no_driver(facts),
                    _ADVICE["VBOX_DRIVER_LINUX"],
                )
            )
        return rows

    def of_files(self) -> Sequence[Check]:
        """Return what the VM's files need, in our folder and in VirtualBox's."""
        try:
            api = self._connect()
            with api.calling(), failures.translated():
                machine_folder = machines.settings_file(api, self._paths.name).parent
        except Boot2DockerError:  # another row says it
            return host.folder_checks(self._paths.folder)
        return [
            *host.folder_checks(self._paths.folder),
            *host.folder_checks(machine_folder, HOW_TO_MOVE),
        ]

    def _of_network(self) -> Sequence[Check]:
        facts = self._facts
        rows = [
            _guess(
                "the VM's own ports, free while it is off",
                self._asked(lambda api: _why_taken(api, self._paths.name)),
                "Nothing needs to be done: the next start takes others, and says which.",
            )
        ]
        if facts.platform == "linux":
            rows.append(
                _guess(
                    "VirtualBox's driver for host-only networks",
                    lambda _: why_no_network_driver(facts),
                    _ADVICE["NET_FLT_NOT_FOUND"],
                )
            )
        return rows

    def _version_in_words(self) -> str:
        return f"VirtualBox {'.'.join(map(str, self._connect().version))} answers by its API"

    def _why_no_api(self, _deadline: Deadline) -> str | None:
        try:
            self._connect()
        except Boot2DockerError as error:
            return f"{error.brief}: {error.details}"
        return None

    def _asked(self, question: Callable[[API], str | None]) -> Callable[[Deadline], str | None]:
        def probe(_deadline: Deadline) -> str | None:
            try:
                api = self._connect()
                with api.calling(), failures.translated():
                    return question(api)
            except Boot2DockerError as error:
                return f"cannot be asked: {error.brief}"

        return probe


def _guess(what: str, probe: Callable[[Deadline], str | None], hint: str) -> Check:
    return Check(what, probe, hint, is_guess=True)


def _spoken(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def why_too_old(version: tuple[int, int]) -> str | None:
    """Return why a version is refused, None when it is not."""
    return f"it is {_spoken(version)}" if version < OLDEST else None


def why_too_new(version: tuple[int, int]) -> str | None:
    """Return why a version is doubted, None when it is not."""
    if version <= NEWEST:
        return None
    return f"it is {_spoken(version)}, with which this boot2docker has not been tried"


def why_no_virtualisation(facts: HostFacts, *, is_seen: bool) -> str | None:
    """Return why VMs may not run on this CPU, None when VirtualBox sees that they do."""
    if is_seen:
        return None
    if facts.cpu_flags & {"vmx", "svm"}:
        return "the CPU has it, but VirtualBox does not see it: without its driver, or beside KVM"
    if facts.cpu_flags:
        return "the CPU shows none: it is switched off in the firmware, or this is itself a VM"
    return "VirtualBox sees none"


def why_wrong_bitness(facts: HostFacts) -> str | None:
    """Return what is wrong with a Python of 32 bits, None when it is not one."""
    if facts.python_bits == 32 and facts.is_64_bit:
        return "this Python has 32 bits, Windows and VirtualBox have 64"
    return None


def why_no_service(windows: WindowsFacts) -> str | None:
    """Return why VirtualBox's driver may be missing on Windows, None when it is there."""
    return None if windows.has_driver else "neither VBoxSup nor VBoxDrv is among the services"


def why_hyper_v(windows: WindowsFacts, version: tuple[int, int]) -> str | None:
    """Return what of Windows may keep the CPU from VirtualBox, None when nothing is known."""
    found = [
        name
        for name, is_there in (
            ("Hyper-V", windows.has_hyper_v),
            ("the Virtual Machine Platform (WSL 2)", windows.has_vm_platform),
            ("Core isolation's memory integrity", windows.has_memory_integrity),
        )
        if is_there
    ]
    if not found:
        return None
    effect = "does not run beside it" if version < (6, 0) else "may run slowly on top of it"
    return f"{', '.join(found)} is installed; while it is on, VirtualBox {effect}"


def why_no_driver(facts: HostFacts) -> str | None:
    """Return why VirtualBox's driver may be missing on Linux, None when it is there."""
    missing = [name for name in ("/dev/vboxdrv", "/dev/vboxdrvu") if name not in facts.devices]
    return f"{' and '.join(missing)}: no such device" if missing else None


def why_no_network_driver(facts: HostFacts) -> str | None:
    """Return why host-only networks may not be made on Linux, None when they can."""
    return None if "/dev/vboxnetctl" in facts.devices else "/dev/vboxnetctl: no such device"


def _has_virtualisation(api: API) -> bool:
    feature = api.library.ProcessorFeature.hw_virt_ex
    return bool(api.virtualbox.host.get_processor_feature(feature))


def _why_taken(api: API, name: str) -> str | None:
    machine = machines.find(api, name)
    if machine is None or not machine.accessible:
        return None
    if machine.session_state != api.library.SessionState.unlocked:  # it listens itself
        return None
    taken = nat.taken(machine)
    if not taken:
        return None
    return f"taken by another program: {', '.join(map(str, taken.values()))}"
