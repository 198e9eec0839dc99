"""The machine of the stand-in: saved settings, settings in a session, state, snapshots."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import socket
import struct
import tarfile
import time
from pathlib import Path
from typing import Any

from tests.unit.drivers.virtualbox.gate import RefusedError
from tests.unit.drivers.virtualbox.media import Medium, MediumAttachment
from tests.unit.drivers.virtualbox.models import (
    CPU,
    Firmware,
    Model,
    NetworkAdapter,
    Platform,
    Progress,
    SerialPort,
    SharedFolder,
    StorageController,
    new_id,
)

OFF = ("PoweredOff", "Saved", "Aborted", "AbortedSaved")


class Machine(CPU, Model):
    """IMachine: the registered one, or the one that a session may change."""

    # What a session's machine has a copy of until it saves the settings.
    SETTINGS = (
        *("memorySize", "CPUCount", "description", "RTCUseUTC", "HPETEnabled", "cpu_properties"),
        *("VRAMSize", "chipsetType", "BIOSSettings", "firmwareSettings", "platform"),
        *("audioAdapter", "audioSettings", "boot_order", "controllers", "adapters", "serial_ports"),
        *("attachments", "extra_data", "folders"),
    )

    def __init__(self, server: Any, name: str, settings_file: Path, os_type: str) -> None:
        super().__init__(
            name=name, OSTypeId=os_type, id=new_id(), settingsFilePath=str(settings_file)
        )
        self.server, self.peer, self.is_mutable = server, self, True
        self.memorySize, self.CPUCount, self.description, self.VRAMSize = 128, 1, "", 8
        self.RTCUseUTC, self.HPETEnabled, self.chipsetType = False, False, "PIIX3"
        self.cpu_properties: dict[str, bool] = {}
        self.BIOSSettings, self.firmwareSettings = Firmware(self), Firmware(self)
        self.platform = Platform(self)
        self.audioAdapter = Model(self, enabled=True)
        self.audioSettings = Model(self, adapter=Model(self, enabled=True))
        self.boot_order: dict[int, str] = {}
        self.controllers: dict[str, StorageController] = {}
        self.adapters = [NetworkAdapter(self, slot) for slot in range(8)]
        self.serial_ports = [SerialPort(self) for _ in range(4)]
        self.attachments: dict[tuple[str, int, int], MediumAttachment] = {}
        self.extra_data: dict[str, str] = {}
        self.folders: dict[str, SharedFolder] = {}
        self.guest_properties: dict[str, str] = {}
        self.own_state, self.run_by = "PoweredOff", 0
        self.own_memory, self.is_modified = "", False  # the file of its saved memory
        self.sessions: list[Any] = []
        self.listeners: list[socket.socket] = []
        self.accessible, self.accessError = True, None
        self.currentSnapshot: Snapshot | None = None
        self.snapshots: list[Snapshot] = []

    # Settings, and which session may change them

    def demand_mutable(self) -> None:
        if not self.is_mutable:
            text = f"The machine is not mutable (state is {self.state})"
            raise RefusedError("VBOX_E_INVALID_VM_STATE", text)

    def copied(self, source: Machine) -> None:
        """Take the settings of the source over."""
        for name in self.SETTINGS:
            vars(self)[name] = copy.deepcopy(vars(source)[name], {id(source): self})

    def for_session(self) -> Machine:
        """Return the machine that a session may change."""
        machine = copy.copy(self)
        machine.copied(self)
        machine.is_mutable = True
        return machine

    def saveSettings(self) -> None:
        self.demand_mutable()
        Path(self.settingsFilePath).parent.mkdir(parents=True, exist_ok=True)
        Path(self.settingsFilePath).write_text("settings of the stand-in")
        if self.peer is not self:
            self.peer.copied(self)
            self.peer.is_modified = True
            if self.name != self.peer.name:
                self._follow_name()

    def _follow_name(self) -> None:
        """Let the settings and the folder have the new name, and media know where they are."""
        old, new = self.stem, self.stem.with_name(self.name)
        file = old / f"{self.name}.vbox"
        Path(self.settingsFilePath).rename(file)
        if old.name == self.peer.name:
            old.rename(new)
            file = new / file.name
            for medium in self.server.every_medium():
                if old in Path(medium.location).parents:
                    medium.location = str(new / Path(medium.location).relative_to(old))
        for machine in (self, self.peer, *(one.machine for one in self.peer.snapshots)):
            vars(machine).update(name=self.name, settingsFilePath=str(file))

    def exportTo(self, appliance: Appliance, location: str) -> Model:
        appliance.machines.append(self)
        return Model()

    def discardSettings(self) -> None:
        self.copied(self.peer)

    @property
    def stem(self) -> Path:
        return Path(self.settingsFilePath).parent

    @property
    def snapshotFolder(self) -> str:
        return str(self.stem / "Snapshots")

    @property
    def logFolder(self) -> str:
        return str(self.stem / "Logs")

    # State

    @property
    def state(self) -> str:
        return self.peer.own_state

    @property
    def stateFilePath(self) -> str:
        return self.peer.own_memory

    @property
    def currentStateModified(self) -> bool:
        return self.peer.is_modified

    @property
    def sessionState(self) -> str:
        return "Locked" if self.peer.sessions or self.peer.run_by else "Unlocked"

    @property
    def sessionPID(self) -> int:
        return self.peer.run_by or (4321 if self.peer.sessions else 0xFFFFFFFF)

    def lockMachine(self, session: Any, lockType: str) -> None:
        if session.own_state == "Locked":
            raise RefusedError("VBOX_E_INVALID_OBJECT_STATE", "The given session is busy")
        others = [one for one in self.peer.sessions if one.type == "WriteLock"]
        if lockType != "Shared" and (others or self.peer.run_by):
            text = f"The machine '{self.name}' is already locked for a session"
            raise RefusedError("VBOX_E_INVALID_OBJECT_STATE", text)
        session.take(self.peer, "Shared" if lockType == "Shared" else "WriteLock")

    def launchVMProcess(self, session: Any, name: str, **environment: Any) -> Progress:
        if name not in ("headless", "gui"):
            raise RefusedError("E_INVALIDARG", f"Invalid frontend name: '{name}'")
        if self.peer.sessions:
            text = f"The machine '{self.name}' is already locked by a session"
            raise RefusedError("VBOX_E_INVALID_OBJECT_STATE", text)

        def launch() -> None:
            reason = self.server.why_no_start(self.peer)
            if reason:
                raise RefusedError("E_FAIL", reason)
            self.peer.power_up()
            session.take(self.peer, "Remote")

        return Progress(launch).done()

    def power_up(self) -> None:
        self.own_state, self.run_by, self.is_modified = "Running", 4242, True
        self.forget_memory()
        for rule in self.adapters[0].NATEngine.rules.values():
            _name, _protocol, host, port, *_guest = rule.split(",")
            with contextlib.suppress(OSError):  # VirtualBox only logs that it is taken
                self.listeners.append(socket.create_server((host, int(port))))

    def power_down(self, state: str) -> None:
        self.own_state, self.run_by = state, 0
        for listener in self.listeners:
            listener.close()
        self.listeners.clear()

    def keep_memory(self) -> str:
        """Write the memory into a file of the snapshots' folder; return which."""
        file = self.stem / "Snapshots" / f"{new_id()}.sav"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"the memory of the stand-in")
        return str(file)

    def forget_memory(self) -> None:
        if self.own_memory not in ("", *(one.machine.own_memory for one in self.snapshots)):
            Path(self.own_memory).unlink()
        self.own_memory = ""

    def saveState(self) -> Progress:
        if self.state not in ("Running", "Paused"):
            raise RefusedError("VBOX_E_INVALID_VM_STATE", f"it is {self.state}")

        def save() -> None:
            self.peer.own_memory = self.peer.keep_memory()
            self.peer.power_down("Saved")

        return Progress(save).done()

    def discardSavedState(self, fRemoveFile: bool) -> None:
        if self.state not in ("Saved", "AbortedSaved"):
            raise RefusedError("VBOX_E_INVALID_VM_STATE", f"it is {self.state}")
        self.peer.own_state = "PoweredOff"
        self.peer.forget_memory()

    # Devices

    def setBootOrder(self, position: int, device: str) -> None:
        self.demand_mutable()
        if not 1 <= position <= 4:
            raise RefusedError("E_INVALIDARG", f"Invalid boot position: {position}")
        self.boot_order[position] = device

    def getNetworkAdapter(self, slot: int) -> NetworkAdapter:
        return self.adapters[slot]

    def getSerialPort(self, slot: int) -> SerialPort:
        return self.serial_ports[slot]

    def getExtraData(self, key: str) -> str:
        return self.extra_data.get(key, "")

    def setExtraData(self, key: str, value: str) -> None:
        # Needs no session, as in VirtualBox: it is there at once.
        for machine in {id(self): self, id(self.peer): self.peer}.values():
            machine.extra_data[key] = value

    @property
    def storageControllers(self) -> list[StorageController]:
        return list(self.controllers.values())

    def addStorageController(self, name: str, connectionType: str) -> StorageController:
        self.demand_mutable()
        if name in self.controllers:
            raise RefusedError("VBOX_E_OBJECT_IN_USE", f"'{name}' already exists")
        self.controllers[name] = StorageController(self, name, connectionType)
        return self.controllers[name]

    def getStorageControllerByName(self, name: str) -> StorageController:
        return self._controller(name)

    def _controller(self, name: str) -> StorageController:
        if name not in self.controllers:
            text = f"Could not find a storage controller named '{name}'"
            raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", text)
        return self.controllers[name]

    def attachDevice(
        self, name: str, controllerPort: int, device: int, type: str, medium: Medium | None
    ) -> None:
        self.demand_mutable()
        if controllerPort >= self._controller(name).portCount:
            raise RefusedError("E_INVALIDARG", "The port parameter is out of range")
        place = (name, controllerPort, device)
        if place in self.attachments:
            raise RefusedError("VBOX_E_OBJECT_IN_USE", "already attached")
        self.attachments[place] = MediumAttachment(place, type, medium)

    def detachDevice(self, name: str, controllerPort: int, device: int) -> None:
        self.demand_mutable()
        self._attachment(name, controllerPort, device)
        del self.attachments[name, controllerPort, device]

    def mountMedium(
        self, name: str, controllerPort: int, device: int, medium: Medium | None, force: bool
    ) -> None:
        self.demand_mutable()
        self._attachment(name, controllerPort, device).medium = medium

    def getMedium(self, name: str, controllerPort: int, device: int) -> Medium | None:
        medium: Medium | None = self._attachment(name, controllerPort, device).medium
        return medium

    def _attachment(self, name: str, port: int, device: int) -> MediumAttachment:
        if (name, port, device) not in self.attachments:
            text = f"No storage device attached to device slot {device} on port {port} of '{name}'"
            raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", text)
        return self.attachments[name, port, device]

    @property
    def mediumAttachments(self) -> list[MediumAttachment]:
        return list(self.attachments.values())

    def all_media(self) -> set[Medium]:
        """Return the media of the machine and of its snapshots, with those they are based on."""
        found: set[Medium] = set()
        for machine in (self, *(one.machine for one in self.snapshots)):
            for attachment in machine.attachments.values():
                medium = attachment.medium
                while medium is not None:
                    found.add(medium)
                    medium = medium.parent
        return found

    def has(self, medium: Medium) -> bool:
        """Tell whether the machine, or a snapshot of it, has a medium itself."""
        states = (self, *(one.machine for one in self.snapshots))
        return any(one.medium is medium for state in states for one in state.attachments.values())

    # Shared folders

    @property
    def sharedFolders(self) -> list[SharedFolder]:
        return list(self.folders.values())

    def createSharedFolder(
        self, name: str, hostPath: str, writable: bool, automount: bool, autoMountPoint: str = ""
    ) -> None:
        self.demand_mutable()
        if name in self.folders:
            raise RefusedError("VBOX_E_OBJECT_IN_USE", f"'{name}' already exists")
        self.folders[name] = SharedFolder(
            *(name, hostPath), writable=writable, autoMount=automount, autoMountPoint=autoMountPoint
        )

    def removeSharedFolder(self, name: str) -> None:
        self.demand_mutable()
        if self.folders.pop(name, None) is None:
            text = f"Could not find a shared folder named '{name}'"
            raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", text)

    def setGuestPropertyValue(self, property: str, value: str) -> None:
        self.demand_mutable()
        self.guest_properties[property] = value

    # Snapshots

    @property
    def snapshotCount(self) -> int:
        return len(self.peer.snapshots)

    def takeSnapshot(self, name: str, description: str, pause: bool) -> tuple[Progress, str]:
        if not pause and self.state != "Running" and self.server.version_tuple >= (7, 0):
            text = "Cannot take a live snapshot of a virtual machine unless it is running."
            raise RefusedError("VBOX_E_INVALID_VM_STATE", text)
        snapshot = Snapshot(self.peer, name, description)
        return Progress(lambda: self.peer.keep(snapshot, self)).done(), snapshot.id

    def keep(self, snapshot: Snapshot, changing: Machine) -> None:
        if self.currentSnapshot:
            self.currentSnapshot.children.append(snapshot)
        self.snapshots.append(snapshot)
        self.currentSnapshot, self.is_modified = snapshot, bool(self.run_by)
        for machine in (self, changing):
            machine.currentSnapshot = snapshot
            for place, attachment in machine.attachments.items():
                if attachment.type == "HardDisk":
                    before = snapshot.machine.attachments[place].medium
                    machine.attachments[place].medium = self._after(before)

    def _after(self, before: Any) -> Any:
        if before.children:
            return before.children[-1]
        location = self.stem / "Snapshots" / f"{{{new_id()}}}{Path(before.location).suffix}"
        location.parent.mkdir(exist_ok=True)
        location.write_bytes(b"a disk after a snapshot")
        after = Medium(self.server, str(location), "HardDisk", before)
        after.logicalSize = before.logicalSize
        before.children.append(after)
        return after

    def findSnapshot(self, nameOrId: str) -> Snapshot:
        for snapshot in self.peer.snapshots:
            if nameOrId in (snapshot.name, snapshot.id) or not nameOrId:
                return snapshot
        text = f"Could not find a snapshot named '{nameOrId}'"
        raise RefusedError("VBOX_E_OBJECT_NOT_FOUND", text)

    def restoreSnapshot(self, snapshot: Snapshot) -> Progress:
        def restore() -> None:
            media = {place: one.medium for place, one in self.peer.attachments.items()}
            for machine in (self.peer, self):
                machine.copied(snapshot.machine)
                machine.currentSnapshot = snapshot
                for place, attachment in machine.attachments.items():
                    if attachment.type == "HardDisk":
                        attachment.medium = media[place]
            self.peer.own_state = "Saved" if snapshot.online else "PoweredOff"
            self.peer.own_memory, self.peer.is_modified = snapshot.machine.own_memory, False

        return Progress(restore).done()

    def deleteSnapshot(self, id: str) -> Progress:
        snapshot = self.findSnapshot(id)

        def delete() -> None:
            if len(snapshot.children) > 1:
                text = "it has more than one child snapshot"
                raise RefusedError("VBOX_E_INVALID_OBJECT_STATE", text)
            self.peer.snapshots.remove(snapshot)
            if snapshot.machine.own_memory not in ("", self.peer.own_memory):
                Path(snapshot.machine.own_memory).unlink()
            if snapshot.parent:
                snapshot.parent.children.remove(snapshot)
                snapshot.parent.children += snapshot.children
            for child in snapshot.children:
                child.parent = snapshot.parent
            for machine in (self.peer, self):
                if machine.currentSnapshot is snapshot:
                    machine.currentSnapshot = snapshot.parent

        return Progress(delete).done()

    # The end

    def unregister(self, cleanupMode: str) -> list[Medium]:
        if self.sessionState != "Unlocked":
            raise RefusedError("VBOX_E_INVALID_OBJECT_STATE", "it is locked")
        if self.snapshots and cleanupMode == "UnregisterOnly":
            raise RefusedError("VBOX_E_INVALID_OBJECT_STATE", "it has snapshots")
        media = self.all_media()
        self.server.registered.remove(self)
        self.attachments.clear()
        self.snapshots.clear()
        if cleanupMode == "UnregisterOnly":
            return []
        hard_disks_only = cleanupMode != "Full"
        return sorted(
            (one for one in media if not (hard_disks_only and one.deviceType != "HardDisk")),
            key=lambda one: one.depth,  # what is based on another comes first
            reverse=True,
        )

    def deleteConfig(self, media: list[Medium]) -> Progress:
        def delete() -> None:
            for medium in media:
                medium.close()
                Path(medium.location).unlink()
            Path(self.settingsFilePath).unlink()
            for memory in self.stem.glob("Snapshots/*.sav"):
                memory.unlink()
            for folder in (self.stem / "Snapshots", Path(self.logFolder), self.stem):
                with contextlib.suppress(OSError):  # something else is there, or it never was
                    folder.rmdir()

        return Progress(delete).done()


class Appliance(Model):
    """IAppliance: machines to be written into one file, an archive as VirtualBox writes it."""

    def __init__(self) -> None:
        super().__init__(machines=[])

    def write(self, format: str, options: list[str], path: str) -> Progress:
        def write() -> None:
            machine = self.machines[0]
            disk = next(
                one for one in machine.attachments.values() if one.type == "HardDisk"
            ).medium
            content = struct.pack("<4sIIQ", b"KDMV", 3, 0, disk.logicalSize // 512).ljust(512)
            sums = f"SHA256 (disk.vmdk) = {hashlib.sha256(content).hexdigest()}\n"
            items = "".join(
                f"<Item><rasd:ResourceType>{kind}</rasd:ResourceType>"
                f"<rasd:VirtualQuantity>{value}</rasd:VirtualQuantity></Item>"
                for kind, value in ((3, machine.CPUCount), (4, machine.memorySize))
            )
            with tarfile.open(path, "w") as archive:
                for name, data in (
                    ("vm.ovf", items.encode()),
                    ("disk.vmdk", content),
                    ("vm.mf", sums.encode()),
                ):
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))

        return Progress(write).done()


class Snapshot(Model):
    """ISnapshot."""

    def __init__(self, machine: Machine, name: str, description: str) -> None:
        super().__init__(id=new_id(), name=name, description=description)
        self.timeStamp = int(time.time() * 1000)
        self.online = machine.own_state in ("Running", "Paused", "Saved")
        self.parent = machine.currentSnapshot
        self.children: list[Snapshot] = []
        self.machine = machine.for_session()
        self.machine.is_mutable, self.machine.peer = False, self.machine
        if self.online and not machine.own_memory:
            self.machine.own_memory = machine.keep_memory()
