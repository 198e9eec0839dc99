"""What `set` changes of a VM, what takes effect when, and what is due at the next boot.

What is set for a VM is kept in a file of its own, between the profile and the environment. What
the VM is made of is made to agree with it whenever the VM is off: at once, else when it boots next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Sequence

from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.drivers import host
from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import Changes, State, VMInfo
from boot2docker_py.errors import UsageError
from boot2docker_py.machine.making import host_only_of

if TYPE_CHECKING:
    from boot2docker_py.config import Config

# Of what the VM is made; fields of Changes and of VMInfo.
MADE_OF = ("memory_mb", "cpus", "disk_mb", "ssh_port", "docker_port")
HOST_ONLY = ("host_only", "host_ip", "netmask", "dhcp", "dhcp_ip", "lower_ip", "upper_ip")
AT_BOOT = ("vbox_share", "share_symlinks")
AT_UP = ("publish", "tcp_port", "plain_ssh")
# What is brought to the engine when the VM comes up, or by one restart of the engine.
OF_ENGINE = (
    *("registry_mirrors", "insecure_registries", "engine_options", "engine_environment"),
    *("engine_dns", "engine_proxy", "engine_ca", "provision"),
)
SETTABLE = (*MADE_OF, *HOST_ONLY, *AT_BOOT, *AT_UP, *OF_ENGINE)

# Ports of this machine, which no two VMs share.
OF_ONE_VM = ("ssh_port", "docker_port", "tcp_port")

NOW, NEXT_BOOT, NEXT_UP = "now", "at the next boot", "at the next up"


class Setting(NamedTuple):
    """One setting that was changed, and when that takes effect."""

    field: str
    flag: str
    value: Any  # None: it is as if it had never been set
    takes_effect: str


class Change(NamedTuple):
    """What `set` found and did."""

    found: State
    settings: tuple[Setting, ...]
    was_restarted: bool = False


def demand_settable(fields: Sequence[str]) -> None:
    """Raise UsageError for a setting that is not of one VM that is there."""
    flags = {setting.field: setting.flag for setting in SETTINGS}
    wrong = [flags[field] for field in fields if field not in SETTABLE]
    if wrong:
        raise UsageError(
            f"set does not change {', '.join(wrong)}",
            details="it changes " + " ".join(flags[field] for field in SETTABLE),
            resolution="Settings of all VMs stand in the profile: boot2docker config",
        )


def due(own: Mapping[str, Any], config: Config, info: VMInfo) -> Changes:
    """Return what a VM that is off lacks of what was set for it."""
    changes = {
        field: own[field]
        for field in MADE_OF
        if field in own and own[field] != getattr(info, field)
    }
    if changes.get("ssh_port") == 0:
        del changes["ssh_port"]  # any will do, also the one that it has
    if changes.get("disk_mb", 1 << 62) < info.disk_mb:
        del changes["disk_mb"]  # it has grown since in another way; it never shrinks
    if any(field in own for field in HOST_ONLY):
        changes["host_only"] = host_only_of(config)
    return Changes(**changes)


def demand_possible(given: Mapping[str, Any], info: VMInfo) -> None:
    """Raise what stands against a change, before anything is written down.

    Raises:
        UsageError: out of range; the disk would have to shrink.
        NetworkError: a port is taken.
    """
    host.demand_change(
        Changes(**{field: given[field] for field in MADE_OF if field in given}), info
    )


def effects(values: Mapping[str, Any], state: State, *, is_restarted: bool) -> tuple[Setting, ...]:
    """Return when each of the settings takes effect for a VM in the state."""
    flags = {setting.field: setting.flag for setting in SETTINGS}
    return tuple(
        Setting(field, flags[field], value, NOW if is_restarted else _when(field, state))
        for field, value in values.items()
    )


def _when(field: str, state: State) -> str:
    if field in OF_ENGINE:
        return NOW if state is State.RUNNING else NEXT_UP
    if state in (State.OFF, State.ABORTED) and field in (*MADE_OF, *HOST_ONLY):
        return NOW
    return NEXT_UP if field in AT_UP else NEXT_BOOT


def apply(config: Config, driver: Driver) -> bool:
    """Make a VM that is off what was set for it; tell whether anything was changed."""
    if not any(field in config.own for field in (*MADE_OF, *HOST_ONLY)):
        return False
    changes = due(config.own, config, driver.describe())
    if all(change is None for change in changes):
        return False
    driver.change(changes)
    return True
