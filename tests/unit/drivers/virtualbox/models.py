"""What all models of the stand-in share, and the small ones: progress, errors, adapters, ports.

Members have the names of VirtualBox.xidl, of all versions at once: the gate chooses.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Callable

from tests.unit.drivers.virtualbox.gate import RefusedError, signed


class Model:
    """An object with state; what belongs to a machine is changed only while that is mutable."""

    def __init__(self, root: Any = None, **state: Any) -> None:
        self.root = root
        vars(self).update(state)

    if TYPE_CHECKING:  # the state is in the IDL; nothing is made up when tests run

        def __getattr__(self, name: str) -> Any: ...

    def change(self, name: str, value: Any) -> None:
        self.demand_mutable()
        setattr(self, name, value)

    def demand_mutable(self) -> None:
        if self.root is not None:
            self.root.demand_mutable()


class ErrorInfo(Model):
    """IVirtualBoxErrorInfo."""

    def __init__(self, refused: RefusedError, following: ErrorInfo | None = None) -> None:
        super().__init__(text=refused.text, resultCode=signed(refused.result_code))
        self.component, self.next = "MachineWrap", following


class Progress(Model):
    """IProgress; the work is done when it is waited for, or at once when it was asked to be."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        super().__init__(id=new_id(), canceled=False)
        self.completed, self.percent = False, 0
        self.resultCode, self.errorInfo = 0, None  # type: int, ErrorInfo | None
        self.description = self.operationDescription = "working"
        self._work = work

    def waitForCompletion(self, timeout: int) -> None:
        if self.completed:
            return
        self.completed, self.percent = True, 100
        try:
            self._work()
        except RefusedError as refused:
            self.errorInfo = ErrorInfo(refused)
            self.resultCode = self.errorInfo.resultCode

    def done(self) -> Progress:
        """Return this progress with its work done, as VirtualBox does not wait to be waited for."""
        self.waitForCompletion(-1)
        return self


class Firmware(Model):
    """IBIOSSettings and IFirmwareSettings."""

    def __init__(self, root: Any) -> None:
        super().__init__(root, ACPIEnabled=True, IOAPICEnabled=False, logoFadeIn=True)
        self.logoFadeOut, self.logoDisplayTime, self.bootMenuMode = True, 0, "MessageAndMenu"
        self.firmwareType = "BIOS"


class CPU:
    """What of the CPU is set on IMachine before 7.1, on IPlatformX86 since."""

    def setCPUProperty(self, property: str, value: bool) -> None:
        self.demand_mutable()  # type: ignore[attr-defined]
        self.cpu_properties[property] = value  # type: ignore[attr-defined]

    def getCPUProperty(self, property: str) -> bool:
        return bool(self.cpu_properties.get(property, False))  # type: ignore[attr-defined]


class X86(CPU, Model):
    """IPlatformX86."""

    def __init__(self, root: Any) -> None:
        super().__init__(root, HPETEnabled=False, cpu_properties={})


class Platform(Model):
    """IPlatform."""

    def __init__(self, root: Any) -> None:
        super().__init__(root, RTCUseUTC=False, chipsetType="PIIX3", x86=X86(root))


class NATEngine(Model):
    """INATEngine."""

    def __init__(self, root: Any) -> None:
        super().__init__(root, rules={}, DNSProxy=False, DNSUseHostResolver=False, network="")
        self.localhostReachable = False  # of 7.0 and later

    @property
    def redirects(self) -> list[str]:
        return list(self.rules.values())

    def addRedirect(
        self, name: str, proto: str, hostIP: str, hostPort: int, guestIP: str, guestPort: int
    ) -> None:
        self.demand_mutable()
        if name in self.rules:
            raise RefusedError("E_INVALIDARG", "A NAT rule of this name already exists")
        number = {"UDP": 0, "TCP": 1}[proto]
        self.rules[name] = f"{name},{number},{hostIP},{hostPort},{guestIP},{guestPort}"

    def removeRedirect(self, name: str) -> None:
        self.demand_mutable()
        if self.rules.pop(name, None) is None:
            raise RefusedError("E_INVALIDARG", "Invalid argument value")


class NetworkAdapter(Model):
    """INetworkAdapter."""

    def __init__(self, root: Any, slot: int) -> None:
        super().__init__(root, slot=slot, enabled=slot == 0, cableConnected=True)
        self.adapterType, self.attachmentType = "Am79C973", "NAT" if slot == 0 else "Null"
        self.hostOnlyInterface, self.NATEngine = "", NATEngine(root)
        self.internalNetwork = "intnet"
        self.MACAddress = f"080027{uuid.uuid4().hex[:6].upper()}"


class SerialPort(Model):
    """ISerialPort; a mode that needs a path is refused without one."""

    def __init__(self, root: Any) -> None:
        super().__init__(root, IOBase=0, IOAddress=0, IRQ=0, enabled=False, path="", server=False)
        self.hostMode = "Disconnected"

    def change(self, name: str, value: Any) -> None:
        if name == "hostMode" and value in ("RawFile", "HostPipe") and not self.path:
            raise RefusedError("E_INVALIDARG", "Cannot set the mode because the path is empty")
        super().change(name, value)


class StorageController(Model):
    """IStorageController."""

    def __init__(self, root: Any, name: str, bus: str) -> None:
        super().__init__(root, name=name, bus=bus, portCount=30, useHostIOCache=False)
        self.controllerType = "IntelAhci"


class SharedFolder(Model):
    """ISharedFolder."""

    def __init__(self, name: str, folder: str, **state: Any) -> None:
        super().__init__(name=name, hostPath=folder, accessible=True, **state)


def new_id() -> str:
    """Return an id as VirtualBox has them."""
    return str(uuid.uuid4())
