"""What differs between the versions of VirtualBox's API, held against the profile of each."""

from __future__ import annotations

from typing import Any

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.drivers.virtualbox.vm import states, versions
from boot2docker_py.errors import BusyError, HypervisorError
from tests.unit.drivers.virtualbox import profile
from tests.unit.drivers.virtualbox.gate import (
    COMError,
    Gate,
    MisuseError,
    RefusedError,
    model_of,
)
from tests.unit.drivers.virtualbox.server import Connection


def a_machine(virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec) -> Any:
    """Return the registered machine, without a version in between."""
    driver.create(spec)
    return virtualbox.server.registered[0]


def test_the_machine_is_that_of_the_original(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    machine = a_machine(virtualbox, driver, spec)
    is_moved = virtualbox.profile.as_tuple >= (7, 1)
    clock = machine.platform if is_moved else machine
    x86 = machine.platform.x86 if is_moved else machine
    firmware = machine.firmwareSettings if is_moved else machine.BIOSSettings
    sound = machine.audioSettings.adapter if virtualbox.profile.as_tuple >= (7, 0) else None
    serial = machine.getSerialPort(0)
    assert machine.OSTypeId == "Linux26_64"
    assert (clock.RTCUseUTC, x86.HPETEnabled) == (True, True)
    assert x86.cpu_properties == {"PAE": True, "LongMode": True}
    assert (firmware.ACPIEnabled, firmware.IOAPICEnabled) == (True, True)
    assert (firmware.logoFadeIn, firmware.logoFadeOut, firmware.logoDisplayTime) == (0, 0, 0)
    assert firmware.bootMenuMode == "Disabled"
    assert (sound or machine.audioAdapter).enabled is False
    assert machine.boot_order == {1: "DVD", 2: "HardDisk", 3: "Null", 4: "Null"}
    assert (serial.IOAddress if is_moved else serial.IOBase) == 0x3F8
    assert (serial.IRQ, serial.hostMode, serial.enabled) == (4, "RawFile", True)
    assert machine.adapters[0].adapterType == "Virtio"
    has_switch = virtualbox.profile.as_tuple >= (7, 0)
    assert machine.adapters[0].NATEngine.localhostReachable is has_switch
    controller = machine.controllers["SATA"]
    assert (controller.bus, controller.portCount, controller.useHostIOCache) == ("SATA", 4, True)


def test_every_state_is_known_by_its_number(virtualbox: Connection) -> None:
    for name, number in virtualbox.profile.enumerations["MachineState"].items():
        if name in states.STATES:
            found = virtualbox.api.member("MachineState", number)
            assert states.state_of(found)[0] is states.STATES[name]
        elif not name.startswith(("First", "Last")):
            assert name in ("Null", "FaultTolerantSyncing")


def test_an_unknown_state_is_no_guess(virtualbox: Connection) -> None:
    state, problem = states.state_of(virtualbox.api.member("MachineState", 4711))
    assert state is State.BROKEN
    assert problem == "VirtualBox says that the VM is unknown(4711)"


def test_a_vm_that_virtualbox_calls_stuck_hangs_until_its_power_is_cut(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    machine = a_machine(virtualbox, driver, spec)
    driver.start()
    assert not driver.hangs()
    machine.own_state = "Stuck"
    assert (driver.state(), driver.hangs()) == (State.BROKEN, True)
    driver.power_off()
    assert (driver.state(), driver.hangs()) == (State.OFF, False)


def test_the_running_vm_of_one_version_is_the_paused_one_of_another() -> None:
    """The numbers have moved, so that none may be written down."""
    numbers = {one: profile.of(one).number("MachineState", "Running") for one in profile.VERSIONS}
    assert numbers == {"5.2": 5, "6.0": 5, "6.1": 5, "7.0": 6, "7.1": 6, "7.2": 6}
    assert profile.of("6.1").number("MachineState", "Paused") == 6


def test_the_seed_is_written(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    driver.create(spec)
    medium = virtualbox.server.hardDisks[0]
    assert not medium.is_written_to, "what was opened is closed"
    if virtualbox.profile.version == "5.2":  # by ourselves: IMedium.openForIO came with 6.0
        assert "IMedium.openForIO" not in virtualbox.gates.calls
        assert spec.seed in driver.describe().disk.read_bytes()
    else:
        assert bytes(medium.content[: len(spec.seed)]) == spec.seed


def test_a_folder_is_shared_as_the_version_wants_it(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    machine = a_machine(virtualbox, driver, spec)
    changing = machine.for_session()
    wrapped = virtualbox.api.library.IMachine(Gate(virtualbox.gates, "IMachine", changing))
    versions.create_shared_folder(virtualbox.api, wrapped, "home", "/home/joerg")
    folder = changing.folders["home"]
    assert (folder.hostPath, folder.writable, folder.autoMount) == ("/home/joerg", True, True)
    assert folder.autoMountPoint == ""


def test_a_session_is_unlocked_when_the_change_fails(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    def refuse(call: str) -> None:
        if call == "IMachine.attachDevice":
            raise RefusedError("VBOX_E_FILE_ERROR", "it does not like it")

    virtualbox.gates.before_call = refuse
    with pytest.raises(failures.APIError, match="refuses") as caught:
        driver.create(spec)
    assert "it does not like it" in caught.value.details
    assert virtualbox.unlocked
    assert driver.state() is State.ABSENT
    assert not virtualbox.server.registered
    assert not virtualbox.server.hardDisks


def test_a_failed_start_carries_what_virtualbox_says(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    driver.create(spec)
    virtualbox.server.start_refusals.append("VT-x is disabled (VERR_VMX_MSR_ALL_VMX_DISABLED)")
    with pytest.raises(HypervisorError, match="does not start") as caught:
        driver.start()
    assert "VERR_VMX_MSR_ALL_VMX_DISABLED" in caught.value.details
    assert driver.state() is State.OFF


def test_a_machine_that_another_program_holds_is_busy(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    machine = a_machine(virtualbox, driver, spec)
    other = virtualbox.getSessionObject()
    machine.lockMachine(model_of(other), "Write")
    with pytest.raises(BusyError, match="locked"):
        driver.start()
    other.unlockMachine()


def test_the_death_of_the_server_is_told_from_its_refusals(virtualbox: Connection) -> None:
    code = 0x800706BE if virtualbox.gates.is_com else 0x80004004
    error = virtualbox.gates.error(RefusedError("E_FAIL", "The remote procedure call failed"))
    if isinstance(error, COMError):  # of the call itself: no object could explain it
        error.hresult, error.excepinfo = code - (1 << 32), None  # type: ignore[assignment]
    else:
        error.errno = code - (1 << 32)  # type: ignore[attr-defined]
    with pytest.raises(HypervisorError, match="ended during the command"), failures.translated():
        raise error


@pytest.mark.parametrize(
    ("version", "call"),
    [
        ("5.2", lambda machine: machine.platform),
        ("6.1", lambda machine: machine.audioSettings),
        ("7.0", lambda machine: machine.audioAdapter),
        ("7.1", lambda machine: machine.BIOSSettings),
        ("7.2", lambda machine: setattr(machine, "RTCUseUTC", True)),
        ("7.2", lambda machine: setattr(machine, "id", "read-only")),
        ("6.1", lambda machine: setattr(machine, "memorySize", "1024")),
        ("6.1", lambda machine: machine.setBootOrder(1, 99)),
        ("5.2", lambda machine: machine.createSharedFolder("name", "/", True, True, "")),
    ],
)
def test_the_stand_in_refuses_what_a_version_has_not(
    tmp_path: Any, version: str, call: Any
) -> None:
    connection = Connection(version, "XPCOM", tmp_path)
    made = connection.server.createMachine("", "vm", [], "Linux26_64", "")
    with pytest.raises((MisuseError, TypeError)):
        call(Gate(connection.gates, "IMachine", made))
    assert connection.gates.misuse
