"""What differs between the versions of the API, 5.2 to 7.2; no member is ever probed for.

The facts are those of VirtualBox.xidl of each version.
"""

from __future__ import annotations

from typing import Any

from boot2docker_py.drivers.virtualbox.binding.api import API

OS_TYPE = "Linux26_64"


def create_machine(api: API, name: str, identity: str) -> Any:
    """Return a new machine for a 64-bit Linux, not registered yet."""
    arguments: list[Any] = ["", name, [], OS_TYPE, f"UUID={identity}"]
    if api.version >= (7, 0):
        arguments += ["", "", ""]  # encryption
    if api.version >= (7, 1):
        arguments.insert(2, api.number("PlatformArchitecture", "x86"))
    return api.virtualbox.createMachine(*arguments)


def set_platform(api: API, machine: Any) -> None:
    """Set clock, timers, CPU and firmware as the original did."""
    if api.version >= (7, 1):
        clock, firmware, x86 = machine.platform, machine.firmwareSettings, machine.platform.x86
        set_cpu, cpu_property = x86.setCPUProperty, "CPUPropertyTypeX86"
        boot_menu = api.number("FirmwareBootMenuMode", "Disabled")
    else:
        clock, firmware, x86 = machine, machine.BIOSSettings, machine
        set_cpu, cpu_property = machine.setCPUProperty, "CPUPropertyType"
        boot_menu = api.number("BIOSBootMenuMode", "Disabled")
    clock.RTCUseUTC = True
    x86.HPETEnabled = True
    for name in ("PAE", "LongMode"):
        set_cpu(api.number(cpu_property, name), True)  # noqa: FBT003 - of the API
    firmware.ACPIEnabled = True
    firmware.IOAPICEnabled = True
    firmware.logoFadeIn = False
    firmware.logoFadeOut = False
    firmware.logoDisplayTime = 0
    firmware.bootMenuMode = boot_menu


def audio_adapter(api: API, machine: Any) -> Any:
    """Return the audio adapter of a machine."""
    return machine.audioSettings.adapter if api.version >= (7, 0) else machine.audioAdapter


def set_port_address(api: API, serial: Any, address: int) -> None:
    """Set the I/O port of a serial port."""
    if api.version >= (7, 1):
        serial.IOAddress = address
    else:
        serial.IOBase = address


def can_write_to_media(api: API) -> bool:
    """Tell whether the API writes into a disk, as IMedium.openForIO does."""
    return api.version >= (6, 0)


def launch(api: API, machine: Any, session: Any, frontend: str) -> Any:
    """Start the VM's process; return the progress."""
    environment: Any = [] if api.version >= (6, 1) else ""
    return machine.launchVMProcess(session, frontend, environment)


def create_shared_folder(api: API, machine: Any, name: str, folder: str) -> None:
    """Share a folder of the host, writable, mounted by the guest itself."""
    arguments: list[Any] = [name, folder, True, True]
    if api.version >= (6, 0):
        arguments.append("")  # where to mount it: left to the guest
    machine.createSharedFolder(*arguments)


def has_fixed_leases(api: API) -> bool:
    """Tell whether a DHCP server can keep an address for a machine."""
    return api.version >= (6, 1)


def set_fixed_lease(api: API, server: Any, machine: Any, address: str) -> None:
    """Keep an address for the second adapter of a machine."""
    second, scope = 1, api.number("DHCPConfigScope", "MachineNIC")
    server.getConfig(scope, machine.id, second, True)  # noqa: FBT003 - of the API: made, if new
    # What that returns is an interface without the address.
    for lease in api.array(server, "individualConfigs"):
        if lease.machineId == machine.id and lease.slot == second:
            lease.fixedAddress = address
