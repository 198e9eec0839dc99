"""pyvbox, with the enumerations of the installed VirtualBox in place of those of 6.1.

Versions have moved the numbers: 6 is a paused VM in 6.1, and a running one since 7.0. pyvbox has
its enumerations as tables in its classes; those are replaced, once for each connection.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

from boot2docker_py.drivers.virtualbox.binding.numbers import Members, is_alias


def library(members_of: Callable[[str], Members]) -> Any:
    """Return pyvbox's interfaces and enumerations, right for the installed version.

    Its own way of loading `vboxapi`, the class Manager, is not used: what it would open is closed
    only at the end of Python, where that fails with a traceback.
    """
    import virtualbox.library

    for enumeration in enumerations(virtualbox.library):
        members = members_of(enumeration.__name__)
        if members:
            _take(enumeration, members)
    return virtualbox.library


def enumerations(of_library: Any) -> list[Any]:
    """Return the classes of pyvbox that stand for enumerations."""
    base = of_library.Enum
    found = [one for one in vars(of_library).values() if isinstance(one, type(base))]
    return [one for one in found if one is not base]


def _take(enumeration: Any, members: Members) -> None:
    words = {label: text for label, _number, text in enumeration._enums}
    before = {label: number for label, number, _words in enumeration._enums if not is_alias(label)}
    enumeration._enums = [
        (label, number, words.get(label, "")) for label, number in members.items()
    ]
    enumeration._lookup_label = _Labels({number: label for label, number in members.items()})
    enumeration._lookup_doc = _Labels({number: text for _label, number, text in enumeration._enums})
    if members == before:
        return
    for label in before:
        delattr(enumeration, _attribute(label))
    for label, number in members.items():
        setattr(enumeration, _attribute(label), enumeration(number))


def _attribute(label: str) -> str:
    from virtualbox.library_base import pythonic_name

    return str(pythonic_name(label))


class _Labels(Dict[int, str]):
    """What the numbers of an enumeration stand for.

    pyvbox raises ValueError, from within a property, for a number that its table does not contain.
    """

    def __contains__(self, number: object) -> bool:
        return True

    def __missing__(self, number: int) -> str:
        return f"unknown({number})"


def given(thing: Any) -> Any:
    """Return an object of pyvbox, None where VirtualBox gave none: pyvbox wraps that all the same.

    Such an object is true, as all of pyvbox's are on Python 3.
    """
    return None if thing._i is None else thing
