"""The gate before every object of the stand-in: it lets through what a version's interface has.

The models behind it are the same for all versions: their members have the names of the IDL, their
methods take parameters by the names of the IDL, their enumerations are names. The gate turns
numbers into names and back, checks types and the number of arguments, and gives errors, arrays
and results the shape of XPCOM's or of COM's binding.
"""

from __future__ import annotations

from typing import Any

from tests.unit.drivers.virtualbox.profile import Attribute, Method, Profile

RESULTS = {
    "VBOX_E_OBJECT_NOT_FOUND": 0x80BB0001,
    "VBOX_E_NOT_SUPPORTED": 0x80BB0009,
    "VBOX_E_INVALID_VM_STATE": 0x80BB0002,
    "VBOX_E_VM_ERROR": 0x80BB0003,
    "VBOX_E_FILE_ERROR": 0x80BB0004,
    "VBOX_E_IPRT_ERROR": 0x80BB0005,
    "VBOX_E_INVALID_OBJECT_STATE": 0x80BB0007,
    "VBOX_E_OBJECT_IN_USE": 0x80BB000C,
    "E_INVALIDARG": 0x80070057,
    "E_ACCESSDENIED": 0x80070005,
    "E_FAIL": 0x80004005,
    "E_NOTIMPL": 0x80004001,
    "E_UNEXPECTED": 0x8000FFFF,
}
_INTEGERS = ("long", "long long", "unsigned long", "unsigned short", "short")


class RefusedError(Exception):
    """A model refuses; the gate gives it the shape of the binding."""

    def __init__(self, result: str, text: str) -> None:
        super().__init__(text)
        self.result_code, self.text = RESULTS[result], text


class XPCOMError(Exception):
    """As `xpcom.Exception` of VirtualBox's XPCOM binding."""

    __module__ = "xpcom"

    def __init__(self, result_code: int, text: str) -> None:
        super().__init__(result_code)
        self.errno, self.msg = signed(result_code), text


class COMError(Exception):
    """As `pywintypes.com_error`: the result code is in `excepinfo`."""

    def __init__(self, result_code: int, text: str) -> None:
        dispatch_exception = signed(0x80020009)
        self.hresult, self.strerror = dispatch_exception, "Exception occurred."
        self.excepinfo = (0, "VirtualBox", text, None, 0, signed(result_code))
        super().__init__(self.hresult, self.strerror, self.excepinfo, None)


class MisuseError(AttributeError):
    """The driver asked for what this version does not have."""


class Gates:
    """What all gates of one connection share."""

    def __init__(self, profile: Profile, flavour: str) -> None:
        self.profile = profile
        self.is_com = flavour == "COM"
        self.misuse: list[str] = []
        self.calls: list[str] = []
        self.before_call: Any = None  # called with "IMachine.saveState"; may raise RefusedError

    def misused(self, words: str) -> MisuseError:
        """Remember a misuse, so that a test fails also when the driver swallows the error."""
        self.misuse.append(words)
        return MisuseError(words)

    def error(self, refused: RefusedError) -> Exception:
        shape = COMError if self.is_com else XPCOMError
        return shape(refused.result_code, refused.text)

    def sequence(self, values: Any) -> Any:
        return tuple(values) if self.is_com else list(values)

    def outward(self, kind: str, value: Any) -> Any:
        """Turn what a model gives into what the binding gives."""
        if kind.endswith("[]"):
            return self.sequence(self.outward(kind[:-2], one) for one in value)
        if kind in self.profile.enumerations:
            return self.profile.number(kind, value) if isinstance(value, str) else value
        if kind.startswith("I"):
            return None if value is None else Gate(self, kind, value)
        return value

    def inward(self, what: str, kind: str, value: Any) -> Any:
        """Turn an argument into what a model takes, and check its type."""
        if kind.endswith("[]"):
            if isinstance(value, (list, tuple)) or (kind == "octet[]" and isinstance(value, bytes)):
                return [self.inward(what, kind[:-2], one) for one in value]
            raise self.misused(f"{what} is {kind}, not {value!r}")
        if kind in self.profile.enumerations:
            name = self.profile.name(kind, value)
            if name is None:
                raise self.misused(f"{what} is {kind}, which has no {value!r}")
            return name
        if kind.startswith("I"):
            if value is None:
                return None
            if isinstance(value, Gate) and value._interface == kind:
                return value._model
        elif kind in ("wstring", "uuid"):
            if isinstance(value, str):
                return value
        elif kind == "boolean":
            if isinstance(value, bool):
                return value
        elif kind in (*_INTEGERS, "octet"):
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        else:
            return value
        raise self.misused(f"{what} is {kind}, not {value!r}")


def model_of(gate: Gate) -> Any:
    """Return what stands behind an object of the API."""
    return gate._model


class Gate:
    """One object of VirtualBox's API."""

    def __init__(self, gates: Gates, interface: str, model: Any) -> None:
        self.__dict__.update(_gates=gates, _interface=interface, _model=model)

    def __repr__(self) -> str:
        return f"<{self._interface} of {self._gates.profile.version}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gate) and other._model is self._model

    def __hash__(self) -> int:
        return id(self._model)

    def __getattr__(self, name: str) -> Any:
        gates, what = self._gates, f"{self._interface}.{name}"
        member = gates.profile.member(self._interface, name)
        if isinstance(member, Method):
            return lambda *arguments: self._call(name, member, arguments)
        if isinstance(member, Attribute):
            if member.is_array and not gates.is_com:  # a method there, which is asked for next
                raise AttributeError(name)
            return self._get(name, member)
        array = gates.profile.member(self._interface, name[3:4].lower() + name[4:])
        array = array or gates.profile.member(self._interface, name[3:])  # as in DHCPServers
        if name.startswith("get") and isinstance(array, Attribute) and array.is_array:
            found = name[3:4].lower() + name[4:]
            known = gates.profile.member(self._interface, found)
            return lambda: self._get(found if known else name[3:], array)
        raise gates.misused(f"{gates.profile.version} has no {what}")

    def __setattr__(self, name: str, value: Any) -> None:
        gates, what = self._gates, f"{self._interface}.{name}"
        member = gates.profile.member(self._interface, name)
        if not isinstance(member, Attribute) or member.is_read_only:
            raise gates.misused(f"{gates.profile.version} has no {what} to set")
        inward = gates.inward(what, member.type, value)
        self._known(name)
        self._run(what, lambda: self._model.change(name, inward))

    def _get(self, name: str, attribute: Attribute) -> Any:
        self._known(name)
        value = self._run(f"{self._interface}.{name}", lambda: getattr(self._model, name))
        return self._gates.outward(attribute.type, value)

    def _call(self, name: str, method: Method, arguments: tuple[Any, ...]) -> Any:
        gates, what = self._gates, f"{self._interface}.{name}"
        wanted = method.only("in")
        if len(wanted) != len(arguments):
            gates.misused(f"{what} of {gates.profile.version} takes {len(wanted)} arguments")
            raise TypeError(f"{name}() takes {len(wanted)} arguments, not {len(arguments)}")
        given = {
            one.name: gates.inward(f"{one.name} of {what}", one.type, argument)
            for one, argument in zip(wanted, arguments)
        }
        self._known(name)
        answer = self._run(what, lambda: getattr(self._model, name)(**given))
        results = method.results
        if not results:
            return None
        answers = answer if len(results) > 1 else (answer,)
        shaped = [gates.outward(one.type, value) for one, value in zip(results, answers)]
        return tuple(shaped) if len(shaped) > 1 else shaped[0]

    def _known(self, name: str) -> None:
        if not hasattr(type(self._model), name) and name not in vars(self._model):
            raise NotImplementedError(
                f"the stand-in has no {self._interface}.{name}: add it to {type(self._model)}"
            )

    def _run(self, what: str, action: Any) -> Any:
        self._gates.calls.append(what)
        try:
            if self._gates.before_call:
                self._gates.before_call(what)
            return action()
        except RefusedError as refused:
            raise self._gates.error(refused) from refused


def signed(result_code: int) -> int:
    """Return a result code as both bindings give it."""
    return result_code - (1 << 32) if result_code >> 31 else result_code
