"""Linux with systemd: a unit of the user's own manager, which stops it at logoff.

After systemd.service(5), systemd.unit(5) and systemd.syntax(7). It is enabled as `systemctl
--user enable` does it, by a link, so that no manager has to run.
"""

# ruff: noqa: D102 - what the members do is said once, in Entry

from __future__ import annotations

import os
from pathlib import Path
from typing import Sequence

from boot2docker_py.host.autostart.entry import FileEntry, Job, file_name

TARGET = "default.target"
# Longer than our own limits for one command, which end with words.
START_S, STOP_S = 660, 330


class SystemdUnit(FileEntry):
    """One unit in the user's folder of them."""

    def __init__(self, vm_name: str, folder: Path) -> None:
        super().__init__(vm_name, folder / f"{file_name(vm_name)}.service")
        self._link = folder / f"{TARGET}.wants" / self.file.name

    def write(self, job: Job) -> None:
        super().write(job)
        try:
            self._link.parent.mkdir(exist_ok=True)
            if not self._link.is_symlink():
                self._link.symlink_to(Path("..") / self.file.name)
        except OSError as error:
            raise self._unwritable("enable", error) from error

    def remove(self) -> bool:
        try:
            was_there = self._link.is_symlink()
            if was_there:
                self._link.unlink()
        except OSError as error:
            raise self._unwritable("disable", error) from error
        return super().remove() or was_there

    def read(self) -> str | None:
        text = super().read()
        if text is not None and not self._link.is_symlink():
            return ""  # it was disabled by hand
        return text

    def written(self, job: Job) -> str:
        stop = f"ExecStop={_line(job.save)}\n" if job.saves_at_logoff else ""
        settings = "".join(
            f"Environment={_quoted(f'{name}={value}')}\n" for name, value in job.settings.items()
        )
        return (
            "# Made by: boot2docker autostart on\n"
            "[Unit]\n"
            f"Description=boot2docker VM {_plain(job.vm_name)}\n\n"
            "[Service]\n"
            "Type=oneshot\n"
            "RemainAfterExit=yes\n"
            f"{settings}"
            f"ExecStart={_line(job.start)}\n"
            f"{stop}"
            f"TimeoutStartSec={START_S}\n"
            f"TimeoutStopSec={STOP_S}\n\n"
            "[Install]\n"
            f"WantedBy={TARGET}\n"
        )


def _plain(text: str) -> str:
    return text.replace("%", "%%").replace("\n", " ")


def _quoted(word: str) -> str:
    """Return a word as systemd reads it: no specifier, no variable, no escape is meant in it."""
    for letter, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("%", "%%")):
        word = word.replace(letter, escape)
    return f'"{word}"'


def _line(words: Sequence[str]) -> str:
    program, *arguments = words
    # `$` is for variables in arguments alone.
    rest = (_quoted(word).replace("$", "$$") for word in arguments)
    return " ".join([_quoted(os.path.abspath(program)), *rest])  # noqa: PTH100 - no link is followed
