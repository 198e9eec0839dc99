"""What differs between the versions of the API, 5.2 to 7.2; no member is ever probed for.

pyvbox has the members of 6.1. What moved or changed is called by its name in the IDL, through the
generic part of pyvbox's objects. The facts are those of VirtualBox.xidl of each version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boot2docker_py.drivers.virtualbox.binding import pyvbox
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.errors import HypervisorError

if TYPE_CHECKING:
    from virtualbox.library import (
        IAudioAdapter,
        IDHCPServer,
        IMachine,
        IMediumIO,
        INATEngine,
        Interface,
        IProgress,
        ISerialPort,
        ISession,
    )

OS_TYPE = "Linux26_64"


def create_machine(api: API, name: str, identity: str) -> IMachine:
    """Return a new machine for a 64-bit Linux, not registered yet."""
    arguments: list[Any] = ["", name, [], OS_TYPE, f"UUID={identity}"]
    if api.version >= (7, 0):
        arguments += ["", "", ""]  # encryption
    if api.version >= (7, 1):
        arguments.insert(2, api.members("PlatformArchitecture")["x86"])
    return api.library.IMachine(pyvbox.call(api.virtualbox, "createMachine", arguments))


def set_platform(api: API, machine: IMachine) -> None:
    """Set clock, timers, CPU and firmware as the original did."""
    if api.version >= (7, 1):
        clock, firmware = _part(api, machine, "platform"), _part(api, machine, "firmwareSettings")
        x86, cpu_property = _part(api, clock, "x86"), "CPUPropertyTypeX86"
        boot_menu = "FirmwareBootMenuMode"
    else:
        clock, firmware = machine, machine.bios_settings
        x86, cpu_property = machine, "CPUPropertyType"
        boot_menu = "BIOSBootMenuMode"
    pyvbox.change(clock, "RTCUseUTC", to=True)
    pyvbox.change(x86, "HPETEnabled", to=True)
    for name in ("PAE", "LongMode"):
        pyvbox.call(x86, "setCPUProperty", [api.members(cpu_property)[name], True])
    for name, value in (
        ("ACPIEnabled", True),
        ("IOAPICEnabled", True),
        ("logoFadeIn", False),
        ("logoFadeOut", False),
        ("logoDisplayTime", 0),
        ("bootMenuMode", api.members(boot_menu)["Disabled"]),
    ):
        pyvbox.change(firmware, name, value)


def audio_adapter(api: API, machine: IMachine) -> IAudioAdapter:
    """Return the audio adapter of a machine."""
    if api.version < (7, 0):
        return machine.audio_adapter
    settings = _part(api, machine, "audioSettings")
    return api.library.IAudioAdapter(pyvbox.value(settings, "adapter"))


def set_port_address(api: API, serial: ISerialPort, address: int) -> None:
    """Set the I/O port of a serial port."""
    pyvbox.change(serial, "IOAddress" if api.version >= (7, 1) else "IOBase", address)


def let_host_be_reached(api: API, engine: INATEngine) -> None:
    """Let the guest reach programs on 127.0.0.1 of the host, at its gateway's address.

    Before 7.0 it always does; from then on a new machine reaches none, unless told to.
    """
    if api.version >= (7, 0):
        pyvbox.change(engine, "localhostReachable", to=True)


def can_write_to_media(api: API) -> bool:
    """Tell whether the API writes into a disk, as IMedium.openForIO does."""
    return api.version >= (6, 0)


def write(content: IMediumIO, offset: int, data: bytes) -> int:
    """Write into a disk; return how much was written. pyvbox takes bytes for strings (6.1 too)."""
    return int(pyvbox.call(content, "write", [offset, list(data)]))


def read(content: IMediumIO, offset: int, length: int) -> bytes:
    """Read from a disk; return what was read, at least a byte."""
    found = pyvbox.call(content, "read", [offset, length])
    data = found.encode("latin-1") if isinstance(found, str) else bytes(found)
    if not data:
        raise HypervisorError("VirtualBox reads nothing from a disk", details=f"at {offset}")
    return data


def launch(api: API, machine: IMachine, session: ISession, frontend: str) -> IProgress:
    """Start the VM's process; return the progress."""
    environment: Any = [] if api.version >= (6, 1) else ""
    arguments = [session, frontend, environment]
    return api.library.IProgress(pyvbox.call(machine, "launchVMProcess", arguments))


def create_shared_folder(api: API, machine: IMachine, name: str, folder: str) -> None:
    """Share a folder of the host, writable, mounted by the guest itself."""
    arguments: list[Any] = [name, folder, True, True]
    if api.version >= (6, 0):
        arguments.append("")  # where to mount it: left to the guest
    pyvbox.call(machine, "createSharedFolder", arguments)


def create_host_only_adapter(api: API) -> IProgress:
    """Make a host-only adapter; pyvbox takes the two results in the wrong order."""
    progress, _adapter = pyvbox.call(api.virtualbox.host, "createHostOnlyNetworkInterface", [])
    return api.library.IProgress(progress)


def has_fixed_leases(api: API) -> bool:
    """Tell whether a DHCP server can keep an address for a machine."""
    return api.version >= (6, 1)


def set_fixed_lease(api: API, server: IDHCPServer, machine: IMachine, address: str) -> None:
    """Keep an address for the second adapter of a machine."""
    second, scope = 1, api.library.DHCPConfigScope.machine_nic
    server.get_config(scope, machine.id_p, second, True)  # noqa: FBT003 - of the API: made, if new
    # What that returns is an interface without the address.
    for lease in server.individual_configs:
        if lease.machine_id == machine.id_p and lease.slot == second:
            lease.fixed_address = address


def _part(api: API, thing: Interface, attribute: str) -> Interface:
    return api.library.Interface(pyvbox.value(thing, attribute))
