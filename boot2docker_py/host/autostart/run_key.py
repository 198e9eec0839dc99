"""Windows: a value of the user's Run key, which needs no rights.

After Microsoft's page "Run and RunOnce Registry Keys". A command there is at most 260 characters
long, and has the variables of the user's environment, not those of the shell that wrote it.
"""

# ruff: noqa: D102 - what the members do is said once, in Entry

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import PureWindowsPath
from typing import Mapping

from boot2docker_py.errors import StorageError, UsageError
from boot2docker_py.host.autostart.entry import Entry, Job

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
ENVIRONMENT = "Environment"
LONGEST = 260


def windowless(python: str) -> str:
    """Return the Python that has no console beside the one that has."""
    path = PureWindowsPath(python)
    is_console = path.name.lower() == "python.exe"
    return str(path.with_name("pythonw.exe")) if is_console else python


def command_line(job: Job) -> str:
    """Return what Windows runs."""
    python, *words = job.command
    return subprocess.list2cmdline([windowless(python), *words])


def demand_possible(job: Job, of_user: Mapping[str, str]) -> None:
    """Raise what stands against the job at a login, when only the user's variables are there.

    Raises:
        UsageError: the command is too long, or needs a variable of this shell.
    """
    line = command_line(job)
    if len(line) > LONGEST:
        raise UsageError(
            f"Windows starts no command of more than {LONGEST} characters at login",
            details=line,
            resolution="Install boot2docker in a folder with a shorter name.",
        )
    missing = [name for name, value in job.settings.items() if of_user.get(name) != value]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} is set in this shell alone, and not at login",
            resolution="Set it for good: "
            + "; ".join(f'setx {name} "{job.settings[name]}"' for name in missing),
        )


class RunKey(Entry):
    """One value of the key."""

    @property
    def _name(self) -> str:
        return f"boot2docker {self.vm_name}"

    @property
    def place(self) -> str:
        return f"HKEY_CURRENT_USER\\{RUN}, {self._name}"

    def written(self, job: Job) -> str:
        return command_line(job)

    if sys.platform == "win32":

        def write(self, job: Job) -> None:
            import winreg

            demand_possible(job, _values(ENVIRONMENT))
            try:
                with winreg.CreateKey(winreg.HKEY_CURRENT_USER, RUN) as key:
                    winreg.SetValueEx(key, self._name, 0, winreg.REG_SZ, self.written(job))
            except OSError as error:
                raise self._refused("write", error) from error

        def remove(self) -> bool:
            import winreg

            try:
                access = winreg.KEY_SET_VALUE
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, RUN, 0, access) as key:
                    winreg.DeleteValue(key, self._name)
            except FileNotFoundError:
                return False
            except OSError as error:
                raise self._refused("remove", error) from error
            return True

        def read(self) -> str | None:
            try:
                return _values(RUN).get(self._name)
            except OSError as error:
                raise self._refused("read", error) from error

        def _refused(self, verb: str, error: OSError) -> StorageError:
            return StorageError(
                f"cannot {verb} the value of the registry",
                details=f"{self.place}: {error}",
                resolution="Ask who manages this machine.",
            )

    else:

        def write(self, job: Job) -> None:
            raise NotImplementedError("the registry is on Windows")

        def remove(self) -> bool:
            raise NotImplementedError("the registry is on Windows")

        def read(self) -> str | None:
            raise NotImplementedError("the registry is on Windows")


if sys.platform == "win32":

    def _values(key_name: str) -> dict[str, str]:
        """Return the values of a key of the user, by their names; none where there is no key."""
        import winreg

        found: dict[str, str] = {}
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key_name) as key:
                count = winreg.QueryInfoKey(key)[1]
                for index in range(count):
                    name, value, _kind = winreg.EnumValue(key, index)
                    found[name] = os.path.expandvars(str(value))
        except FileNotFoundError:
            return {}
        return found
