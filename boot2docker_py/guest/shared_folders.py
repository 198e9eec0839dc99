"""What a path of this machine is called in the guest, which sees the shared folders alone."""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import sys
from typing import Callable, NamedTuple, Sequence

from boot2docker_py.errors import UsageError

IN_VM = "vm:"  # before a path that is meant in the VM, as in `boot2docker cp`
ENGINE_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")


class Folder(NamedTuple):
    """A folder of this machine, and the name under `/` at which the guest mounts it."""

    here: str
    name: str


class SharedFolders:
    """The folders that the VM shares, seen from one working folder of this machine."""

    def __init__(
        self,
        folders: Sequence[Folder],
        working_folder: str,
        *,
        can_share: bool = True,
        platform: str = sys.platform,
        real_path: Callable[[str], str] = os.path.realpath,
    ) -> None:
        self._folders = folders
        self._working_folder = working_folder
        self._can_share = can_share
        self._real_path = real_path
        self.is_windows = platform == "win32"
        self._path = ntpath if self.is_windows else posixpath

    def looks_like_path(self, word: str) -> bool:
        """Tell a path from a plain name: it begins with a dot, a slash, a drive or `vm:`."""
        if word.startswith((".", "/", IN_VM)):
            return True
        return self.is_windows and ("\\" in word or re.match("[A-Za-z]:/", word) is not None)

    def working_folder(self) -> str | None:
        """Return what the guest calls our working folder; None where it does not see it."""
        return self._seen(self._working_folder)

    def in_guest(self, path: str) -> str:
        """Return what the guest calls `path`, which counts from our working folder.

        Windows has no paths that begin with one slash: they are the guest's own there.

        Raises:
            UsageError: it lies in no shared folder.
        """
        if path.startswith(IN_VM):
            return path[len(IN_VM) :]
        if self.is_windows and re.match(r"/(?!/)|//[A-Za-z]/", path):
            return posixpath.normpath(path.replace("//", "/", 1))
        if path in ENGINE_SOCKETS:
            return path
        absolute = self._path.normpath(self._path.join(self._working_folder, path))
        seen = self._seen(absolute)
        if seen is None:
            raise self._unseen(absolute)
        return seen

    def _seen(self, absolute: str) -> str | None:
        return self._below(absolute) or self._below(self._real_path(absolute))

    def _below(self, absolute: str) -> str | None:
        """Return the name in the guest, by the innermost folder that `absolute` lies in."""
        for folder in sorted(self._folders, key=lambda one: len(one.here), reverse=True):
            inside = self._inside(absolute, folder.here)
            if inside is not None:
                return posixpath.normpath(posixpath.join("/", folder.name, inside))
        return None

    def _inside(self, absolute: str, folder: str) -> str | None:
        """Return the path from the folder to what lies in it, with slashes."""
        folder = self._path.normpath(folder)
        ends = folder if folder.endswith(self._path.sep) else folder + self._path.sep
        beginning = absolute[: len(ends)]
        if self._path.normcase(absolute) == self._path.normcase(folder):
            return ""
        if self._path.normcase(beginning) != self._path.normcase(ends):
            return None
        rest = absolute[len(ends) :]
        return rest.replace("\\", "/") if self.is_windows else rest

    def _unseen(self, absolute: str) -> UsageError:
        brief = f"the VM does not see '{absolute}'"
        if not self._can_share:
            return UsageError(
                brief,
                details="The driver of this VM has no shared folders.",
                resolution=f'Copy it (boot2docker cp "{absolute}" vm:/tmp/), and name the copy: '
                f"{IN_VM}/tmp/{self._path.basename(absolute)}",
            )
        folder = absolute if self._path.splitext(absolute)[1] == "" else None
        folder = folder or self._path.dirname(absolute)
        shares = [*self._folders, Folder(folder, self._name_for(folder))]
        flags = " ".join(f'--vbox-share "{share.here}={share.name}"' for share in shares)
        return UsageError(
            brief,
            details=f"It shares {self._listed()} with this machine. {IN_VM}PATH names what is in "
            "the VM itself.",
            resolution=f"Share '{folder}' too, or keep VBoxShare in the profile: "
            f"boot2docker restart {flags}",
        )

    def _listed(self) -> str:
        return ", ".join(f"'{folder.here}'" for folder in self._folders) or "no folder"

    def _name_for(self, folder: str) -> str:
        drive, rest = self._path.splitdrive(folder)
        plain = (drive.rstrip(":").lower() + rest).replace("\\", "/").strip("/")
        return re.sub(r'[\s\x00-\x1f:*?"<>|=]+', "-", plain)
