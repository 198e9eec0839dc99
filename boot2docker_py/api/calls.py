"""What all calls of the API have in common: a VM by its name, and parts that are made for each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Mapping, TypeVar

from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.drivers.base import ShowBytes, show_no_bytes
from boot2docker_py.errors import UsageError
from boot2docker_py.machine.parts import Parts
from boot2docker_py.machine.steps import ShowStep, show_no_step
from boot2docker_py.paths import USUAL_VM
from boot2docker_py.wait import Report, silent

if TYPE_CHECKING:
    from boot2docker_py.image import DownloadProgress

# Anything that a setting can be, as `memory_mb=2048`; a list for one that may be given often.
SettingValue = object

AnyVM = TypeVar("AnyVM", bound="Calls")

# For a VM by its name, the seconds that the call may take, None for the usual, and more settings.
MakeParts = Callable[[str, "float | None", Mapping[str, SettingValue]], Parts]


class Calls:
    """One VM, by its name, and how the parts for one call are made."""

    def __init__(
        self,
        name: str = USUAL_VM,
        *,
        timeout_s: float | None = None,
        on_progress: Report = silent,
        on_download: Callable[[DownloadProgress], None] = lambda _progress: None,
        on_copy: ShowBytes = show_no_bytes,
        on_step: ShowStep = show_no_step,
        **settings: SettingValue,
    ) -> None:
        """Name a VM; nothing is asked or changed yet.

        `timeout_s` is for each call; without it, what the profile says. `on_progress` is called
        while something is waited for, `on_download` while an image arrives, `on_copy` with the
        bytes so far and in all (0: not known) while a disk or files are copied, `on_step` after
        each step, with the seconds that it took. `settings` are those of `boot2docker config`, by
        the names of its `--json`, as `memory_mb=2048`.

        Raises:
            UsageError: there is no such setting.
        """
        demand_known(settings)

        def make_parts(
            name: str, timeout_of_call_s: float | None, more: Mapping[str, SettingValue]
        ) -> Parts:
            flags: dict[str, object] = {"vm": name, **settings, **more}
            wanted_s = timeout_s if timeout_of_call_s is None else timeout_of_call_s
            if wanted_s is not None:
                flags["timeout_s"] = wanted_s
            return Parts(
                {field: _as_typed(value) for field, value in flags.items()},
                show=on_progress,
                show_download=on_download,
                show_copy=on_copy,
                show_step=on_step,
            )

        self.name = name
        self.make_parts: MakeParts = make_parts

    def _parts(
        self, timeout_s: float | None = None, more: Mapping[str, SettingValue] = {}
    ) -> Parts:
        """Return the parts for one call, whose deadline begins now."""
        return self.make_parts(self.name, timeout_s, more)

    def _named(self: AnyVM, name: str) -> AnyVM:
        """Return another VM with the settings of this one."""
        other = type(self)(name)
        other.make_parts = self.make_parts
        return other


def demand_known(settings: Mapping[str, SettingValue]) -> None:
    """Raise UsageError for what is no setting."""
    known = {setting.field for setting in SETTINGS} - {"vm"}  # its name is said once
    unknown = sorted(set(settings) - known)
    if unknown:
        raise UsageError(
            f"there is no setting {', '.join(unknown)}",
            details=f"there are: {', '.join(sorted(known))}",
        )


def _as_typed(value: SettingValue) -> object:
    """Return a setting as it would have been typed."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    return os.fspath(value) if isinstance(value, Path) else str(value)
