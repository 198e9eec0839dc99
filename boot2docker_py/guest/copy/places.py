"""What stands on the command line of `cp`: which side is in the VM, and what the copy is called."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from typing import Sequence

from boot2docker_py import device_names
from boot2docker_py.errors import UsageError

HOW = "Write the side in the VM as vm:PATH, as in: boot2docker cp notes.txt vm:/home/docker/"

# Of Linux, PATH_MAX; and folders in folders that a recursion of Python can still remove.
NAME_BYTES = 4096
DEPTH = 200


@dataclass(frozen=True)
class Copy:
    """What is to be copied, and into which direction."""

    sources: tuple[str, ...]
    target: str
    is_into_vm: bool

    def __post_init__(self) -> None:
        """Refuse a path that is empty, as that of a variable that is not set, or that is none.

        Path("") is the whole folder that we are in.

        Raises:
            UsageError: one is.
        """
        paths = (*self.sources, self.target)
        if not all(paths):
            raise UsageError("a source or the target is empty", resolution=HOW)
        for path in paths:
            if "\0" in path:
                raise UsageError("a path cannot have a NUL in it", details=repr(path))


def understood(words: Sequence[str], vm_name: str) -> Copy:
    """Return what the words SRC... DST mean.

    Only `vm:` and the VM's own name before a colon lead into the VM, so that `C:\\x` is a file
    here, as is `./vm:x`.

    Raises:
        UsageError: not exactly one side is in the VM, or a word is empty.
    """
    sides = [in_vm(word, vm_name) for word in words]
    *sources, target = sides
    are_in_vm = {source is not None for source in sources}
    if are_in_vm == {True} and target is None:
        return Copy(tuple(str(source) for source in sources), words[-1], is_into_vm=False)
    if are_in_vm == {False} and target is not None:
        return Copy(tuple(words[:-1]), target, is_into_vm=True)
    if target is not None or are_in_vm == {True, False}:
        raise UsageError(
            "cannot copy from the VM to the VM, nor from both sides at once",
            resolution='Inside the VM: boot2docker ssh "cp -r FROM TO"',
        )
    raise UsageError("neither side is in the VM", resolution=HOW)


def in_vm(word: str, vm_name: str) -> str | None:
    """Return the path in the VM that `word` names, None when it names one on this machine."""
    prefix, colon, path = word.partition(":")
    if not colon or len(prefix) < 2 or prefix not in ("vm", vm_name):
        return None
    # A shell would do it, and none reads this; relative paths begin in the home folder.
    path = "" if path == "~" else path[2:] if path.startswith("~/") else path
    return path or "."


def name_of(path: str) -> str:
    """Return what a copy of `path`, in the VM, is called; a dot when only its contents count."""
    name = posixpath.basename(path.rstrip("/"))
    return "." if name in ("", "..") else name


def parts(name: str, platform: str) -> tuple[str, ...]:
    """Return the names of folders and file that a name in an archive consists of, none for `.`.

    Raises:
        UsageError: it would lead out of the folder, or this system has no such names.
    """
    found = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or ".." in found or any("\0" in part for part in found):
        raise UsageError(f"the VM sent a file that would lie elsewhere: {name!r:.200}")
    if len(found) > DEPTH or len(os.fsencode(name)) > NAME_BYTES:
        raise UsageError(f"the VM sent a file with too long a name: {name!r:.200}")
    if platform == "win32":
        for part in found:
            if re.search(r'[\\:*?"<>|\x00-\x1f]', part) or part[-1] in ". ":
                raise _not_on_windows(part, name)
            if device_names.is_device(part):
                raise _not_on_windows(part, name)
    return found


def _not_on_windows(part: str, name: str) -> UsageError:
    return UsageError(
        f"Windows has no name like {part!r}",
        resolution=f"Give the file another name in the VM: {name}",
    )
