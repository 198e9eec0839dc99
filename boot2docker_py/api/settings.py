"""The settings: those in force, and what one VM alone is to be."""

from __future__ import annotations

from typing import Mapping, Sequence

from boot2docker_py import config as configuration
from boot2docker_py.api.calls import Calls, SettingValue, demand_known
from boot2docker_py.machine.changing import Change


class Settings(Calls):
    """The settings of one VM."""

    def set(
        self,
        *,
        restart: bool = False,
        unset: Sequence[str] = (),
        timeout_s: float | None = None,
        **settings: SettingValue,
    ) -> Change:
        """Change settings of this VM alone, as `memory_mb=4096`; return what takes effect when.

        `unset` names settings that are to be as if never set. `restart` lets a VM that runs have
        them now.

        Raises:
            UsageError: there is no such setting, or not of one VM; the disk would have to shrink.
            NetworkError: a port is taken.
            GuestError: the engine refuses its settings, and goes on with those of before.
        """
        demand_known({**settings, **dict.fromkeys(unset)})
        parts = self._parts(timeout_s, settings)
        given = {name: getattr(parts.config, name) for name in settings}
        change = parts.set(given, unset=unset, restart=restart)
        if change.was_restarted:
            parts.access.settle()
        return change

    def own_settings(self) -> Mapping[str, object]:
        """Return what has been set for this VM alone, by the names of `set`.

        Raises:
            NotFoundError: there is no VM.
        """
        parts = self._parts()
        parts.questions.state()
        own = parts.config.own
        return {field: configuration.shown_of(field, value) for field, value in own.items()}

    def settings(self) -> Mapping[str, object]:
        """Return the settings in force, as `boot2docker config --json` has them."""
        return configuration.as_dict(self._parts().config)
