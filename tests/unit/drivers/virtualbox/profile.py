"""What one version of VirtualBox has: interfaces with their members, enumerations with numbers."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("profiles")
VERSIONS = ("5.2", "6.0", "6.1", "7.0", "7.1", "7.2")
FULL_VERSION = {"5.2": "5.2.44", "6.0": "6.0.24", "6.1": "6.1.50", "7.0": "7.0.26"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method."""

    direction: str  # in, out, return
    name: str
    type: str


@dataclass(frozen=True)
class Attribute:
    """One attribute of an interface."""

    type: str
    is_read_only: bool

    @property
    def is_array(self) -> bool:
        return self.type.endswith("[]")


@dataclass(frozen=True)
class Method:
    """One method of an interface."""

    parameters: tuple[Parameter, ...]

    def only(self, *directions: str) -> tuple[Parameter, ...]:
        """Return the parameters of these directions, in their order."""
        return tuple(one for one in self.parameters if one.direction in directions)

    @property
    def results(self) -> tuple[Parameter, ...]:
        """Return what comes back, in the order in which both bindings give it."""
        return self.only("return") + self.only("out")


class Profile:
    """The interfaces and the enumerations of one version."""

    def __init__(self, version: str) -> None:
        read = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
        self.version = version
        self.full_version = FULL_VERSION.get(version, f"{version}.14")
        self.as_tuple = tuple(int(number) for number in version.split("."))
        self.enumerations: dict[str, dict[str, int]] = read["enums"]
        self._interfaces = read["interfaces"]

    @property
    def interfaces(self) -> tuple[str, ...]:
        """Return the names of the interfaces."""
        return tuple(self._interfaces)

    def members(self, interface: str) -> dict[str, Attribute | Method]:
        """Return the members of an interface by their names."""
        found = {name: self.member(interface, name) for name in self._interfaces[interface]}
        return {name: member for name, member in found.items() if member is not None}

    def member(self, interface: str, name: str) -> Attribute | Method | None:
        """Return a member of an interface, None when this version has no such member."""
        found = self._interfaces.get(interface, {}).get(name)
        if found is None:
            return None
        if isinstance(found, str):
            return Attribute(found.replace("ro ", ""), found.startswith("ro "))
        return Method(tuple(_parameter(words) for words in found))

    def number(self, enumeration: str, name: str) -> int:
        """Return the number of a member of an enumeration."""
        return self.enumerations[enumeration][name]

    def name(self, enumeration: str, number: int) -> str | None:
        """Return the member that a number stands for; First* and Last* are no members."""
        for name, value in self.enumerations[enumeration].items():
            if value == number and not name.startswith(("First", "Last")):
                return name
        return None


def _parameter(words: str) -> Parameter:
    direction, name, kind = words.split(" ", 2)
    return Parameter(direction, name, kind)


@functools.lru_cache(maxsize=None)
def of(version: str) -> Profile:
    """Return the profile of a version, as in 7.2."""
    return Profile(version)
