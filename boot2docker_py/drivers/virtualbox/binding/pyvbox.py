"""pyvbox, with the enumerations of the installed VirtualBox in place of those of 6.1.

Versions have moved the numbers: 6 is a paused VM in 6.1, and a running one since 7.0. pyvbox has
its enumerations as tables in its classes; those are replaced, once for each connection.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any, Callable, Dict

from boot2docker_py.drivers.virtualbox.binding.numbers import Members, is_alias


class Library:
    """pyvbox's interfaces and enumerations, right for the installed version.

    Of its 129 enumerations a command needs a dozen, so each is put right when it is first asked
    for, or when one of its numbers is first read: all at once would be a tenth of `init`.
    """

    def __init__(self, members_of: Callable[[str], Members]) -> None:
        self._library = _library_alone()
        self._members_of = members_of
        for enumeration in enumerations(self._library):
            _read_numbers_by(enumeration, members_of)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._library, name)
        if isinstance(found, type(self._library.Enum)):
            members = self._members_of(name)
            if members:
                _take(found, members)
        setattr(self, name, found)  # so that it is asked for once
        return found


def _library_alone() -> Any:
    """Import pyvbox's interfaces, not the package around them.

    That has its own way of loading `vboxapi`, the class Manager: what it opens is closed only at
    the end of Python, where that fails with a traceback. And it extends the interfaces by methods
    that fail since 7.0. Without it, importing takes 15 ms in place of 26.
    """
    if "virtualbox" in sys.modules or "virtualbox.library" in sys.modules:
        return importlib.import_module("virtualbox.library")
    found = importlib.util.find_spec("virtualbox")
    if found is None:
        raise ModuleNotFoundError("No module named 'virtualbox'", name="virtualbox")
    sys.modules["virtualbox"] = importlib.util.module_from_spec(found)
    try:
        return importlib.import_module("virtualbox.library")
    finally:
        # Whoever imports the package later, in the same process, gets it whole.
        del sys.modules["virtualbox"]


def enumerations(of_library: Any) -> list[Any]:
    """Return the classes of pyvbox that stand for enumerations."""
    base = of_library.Enum
    found = [one for one in vars(of_library).values() if isinstance(one, type(base))]
    return [one for one in found if one is not base]


def _read_numbers_by(enumeration: Any, members_of: Callable[[str], Members]) -> None:
    labels = enumeration._lookup_label  # noqa: SLF001 - the table to be replaced
    name = enumeration.__name__
    if isinstance(labels, _Labels):  # of an earlier connection
        labels = labels.of_pyvbox
    # What pyvbox asks when a number comes; it has no public name for its tables.
    enumeration._lookup_label = _Labels(labels, lambda: members_of(name))  # noqa: SLF001 - so
    enumeration._lookup_doc = _NoWords()  # noqa: SLF001 - so


def _take(enumeration: Any, members: Members) -> None:
    table = enumeration._enums  # noqa: SLF001 - has no public name
    before = {label: number for label, number, _words in table if not is_alias(label)}
    enumeration._enums = [(label, number, "") for label, number in members.items()]  # noqa: SLF001 - so
    if members == before:
        return
    for label in before:
        delattr(enumeration, attribute(label))
    for label, number in members.items():
        setattr(enumeration, attribute(label), enumeration(number))


def attribute(label: str) -> str:
    """Return the name that pyvbox gives a member of an enumeration."""
    from virtualbox.library_base import pythonic_name

    return str(pythonic_name(label))


class _Labels(Dict[int, str]):
    """What the numbers of an enumeration stand for, in the installed version.

    pyvbox raises ValueError, from within a property, for a number that its table does not contain.
    """

    def __init__(self, of_pyvbox: dict[int, str], read_members: Callable[[], Members]) -> None:
        super().__init__()
        self.of_pyvbox = of_pyvbox
        self._read_members = read_members
        self._is_read = False

    def __contains__(self, number: object) -> bool:
        return True

    def __missing__(self, number: int) -> str:
        if not self._is_read:
            self._is_read = True
            members = self._read_members()
            # Where this version has no such enumeration, none of its numbers will come.
            self.update({one: label for label, one in members.items()} or self.of_pyvbox)
            return self[number]
        return f"unknown({number})"


class _NoWords(Dict[int, str]):
    """The words on each member, pyvbox's documentation of 6.1, which is never asked for."""

    def __missing__(self, _number: int) -> str:
        return ""


def given(thing: Any) -> Any:
    """Return an object of pyvbox, None where VirtualBox gave none: pyvbox wraps that all the same.

    Such an object is true, as all of pyvbox's are on Python 3.
    """
    return None if raw(thing) is None else thing


def raw(thing: Any) -> Any:
    """Return what an object of pyvbox wraps."""
    return thing._i  # noqa: SLF001 - has no public name


# Members that pyvbox does not have, or has otherwise, by their names in the IDL.


def call(thing: Any, method: str, arguments: list[Any]) -> Any:
    """Call a method."""
    return thing._call(method, arguments)  # noqa: SLF001 - the only way to such a member


def value(thing: Any, attribute_name: str) -> Any:
    """Return the value of an attribute."""
    return thing._get_attr(attribute_name)  # noqa: SLF001 - the only way to such a member


def change(thing: Any, attribute_name: str, to: object) -> None:
    """Change the value of an attribute."""
    thing._set_attr(attribute_name, to)  # noqa: SLF001 - the only way to such a member
