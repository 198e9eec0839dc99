"""The type library of one VirtualBox, as its installer registers it in Windows.

It has the interfaces and the enumerations of a profile (tests/unit/drivers/virtualbox/profiles);
other interfaces are IDispatch in it. Wine's `widl` makes the file that COM reads.
usage: python -m tests.windows.com.type_library VERSION FILE.tlb
"""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Dict, Iterator, Union

from tests.unit.drivers.virtualbox import profile
from tests.unit.drivers.virtualbox.profile import Attribute, Method, Profile

# The identities of VirtualBox's library and classes, the same in every version.
LIBRARY, LIBRARY_VERSION = "D7569351-1750-46F0-936E-BD127D5BC264", "1.3"
CLASSES = {
    "VirtualBox": ("{B1A7A4F2-47B9-4A1E-82B2-07CCD5323C3F}", "IVirtualBox"),
    "VirtualBoxClient": ("{DD3FC71D-26C0-4FE1-BF6F-67F633265BBA}", "IVirtualBoxClient"),
    "Session": ("{3C02F46D-C9D2-4F11-A384-53F0CF917214}", "ISession"),
}
Members = Dict[str, Union[Attribute, Method]]
CLIENT: Members = {"virtualBox": Attribute("IVirtualBox", is_read_only=True)}
SIMPLE = {
    "wstring": "BSTR",
    "uuid": "BSTR",
    "boolean": "VARIANT_BOOL",
    "octet": "unsigned char",
    "short": "short",
    "unsigned short": "unsigned short",
    "long": "long",
    "unsigned long": "unsigned long",
    "long long": "__int64",
}
INCLUDES = ("/usr/include/wine/wine/windows", "/usr/include/wine/windows")


def interfaces(of: Profile) -> dict[str, Members]:
    """Return the interfaces with their members, whose numbers are their places from 1 on."""
    found = {name: of.members(name) for name in of.interfaces}
    return {**found, "IVirtualBoxClient": CLIENT}


def identity(of: Profile, name: str) -> str:
    """Return the identity of an interface or an enumeration, another in each version."""
    return str(uuid.uuid5(uuid.UUID(LIBRARY), f"{of.version} {name}"))


def idl(of: Profile) -> Iterator[str]:
    """Yield the lines of the library's source."""
    yield 'import "oaidl.idl";'
    yield f"[uuid({LIBRARY}), version({LIBRARY_VERSION})] library VirtualBox {{"
    yield 'importlib("stdole2.tlb");'
    yield "typedef IDispatch *PIDispatch;"
    for name in interfaces(of):
        yield f"interface {name}; typedef {name} *P{name};"
    for name, members in of.enumerations.items():
        inside = ", ".join(f"{name}_{member} = {number}" for member, number in members.items())
        yield f"typedef [uuid({identity(of, name)})] enum {name} {{ {inside} }} {name};"
    for name, members_of_interface in interfaces(of).items():
        yield f"[odl, uuid({identity(of, name)}), dual, oleautomation]"
        yield f"interface {name} : IDispatch {{"
        for number, (member, kind) in enumerate(members_of_interface.items(), start=1):
            yield from _member(of, number, member[0].upper() + member[1:], kind)
        yield "};"
    for name, (class_id, interface) in CLASSES.items():
        yield f"[uuid({class_id[1:-1]})] coclass {name} {{ [default] interface {interface}; }};"
    yield "};"


def _member(of: Profile, number: int, name: str, kind: Attribute | Method) -> Iterator[str]:
    if isinstance(kind, Method):
        ways = {"in": "[in]", "out": "[out]", "return": "[out, retval]"}
        pointer = {"in": "", "out": "*", "return": "*"}
        parameters = [
            f"{ways[one.direction]} {_type(of, one.type)} {pointer[one.direction]}a{one.name}"
            for one in (*kind.only("in", "out"), *kind.only("return"))
        ]
        yield f"[id({number})] HRESULT {name}({', '.join(parameters)});"
        return
    type_ = _type(of, kind.type)
    yield f"[id({number}), propget] HRESULT {name}([out, retval] {type_} *aValue);"
    if not kind.is_read_only:
        yield f"[id({number}), propput] HRESULT {name}([in] {type_} aValue);"


def _type(of: Profile, name: str) -> str:
    if name.endswith("[]"):
        return f"SAFEARRAY({_type(of, name[:-2])})"
    if name in SIMPLE:
        return SIMPLE[name]
    if name in of.enumerations:
        return name
    if name in interfaces(of):
        return f"P{name}"
    is_interface = name == "$unknown" or re.match("I[A-Z]", name)
    return "PIDispatch" if is_interface else "long"  # an enumeration that the profile has not


def make(version: str, file: Path) -> None:
    """Make the type library of a version."""
    of = profile.of(version)
    source = file.with_suffix(".idl")
    source.write_text("\n".join(idl(of)), encoding="ascii")
    (stdole,) = {one.parent for one in Path("/usr/lib").glob("*/wine/x86_64-windows/stdole2.tlb")}
    includes = [word for folder in INCLUDES for word in ("-I", folder)]
    command = ["widl", "-t", "--win64", *includes, "-L", str(stdole), "-o", str(file), str(source)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
