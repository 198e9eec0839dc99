"""What is started at login: the same for every system."""

# ruff: noqa: D102 - what the members do is said once, in Entry

from __future__ import annotations

import hashlib
import os
import re
import sys
from abc import ABC, abstractmethod
from enum import Enum
from pathlib import Path
from typing import Mapping, NamedTuple

from boot2docker_py import whole_file
from boot2docker_py.errors import StorageError

# What the shells of `boot2docker shell` have, and nothing else needs.
OF_ONE_SHELL = ("BOOT2DOCKER_PYTHON", "BOOT2DOCKER_PACKAGE", "BOOT2DOCKER_SECOND_TRY")


class Kept(str, Enum):
    """What the system has noted; the values are the words of `autostart status`."""

    OFF = "off"
    ON = "on"
    STALE = "stale"  # by another Python, for another folder, or in an older way


class Job(NamedTuple):
    """The VM to start at login, and what becomes of it at logoff."""

    vm_name: str
    saves_at_logoff: bool
    python: str = sys.executable
    settings: Mapping[str, str] = {}  # our variables of the environment

    @property
    def start(self) -> list[str]:
        """Return the command that brings the VM up, and ends."""
        return [self.python, "-m", "boot2docker_py", "--vm", self.vm_name, "up"]

    @property
    def save(self) -> list[str]:
        """Return the command that saves the VM."""
        return [*self.start[:-1], "save"]

    @property
    def start_and_save(self) -> list[str]:
        """Return the command that brings the VM up, stays, and saves it when the session ends."""
        return [*self.start[:-1], "autostart", "run"]

    @property
    def command(self) -> list[str]:
        """Return the command for a system that knows nothing of ends."""
        return self.start_and_save if self.saves_at_logoff else self.start


def settings_in(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which another boot2docker finds the same files."""
    return {
        name: value
        for name, value in sorted(environ.items())
        if name.startswith("BOOT2DOCKER_") and name not in (*OF_ONE_SHELL, "BOOT2DOCKER_VM")
    }


def file_name(vm_name: str) -> str:
    """Return a name for files: that of the VM, with a checksum where letters had to go."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "-", vm_name)
    if plain != vm_name:
        plain += "-" + hashlib.sha256(os.fsencode(vm_name)).hexdigest()[:8]
    return f"boot2docker-{plain}"


class Entry(ABC):
    """The place where the system has the start of one VM."""

    def __init__(self, vm_name: str) -> None:
        self.vm_name = vm_name

    @property
    @abstractmethod
    def place(self) -> str:
        """Return where it is, for people."""

    @abstractmethod
    def write(self, job: Job) -> None:
        """Let the system do the job from the next login on, and nothing else for this VM.

        Raises:
            StorageError: it cannot be written.
            UsageError: this system has no way to do this job.
        """

    @abstractmethod
    def remove(self) -> bool:
        """Let the system do nothing for this VM; tell whether it would have.

        Raises:
            StorageError: it cannot be removed.
        """

    @abstractmethod
    def read(self) -> str | None:
        """Return what the system has, as it is written; None when it has nothing."""

    @abstractmethod
    def written(self, job: Job) -> str:
        """Return what `write` would write."""

    def kept(self, settings: Mapping[str, str]) -> tuple[Kept, bool]:
        """Return what the system has noted, and whether the VM is saved at logoff."""
        found = self.read()
        if found is None:
            return Kept.OFF, False
        for saves in (False, True):
            if found == self.written(Job(self.vm_name, saves, settings=settings)):
                return Kept.ON, saves
        return Kept.STALE, False


class FileEntry(Entry):
    """An Entry that is one file of the user."""

    def __init__(self, vm_name: str, file: Path) -> None:
        super().__init__(vm_name)
        self.file = file

    @property
    def place(self) -> str:
        return str(self.file)

    def write(self, job: Job) -> None:
        text = self.written(job)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            content = text.encode("utf-8", errors="surrogateescape")
            whole_file.write(self.file, content, mode=whole_file.READABLE)
        except OSError as error:
            raise self._unwritable("write", error) from error

    def remove(self) -> bool:
        try:
            self.file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unwritable("remove", error) from error
        return True

    def read(self) -> str | None:
        try:
            return self.file.read_bytes().decode("utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unwritable("read", error) from error

    def _unwritable(self, verb: str, error: OSError) -> StorageError:
        return StorageError(
            f"cannot {verb} '{self.file}'",
            details=str(error),
            resolution="Make its folder writable for you, or make the file by hand.",
        )
