"""The enumerations of the installed VirtualBox: members and numbers, out of its own type library.

Not the glue's constants: those may be of another version than VirtualBox.
"""

from __future__ import annotations

from typing import Dict

Members = Dict[str, int]


def members_by_xpcom(enumeration: str) -> Members:
    """Return the members of an enumeration; none where this version has no such enumeration."""
    import xpcom  # type: ignore[import-not-found]
    import xpcom.components  # type: ignore[import-not-found]
    import xpcom.xpt  # type: ignore[import-not-found]

    try:
        found = getattr(xpcom.components.interfaces, enumeration)
    except xpcom.Exception:
        return {}
    constants = xpcom.xpt.Interface(found._iidobj_).constants
    return _without_aliases({constant.name: constant.value for constant in constants})


def members_by_com(enumeration: str) -> Members:
    """Return the members of an enumeration; none where this version has no such enumeration.

    After an update of VirtualBox, pywin32 first loads the table that it made of the one before; the
    table that counts comes last.
    """
    import win32com.client  # type: ignore[import-untyped]

    prefix = f"{enumeration}_"
    for table in reversed(win32com.client.constants.__dicts__):
        names = [name for name in table if name.startswith(prefix)]
        if names:
            return _without_aliases({name[len(prefix) :]: table[name] for name in names})
    return {}


def _without_aliases(members: Members) -> Members:
    """Leave out FirstOnline and its like, second names of members that have one already."""
    return {name: number for name, number in members.items() if not is_alias(name)}


def is_alias(name: str) -> bool:
    """Tell whether a member only marks the first or the last of a range."""
    return name.startswith(("First", "Last"))
