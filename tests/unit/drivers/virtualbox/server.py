"""IVirtualBox, sessions and the host of the stand-in, and the connection that the driver gets."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from boot2docker_py.drivers.virtualbox.binding.api import API
from tests.unit.drivers.virtualbox import media, profile
from tests.unit.drivers.virtualbox.gate import Gate, Gates, RefusedError, XPCOMError
from tests.unit.drivers.virtualbox.machine import Appliance, Machine
from tests.unit.drivers.virtualbox.models import Model, Progress, new_id


class Server(Model):
    """IVirtualBox."""

    def __init__(self, version: profile.Profile, folder: Path) -> None:
        super().__init__(version=version.full_version, version_tuple=version.as_tuple)
        self.APIVersion = "_".join(version.full_version.split(".")[:2])
        self.host = Host(self)
        self.folder, self.homeFolder = folder, str(folder.parent / ".VirtualBox")
        self.systemProperties = Model(defaultMachineFolder=str(folder))
        self.registered: list[Machine] = []
        self.media: list[media.Medium] = []
        self.dhcp_servers: list[DHCPServer] = []
        self.extra_data: dict[str, str] = {}
        self.start_refusals: list[str] = []  # taken one by one, each by a start

    @property
    def versionNormalized(self) -> str:
        return self.version  # type: ignore[no-any-return]

    def why_no_start(self, machine: Machine) -> str:
        return self.start_refusals.pop(0) if self.start_refusals else ""

    def machines_of_any_kind(self) -> list[Machine]:
        """Return the machines with those that sessions are changing."""
        sessions = [session for one in self.registered for session in one.sessions]
        return [*self.registered, *(one.machine for one in sessions if one.machine)]

    @property
    def machines(self) -> list[Machine]:
        return self.registered

    def composeMachineFilename(
        self, name: str, group: str, createFlags: str, baseFolder: str
    ) -> str:
        return str(Path(baseFolder or self.folder) / name / f"{name}.vbox")

    def createMachine(
        self,
        settingsFile: str,
        name: str,
        groups: list[str],
        osTypeId: str,
        flags: str = "",
        **more: str,
    ) -> Machine:
        file = Path(settingsFile or self.composeMachineFilename(name, "", "", ""))
        if file.exists():
            raise RefusedError("VBOX_E_FILE_ERROR", f"Machine settings file '{file}' exists")
        machine = Machine(self, name, file, osTypeId)
        for flag in flags.split(","):
            if flag.startswith("UUID="):
                machine.change("id", flag[len("UUID=") :])
        return machine

    def registerMachine(self, machine: Machine) -> None:
        if not Path(machine.settingsFilePath).exists():
            machine.saveSettings()
        machine.is_mutable = False
        self.registered.append(machine)

    def findMachine(self, nameOrId: str) -> Machine:
        for machine in self.registered:
            if nameOrId == machine.id or (machine.accessible and nameOrId == machine.name):
                return machine
        text = f"Could not find a registered machine named '{nameOrId}'"
        raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", text)

    # Media

    @property
    def hardDisks(self) -> list[media.Medium]:
        return [one for one in self.media if one.deviceType == "HardDisk"]

    def every_medium(self) -> list[media.Medium]:
        """Return the media in the list, with those that build on them."""
        found, waiting = [], list(self.media)
        while waiting:
            found.append(waiting.pop())
            waiting += found[-1].children
        return found

    def createAppliance(self) -> Appliance:
        return Appliance()

    def medium_at(self, location: str) -> media.Medium | None:
        return next((one for one in self.media if one.location == location), None)

    def createMedium(
        self, format: str, location: str, accessMode: str, aDeviceTypeType: str
    ) -> media.Medium:
        return media.Medium(self, location, aDeviceTypeType)

    def openMedium(
        self, location: str, deviceType: str, accessMode: str, forceNewUuid: bool
    ) -> media.Medium:
        known = self.medium_at(location)
        if known:
            return known
        if not Path(location).is_file():
            raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", "Object does not exist")
        medium = media.Medium(self, location, deviceType)
        if deviceType == "HardDisk":
            medium.logicalSize = media.logical_size(Path(location))
        self.media.append(medium)
        return medium

    # Network

    @property
    def DHCPServers(self) -> list[DHCPServer]:
        return self.dhcp_servers

    def createDHCPServer(self, name: str) -> DHCPServer:
        if any(one.networkName == name for one in self.dhcp_servers):
            raise RefusedError("E_INVALIDARG", "it exists")
        self.dhcp_servers.append(DHCPServer(networkName=name, enabled=False))
        return self.dhcp_servers[-1]

    def findDHCPServerByNetworkName(self, name: str) -> DHCPServer:
        for server in self.dhcp_servers:
            if server.networkName == name:
                return server
        raise RefusedError("E_INVALIDARG", "Invalid argument value")

    def removeDHCPServer(self, server: DHCPServer) -> None:
        self.dhcp_servers.remove(server)

    # Extra data

    def getExtraData(self, key: str) -> str:
        return self.extra_data.get(key, "")

    def setExtraData(self, key: str, value: str) -> None:
        self.extra_data[key] = value


class DHCPServer(Model):
    """IDHCPServer; it knows settings of its own for single adapters of machines only."""

    IPAddress = networkMask = lowerIP = upperIP = ""
    is_running = False

    def __init__(self, **state: Any) -> None:
        super().__init__(individualConfigs=[], **state)

    def restart(self) -> None:
        if not self.is_running:
            raise RefusedError("E_FAIL", "it does not run")

    def getConfig(self, scope: str, name: str, slot: int, mayAdd: bool) -> Model:
        for config in self.individualConfigs:
            if (config.machineId, config.slot) == (name, slot):
                return config  # type: ignore[no-any-return]
        if scope != "MachineNIC" or not mayAdd:
            raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", "there is no such configuration")
        self.individualConfigs.append(FixedLease(self, name, slot))
        return self.individualConfigs[-1]  # type: ignore[no-any-return]

    def setConfiguration(
        self, IPAddress: str, networkMask: str, FromIPAddress: str, ToIPAddress: str
    ) -> None:
        self.IPAddress, self.networkMask = IPAddress, networkMask
        self.lowerIP, self.upperIP = FromIPAddress, ToIPAddress


class FixedLease(Model):
    """IDHCPIndividualConfig."""

    def __init__(self, server: DHCPServer, machine_id: str, slot: int) -> None:
        super().__init__(machineId=machine_id, slot=slot, fixedAddress="", scope="MachineNIC")
        self.server = server

    def remove(self) -> None:
        self.server.individualConfigs.remove(self)


class Host(Model):
    """IHost; the one that is not host-only is that of the office."""

    def __init__(self, server: Server) -> None:
        super().__init__(server=server, memorySize=8192, processorCount=4)
        self.networkInterfaces = [Interface("eth0", "Bridged", "10.1.2.3")]
        self.adapter_refusal = ""

    def getProcessorFeature(self, feature: str) -> bool:
        return feature in ("HWVirtEx", "PAE", "LongMode", "NestedPaging")

    def createHostOnlyNetworkInterface(self) -> tuple[Progress, Interface | None]:
        if self.adapter_refusal:
            return Progress(self._refuse).done(), None
        names = {one.name for one in self.networkInterfaces}
        name = next(f"vboxnet{n}" for n in range(9) if f"vboxnet{n}" not in names)
        made = Interface(name, "HostOnly", "")
        return Progress(lambda: self.networkInterfaces.append(made)).done(), made

    def _refuse(self) -> None:
        raise RefusedError("E_FAIL", self.adapter_refusal)

    def removeHostOnlyNetworkInterface(self, id: str) -> Progress:
        left = [one for one in self.networkInterfaces if one.id != id]

        def remove() -> None:
            self.networkInterfaces = left

        return Progress(remove).done()


class Interface(Model):
    """IHostNetworkInterface."""

    def __init__(self, name: str, kind: str, address: str) -> None:
        super().__init__(id=new_id(), name=name, interfaceType=kind, IPAddress=address)
        self.networkName = f"HostInterfaceNetworking-{name}"
        self.networkMask, self.status = "255.255.255.0", "Up"
        self.address_refusal: RefusedError | None = None

    def enableStaticIPConfig(self, IPAddress: str, networkMask: str) -> None:
        if self.address_refusal:
            raise self.address_refusal
        self.IPAddress, self.networkMask = IPAddress, networkMask


class Session(Model):
    """ISession; ask it for its type only while it holds a machine, as VirtualBox wants it."""

    def __init__(self) -> None:
        super().__init__(name="")
        self.own_state, self.own_type = "Unlocked", ""
        self._let_go()

    @property
    def state(self) -> str:
        return self.own_state

    @property
    def type(self) -> str:
        self._demand_locked()
        return self.own_type

    def take(self, peer: Machine, kind: str) -> None:
        self.peer, self.own_type, self.own_state = peer, kind, "Locked"
        self.machine = peer.for_session()
        self.console = Console(peer) if peer.run_by else None
        peer.sessions.append(self)

    def unlockMachine(self) -> None:
        self._demand_locked()
        self.peer.sessions.remove(self)
        self.own_state = "Unlocked"
        self._let_go()

    def _let_go(self) -> None:
        vars(self).update(peer=None, machine=None, console=None)

    def _demand_locked(self) -> None:
        if self.own_state != "Locked":
            raise RefusedError("E_UNEXPECTED", "The session is not locked")


class Console(Model):
    """IConsole; the guest does not hear its power button unless a test makes it."""

    def __init__(self, peer: Machine) -> None:
        super().__init__(machine=peer, peer=peer)

    @property
    def state(self) -> str:
        return self.peer.own_state  # type: ignore[no-any-return]

    def powerDown(self) -> Progress:
        return Progress(lambda: self.peer.power_down("PoweredOff")).done()

    def powerButton(self) -> None:
        self._demand("Running")

    def pause(self) -> None:
        self._demand("Running")
        self.peer.own_state = "Paused"

    def resume(self) -> None:
        self._demand("Paused")
        self.peer.own_state = "Running"

    def reset(self) -> None:
        self._demand("Running")

    def _demand(self, state: str) -> None:
        if self.peer.own_state != state:
            raise RefusedError("VBOX_E_INVALID_VM_STATE", f"Invalid machine state: {self.state}")


class Connection:
    """VirtualBox of one version, reached by one of the two bindings; stands in for `vboxapi`."""

    def __init__(self, version: str, flavour: str, folder: Path) -> None:
        self.profile = profile.of(version)
        self.gates = Gates(self.profile, flavour)
        self.flavour = flavour
        self.server = Server(self.profile, folder)
        self.sessions: list[Session] = []
        self.api = API(SimpleNamespace(platform=self))

    # What the platform of `vboxapi` has

    def getType(self) -> str:
        return "MSCOM" if self.gates.is_com else "XPCOM"

    def getVirtualBox(self) -> Gate:
        return Gate(self.gates, "IVirtualBox", self.server)

    def getSessionObject(self) -> Gate:
        self.sessions.append(Session())
        return Gate(self.gates, "ISession", self.sessions[-1])

    def getArray(self, thing: Gate, attribute: str) -> Any:
        if self.gates.is_com:
            return getattr(thing, attribute)
        return getattr(thing, "get" + attribute[0].upper() + attribute[1:])()

    # What the tests ask

    @property
    def unlocked(self) -> bool:
        """Whether every session has let its machine go."""
        return all(session.own_state == "Unlocked" for session in self.sessions)

    def replace_modules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put modules of our own where the numbers of the installed type library are asked for."""
        for name, module in self._modules().items():
            monkeypatch.setitem(sys.modules, name, module)

    def _modules(self) -> dict[str, ModuleType]:
        if self.gates.is_com:
            package, client = ModuleType("win32com"), ModuleType("win32com.client")
            vars(client).update(constants=_Constants(self.profile))
            vars(package).update(client=client)
            return {module.__name__: module for module in (package, client)}
        package, components, xpt = map(ModuleType, ("xpcom", "xpcom.components", "xpcom.xpt"))
        vars(package).update(Exception=XPCOMError, components=components, xpt=xpt)
        vars(components).update(interfaces=_Interfaces(self.profile))
        vars(xpt).update(Interface=_TypeInformation)
        return {module.__name__: module for module in (package, components, xpt)}


class _Interfaces:
    """As `xpcom.components.interfaces`."""

    def __init__(self, found: profile.Profile) -> None:
        self._profile = found

    def __getattr__(self, enumeration: str) -> SimpleNamespace:
        if enumeration not in self._profile.enumerations:
            raise XPCOMError(0x80004002, f"The interface '{enumeration}' does not exist")
        return SimpleNamespace(_iidobj_=self._profile.enumerations[enumeration])


class _TypeInformation:
    """As `xpcom.xpt.Interface`; the identity of an interface is its members here."""

    def __init__(self, identity: dict[str, int]) -> None:
        self.constants = [SimpleNamespace(name=one, value=identity[one]) for one in identity]


class _Constants:
    """As `win32com.client.constants`, whose tables are those of modules made by `makepy`."""

    def __init__(self, found: profile.Profile) -> None:
        table: dict[str, object] = {"__module__": "win32com.gen_py.somewhere"}
        for enumeration, members in found.enumerations.items():
            table.update({f"{enumeration}_{name}": members[name] for name in members})
        self.__dicts__ = [table]
