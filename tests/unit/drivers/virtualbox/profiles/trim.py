"""Trim facts on VirtualBox's API, read off VirtualBox.xidl, to the profiles in this folder.

usage: trim.py FACTS, a folder with 5.1.json, 6.0.json ... of every interface and enumeration.
An attribute becomes its type, "ro " before it when it is read-only; a method its parameters.
5.2 has no facts of its own: it is what 5.1 and 6.0 agree on, and what was measured on 5.2.42.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

INTERFACES = """
    IVirtualBox IHost IHostNetworkInterface IDHCPServer IMachine ISession IConsole
    IStorageController IMedium IMediumIO IMediumAttachment INetworkAdapter INATEngine ISerialPort
    ISharedFolder IProgress ISnapshot IVirtualBoxErrorInfo IAudioAdapter IAudioSettings
    IDHCPConfig IDHCPIndividualConfig IAppliance IVirtualSystemDescription
    IGraphicsAdapter IBIOSSettings IFirmwareSettings IPlatform IPlatformX86 ISystemProperties
""".split()
MEASURED_ON_5_2 = ("createSharedFolder",)  # as in 5.1: four arguments


def trimmed(facts: dict[str, Any]) -> dict[str, Any]:
    every = facts["interfaces"]
    interfaces = {name: members(every, name) for name in every if name in INTERFACES}
    words = json.dumps(interfaces).replace("[]", "").replace('"', " ").split()
    enums = {name: found for name, found in facts["enums"].items() if name in words}
    return {"read_from": facts["read_from"], "interfaces": interfaces, "enums": enums}


def members(every: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the members of an interface, with those that it inherits."""
    found = every.get(name)
    if found is None:
        return {}
    attributes = {
        attribute: ("ro " if fact["readonly"] else "") + fact["type"]
        for attribute, fact in found["attributes"].items()
    }
    return {**members(every, found["extends"]), **attributes, **found["methods"]}


def agreed(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            member: _narrower(member, fact, other[name].get(member))
            for member, fact in found.items()
            if _narrower(member, fact, other[name].get(member)) is not None
        }
        for name, found in one.items()
        if name in other
    }


def _narrower(member: str, fact: Any, after: Any) -> Any:
    if fact == after or member in MEASURED_ON_5_2:
        return fact
    return fact if fact == f"ro {after}" else None  # it became writable at some time


def between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        "read_from": f"{before['read_from']} and {after['read_from']}",
        "interfaces": agreed(before["interfaces"], after["interfaces"]),
        "enums": agreed(before["enums"], after["enums"]),
    }


def main(facts: str) -> None:
    read = {
        file.stem: trimmed(json.loads(file.read_text(encoding="utf-8")))
        for file in Path(facts).glob("*.json")
    }
    read["5.2"] = between(read.pop("5.1"), read["6.0"])
    for version, profile in read.items():
        lines = [f'"read_from": {json.dumps(profile["read_from"])}']
        for part in ("interfaces", "enums"):
            inner = [
                f"{json.dumps(name)}: {json.dumps(found, separators=(',', ':'))}"
                for name, found in profile[part].items()
            ]
            lines.append(f'"{part}": {{\n' + ",\n".join(inner) + "\n}")
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        Path(__file__).with_name(f"{version}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
