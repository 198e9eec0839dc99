"""The stand-in of VirtualBox as a COM server in a process of its own; Windows only.

It ends with its standard input, and then says what it was misused for.
"""

# mypy: ignore-errors
# There is neither pywin32 nor its types where this is checked.
# ruff: noqa: E402
# The import of pythoncom enters the apartment that the flags name.

from __future__ import annotations

import json
import sys
import threading
import winreg
from pathlib import Path
from typing import Any

sys.coinit_flags = 0  # free threaded, as VirtualBox's own: no call waits for messages to be seen

import pythoncom
import pywintypes
import win32api
import win32con
from win32com.server.exception import COMException
from win32com.server.policy import BasicWrapPolicy

from tests.unit.drivers.virtualbox import server
from tests.unit.drivers.virtualbox.gate import COMError, Gate
from tests.unit.drivers.virtualbox.profile import Attribute
from tests.windows.com import type_library

READY = "serving"
MEMBER_NOT_FOUND = -2147352573  # DISP_E_MEMBERNOTFOUND


class Serving:
    """One VirtualBox, its type library, and the names behind the numbers of its members."""

    def __init__(self, version: str, library: Path, machines: Path) -> None:
        self.connection = server.Connection(version, "COM", machines)
        self.library = pythoncom.LoadTypeLib(str(library))
        self.interfaces = type_library.interfaces(self.connection.profile)
        self.kinds = {
            name: self.library.GetTypeInfoOfGuid(
                pywintypes.IID(f"{{{type_library.identity(self.connection.profile, name)}}}")
            )
            for name in self.interfaces
        }
        pythoncom.RegisterTypeLib(self.library, str(library))

    def new(self, interface: str) -> Any:
        """Return a first object, of a class that anybody can make."""
        if interface == "IVirtualBoxClient":
            return Client()
        if interface == "IVirtualBox":
            return self.connection.getVirtualBox()
        return self.connection.getSessionObject()


class Client:
    """IVirtualBoxClient."""

    _interface = "IVirtualBoxClient"

    @property
    def virtualBox(self) -> Gate:
        return serving.connection.getVirtualBox()


serving: Serving
one_at_a_time = threading.RLock()


class Policy(BasicWrapPolicy):  # type: ignore[misc]
    """Says to COM what an object of the stand-in can do, by the numbers of the type library."""

    def _CreateInstance_(self, class_id: Any, interface_id: Any) -> Any:
        interfaces = dict(type_library.CLASSES.values())
        self._wrap_(serving.new(interfaces[str(class_id)]))
        return pythoncom.WrapObject(self, interface_id)

    def _wrap_(self, thing: Any) -> None:
        self.thing = thing
        self._com_interfaces_ = [pythoncom.IID_IDispatch]

    def _GetTypeInfoCount_(self) -> int:
        return 1

    def _GetTypeInfo_(self, _index: int, _lcid: int) -> Any:
        return 0, serving.kinds[self.thing._interface]

    def _getidsofnames_(self, names: Any, _lcid: int) -> Any:
        members = list(serving.interfaces[self.thing._interface])
        wanted = names[0][0].lower() + names[0][1:]
        for name in (wanted, names[0]):
            if name in members:
                return (members.index(name) + 1,)
        raise COMException(scode=-2147352570)  # DISP_E_UNKNOWNNAME

    def _invokeex_(self, *words: Any) -> Any:
        with one_at_a_time:
            return self._invoke(*words)

    def _invoke(
        self, number: int, _lcid: int, flags: int, arguments: Any, _names: Any, _provider: Any
    ) -> Any:
        members = list(serving.interfaces[self.thing._interface].items())
        if not 1 <= number <= len(members):
            raise COMException(scode=MEMBER_NOT_FOUND)
        name, kind = members[number - 1]
        try:
            if not isinstance(kind, Attribute):
                given = [inward(argument) for argument in arguments[: len(kind.only("in"))]]
                found = outward(getattr(self.thing, name)(*given))
                return found if len(kind.results) > 1 else one(found)
            if flags & pythoncom.DISPATCH_PROPERTYGET:
                return one(outward(getattr(self.thing, name)))
            setattr(self.thing, name, inward(arguments[0]))
        except COMError as error:
            raise COMException(error.excepinfo[2], error.excepinfo[5], "VirtualBox") from error


def inward(value: Any) -> Any:
    """Return what the stand-in takes for what COM gives."""
    if isinstance(value, tuple):
        return [inward(item) for item in value]
    if isinstance(value, memoryview):
        return list(value)
    if isinstance(value, type(pythoncom.Empty)):
        return None
    if hasattr(value, "GetIDsOfNames"):
        return pythoncom.UnwrapObject(value).thing
    return value


def outward(value: Any) -> Any:
    """Return what COM gives for what the stand-in gives."""
    if isinstance(value, Gate):
        return pythoncom.WrapObject(Policy(value), pythoncom.IID_IDispatch)
    if isinstance(value, tuple):
        return tuple(outward(item) for item in value)
    return value


def one(result: Any) -> Any:
    """Return an array as one result; a tuple would be several."""
    return list(result) if isinstance(result, tuple) else result


def register(name: str, class_id: str) -> None:
    """Write into the registry what makes COM look for a class, and pywin32 make one."""
    for key, value in (
        (rf"VirtualBox.{name}\CLSID", class_id),
        (rf"CLSID\{class_id}\LocalServer32", "must-run-already.exe"),
        (rf"CLSID\{class_id}\PythonCOMPolicy", "tests.windows.com.served.Policy"),
    ):
        with winreg.CreateKey(winreg.HKEY_CLASSES_ROOT, key) as opened:
            winreg.SetValueEx(opened, "", 0, winreg.REG_SZ, value)


def forget(name: str, class_id: str) -> None:
    """Take that out of the registry: others believe that VirtualBox is installed."""
    for key in (
        rf"VirtualBox.{name}\CLSID",
        rf"VirtualBox.{name}",
        rf"CLSID\{class_id}\LocalServer32",
        rf"CLSID\{class_id}\PythonCOMPolicy",
        rf"CLSID\{class_id}",
    ):
        winreg.DeleteKey(winreg.HKEY_CLASSES_ROOT, key)


def serve(version: str, library: str, machines: str) -> None:
    """Serve until the standard input ends."""
    global serving
    serving = Serving(version, Path(library), Path(machines))
    for name, (class_id, _interface) in type_library.CLASSES.items():
        register(name, class_id)
        identity = pywintypes.IID(class_id)
        factory = pythoncom.MakePyFactory(identity)
        many = pythoncom.REGCLS_MULTIPLEUSE
        pythoncom.CoRegisterClassObject(identity, factory, pythoncom.CLSCTX_LOCAL_SERVER, many)
    thread = win32api.GetCurrentThreadId()
    threading.Thread(target=_end_with_input, args=(thread,), daemon=True).start()
    print(READY, flush=True)
    pythoncom.PumpMessages()
    for machine in serving.connection.server.registered:
        machine.power_down("PoweredOff")
    for name, (class_id, _interface) in type_library.CLASSES.items():
        forget(name, class_id)
    found = {"misuse": serving.connection.gates.misuse, "unlocked": serving.connection.unlocked}
    print(json.dumps(found), flush=True)


def _end_with_input(thread: int) -> None:
    sys.stdin.read()
    win32api.PostThreadMessage(thread, win32con.WM_QUIT, 0, 0)
