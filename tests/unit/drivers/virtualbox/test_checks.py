"""What is judged of a host, from facts given."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from boot2docker_py.drivers import preconditions
from boot2docker_py.drivers.virtualbox import checks, host_facts
from boot2docker_py.drivers.virtualbox.binding import pyvbox
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.host_facts import HostFacts, WindowsFacts
from boot2docker_py.errors import HypervisorError, StorageError
from boot2docker_py.paths import Paths, VMPaths
from boot2docker_py.wait import Check, Deadline
from tests.unit.drivers.virtualbox.gate import XPCOMError

LINUX = HostFacts(
    "linux", cpu_flags=frozenset({"fpu", "vmx"}), devices=frozenset(host_facts.DEVICES)
)
WINDOWS = HostFacts("win32")

CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
flags\t\t: fpu vme svm lm
bugs\t\t: sysret_ss_attrs

processor\t: 1
flags\t\t: fpu
"""


class FakeHost:
    """IHost, as far as the checks ask."""

    def __init__(self, has_virtualisation: bool) -> None:
        self._has_virtualisation = has_virtualisation

    def getProcessorFeature(self, number: int) -> bool:  # noqa: N802 - of the API
        assert str(pyvbox.Library(lambda _: {}).ProcessorFeature(number)) == "HWVirtEx"
        return self._has_virtualisation


class FakeVirtualBox:
    """IVirtualBox, as far as the checks ask, without a VM."""

    def __init__(self, folder: Path, version: str, has_virtualisation: bool) -> None:
        self._folder = folder
        self.version = version
        self.host = FakeHost(has_virtualisation)
        self.machines: list[Any] = []

    def composeMachineFilename(self, name: str, *_rest: str) -> str:  # noqa: N802
        return str(self._folder / name / f"{name}.vbox")

    def findMachine(self, _name: str) -> Any:  # noqa: N802
        raise XPCOMError(0x80BB0001, "none")


class FakePlatform:
    """What `vboxapi` has for it; its type library has no enumerations."""

    def __init__(self, virtualbox: FakeVirtualBox) -> None:
        self._virtualbox = virtualbox

    def getType(self) -> str:  # noqa: N802 - of vboxapi
        return "MSCOM"

    def getVirtualBox(self) -> FakeVirtualBox:  # noqa: N802
        return self._virtualbox

    def getArray(self, thing: Any, attribute: str) -> list[Any]:  # noqa: N802
        return list(getattr(thing, attribute))


@pytest.fixture(autouse=True)
def _no_type_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "win32com", ModuleType("win32com"))
    client = ModuleType("win32com.client")
    vars(client).update(constants=SimpleNamespace(__dicts__=[]))
    monkeypatch.setitem(sys.modules, "win32com.client", client)
    monkeypatch.setattr(sys.modules["win32com"], "client", client, raising=False)


def an_api(folder: Path, version: str = "7.2.22", has_virtualisation: bool = True) -> API:
    virtualbox = FakeVirtualBox(folder, version, has_virtualisation)
    return API(SimpleNamespace(platform=FakePlatform(virtualbox)))


def a_vm(folder: Path) -> VMPaths:
    return Paths(home=folder, user_home=folder).vm("vm")


def rows(tmp_path: Path, facts: HostFacts, **api: Any) -> dict[str, tuple[Check, str | None]]:
    of_vm = checks.VirtualBoxChecks(a_vm(tmp_path), lambda: an_api(tmp_path, **api), facts)
    return {check.what: (check, check.probe(Deadline(10))) for check in of_vm.all()}


def reasons(found: dict[str, tuple[Check, str | None]]) -> dict[str, str]:
    return {what: reason for what, (_, reason) in found.items() if reason}


@pytest.mark.parametrize("facts", [LINUX, WINDOWS, HostFacts("darwin")], ids=lambda f: f.platform)
def test_a_good_host_has_no_reasons(tmp_path: Path, facts: HostFacts) -> None:
    found = rows(tmp_path, facts)
    assert reasons(found) == {}
    assert all(check.hint for check, _ in found.values())
    assert len(found) >= 8


@pytest.mark.parametrize(
    ("version", "what"),
    [
        ("5.1.38", "VirtualBox 5.2 or later"),
        ("4.3.30_SUSE", "VirtualBox 5.2 or later"),
        ("7.3.0", "a VirtualBox no newer than 7.2"),
        ("8.0.0_BETA1", "a VirtualBox no newer than 7.2"),
    ],
)
def test_versions_outside_of_the_known_ones(tmp_path: Path, version: str, what: str) -> None:
    found = rows(tmp_path, LINUX, version=version)
    assert list(reasons(found)) == [what]
    assert found[what][0].is_guess == ("newer" in what)


@pytest.mark.parametrize("version", ["5.2.0", "6.1.50_Ubuntu", "7.2.22"])
def test_versions_from_5_2_to_7_2(tmp_path: Path, version: str) -> None:
    assert reasons(rows(tmp_path, LINUX, version=version)) == {}


def test_without_an_api_nothing_raises_and_the_reason_is_said(tmp_path: Path) -> None:
    def refuse() -> API:
        raise HypervisorError("VirtualBox is not installed", details="no vboxapi")

    of_vm = checks.VirtualBoxChecks(a_vm(tmp_path), refuse, LINUX)
    found = {check.what: check.probe(Deadline(10)) for check in of_vm.all()}
    assert found["VirtualBox's API"] == "VirtualBox is not installed: no vboxapi"
    assert found["VirtualBox 5.2 or later"] == "cannot be asked: VirtualBox is not installed"
    with pytest.raises(HypervisorError, match="does not have VirtualBox's API"):
        preconditions.demand(of_vm.of_hypervisor(), HypervisorError)


def test_a_cpu_without_virtualisation_is_a_guess(tmp_path: Path) -> None:
    found = rows(tmp_path, LINUX, has_virtualisation=False)
    check, reason = found["a CPU that runs VMs (VT-x or AMD-V)"]
    assert check.is_guess
    assert reason
    assert "the CPU has it" in reason
    bare = LINUX._replace(cpu_flags=frozenset({"fpu"}))
    assert "firmware" in str(checks.why_no_virtualisation(bare, is_seen=False))
    assert checks.why_no_virtualisation(WINDOWS, is_seen=False) == "VirtualBox sees none"


def test_missing_drivers_of_linux_are_guesses(tmp_path: Path) -> None:
    found = rows(tmp_path, LINUX._replace(devices=frozenset({"/dev/vboxdrvu"})))
    assert set(reasons(found)) == {
        "VirtualBox's kernel driver",
        "VirtualBox's driver for host-only networks",
    }
    assert all(found[what][0].is_guess for what in reasons(found))
    assert "/dev/vboxdrv:" in reasons(found)["VirtualBox's kernel driver"]


@pytest.mark.parametrize(
    ("windows", "version", "words"),
    [
        (WindowsFacts(has_hyper_v=True), (5, 2), "Hyper-V is installed.*does not run beside"),
        (WindowsFacts(has_vm_platform=True), (6, 1), r"WSL 2\) is installed.*slowly"),
        (WindowsFacts(has_memory_integrity=True), (7, 2), "memory integrity is installed"),
    ],
)
def test_what_of_windows_is_in_the_way(
    windows: WindowsFacts, version: tuple[int, int], words: str
) -> None:
    reason = checks.why_hyper_v(windows, version)
    assert reason
    assert re.search(words, reason)


def test_the_rows_of_windows(tmp_path: Path) -> None:
    windows = WindowsFacts(has_hyper_v=True, has_driver=False)
    found = rows(tmp_path, WINDOWS._replace(python_bits=32, windows=windows))
    assert set(reasons(found)) == {
        "a Python of Windows' bitness",
        "VirtualBox's driver",
        "Windows' own hypervisor off",
    }
    assert all(found[what][0].is_guess for what in reasons(found))


@pytest.mark.parametrize(
    ("largest", "environ", "is_64_bit"),
    [
        ((1 << 63) - 1, {}, True),
        ((1 << 31) - 1, {}, False),
        ((1 << 31) - 1, {"PROCESSOR_ARCHITEW6432": "AMD64"}, True),
    ],
)
def test_bitness(largest: int, environ: dict[str, str], is_64_bit: bool) -> None:
    assert host_facts.is_64_bit(largest, environ) is is_64_bit


def test_the_flags_of_the_first_cpu() -> None:
    assert host_facts.cpu_flags(CPUINFO) == {"fpu", "vme", "svm", "lm"}
    assert host_facts.cpu_flags("") == frozenset()


def test_this_host_has_facts() -> None:
    assert host_facts.collect().python_bits in (32, 64)


def test_a_machine_folder_that_is_not_there_yet_is_no_hindrance(tmp_path: Path) -> None:
    of_vm = checks.VirtualBoxChecks(a_vm(tmp_path), lambda: an_api(tmp_path / "later"), LINUX)
    assert len(of_vm.of_files()) == 4
    preconditions.demand(of_vm.of_files(), StorageError)


def test_a_guess_is_said_and_the_certain_stops(caplog: pytest.LogCaptureFixture) -> None:
    guess = Check("a tail wind", lambda _: "it is calm", "Wait.", is_guess=True)
    certain = Check("wings", lambda _: "there are none", "Grow some.")
    preconditions.demand([guess], HypervisorError)
    assert "a tail wind: it is calm. Wait." in caplog.text
    with pytest.raises(StorageError, match="does not have wings") as caught:
        preconditions.demand([guess, certain], StorageError)
    assert (caught.value.details, caught.value.resolution) == ("there are none", "Grow some.")
