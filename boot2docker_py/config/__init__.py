"""One frozen Config: defaults, the profile, what was set for the VM, the environment, the flags."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, NamedTuple

from boot2docker_py.config import profile as profile_file
from boot2docker_py.config.engine import WrongItemError, variable_as_shown
from boot2docker_py.config.settings import OBSOLETE, PREFIX, SETTINGS, Setting
from boot2docker_py.config.values import demand_no_nul
from boot2docker_py.errors import ConfigError, UsageError
from boot2docker_py.masking import without_secrets
from boot2docker_py.paths import Paths

# What the environment may say besides: of folders and files, of tests, and to our own processes.
NO_SETTINGS = frozenset(
    PREFIX + name
    for name in ("DIR", "PROFILE", "QEMU", "TEST_ISO", "SECOND_TRY", "PACKAGE", "PYTHON", "CLEAN")
)


class Config(NamedTuple):
    """What the user wants, from all places; `origins` names the place of each field."""

    vm: str
    driver: str
    iso_url: str
    iso: Path
    sha256: str
    allow_unverified: bool
    cacert: Path | None
    offline: bool
    force_upgrade_download: bool
    ssh_key: Path
    disk_mb: int
    disk_format: str
    memory_mb: int
    cpus: int
    ssh_port: int
    docker_port: int
    nat_network: str
    tcp_port: int
    plain_ssh: bool
    console_log: Path | None  # None: the VM's folder
    timeout_s: float
    verbose: bool
    color: str
    publish: str
    host_only: str
    host_ip: str
    netmask: str
    dhcp: bool
    dhcp_ip: str
    lower_ip: str
    upper_ip: str
    internal_network: str  # empty: none
    vbox_share: tuple[str, ...]  # each DIR=NAME
    share_symlinks: bool
    registry_mirrors: tuple[str, ...]
    insecure_registries: tuple[str, ...]
    engine_options: tuple[str, ...]  # each KEY=VALUE
    engine_environment: tuple[str, ...]  # each NAME=VALUE
    engine_dns: tuple[str, ...]
    engine_proxy: str  # auto, off or a URL
    engine_ca: tuple[str, ...]  # auto, or files
    provision: tuple[str, ...]  # files, maybe with `always:` before
    notices: bool
    gui: bool
    base_vmdk: Path | None
    profile: Path
    origins: Mapping[str, str]
    own: Mapping[str, Any]  # what was set for this VM alone, by `boot2docker set`
    notes: tuple[str, ...]  # things in the profile that have no effect
    warnings: tuple[str, ...]  # things in the environment that have none

    def given(self) -> dict[str, Any]:
        """Return what was given to this very command by flags."""
        fields = (setting.field for setting in SETTINGS)
        return {field: getattr(self, field) for field in fields if self.flag(field)}

    def flag(self, field: str) -> str | None:
        """Return the flag by which `field` was given to this very command, None if it was not."""
        kind, _, flag = self.origins[field].partition(" ")
        return flag if kind == "flag" else None


def load(
    paths: Paths, environ: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Config:
    """Merge all places into one Config; `flags` maps field names to what was typed.

    Raises:
        ConfigError: the profile or the environment is wrong; details list every mistake.
        UsageError: a flag is wrong, or two settings contradict each other.
    """
    named = environ.get("BOOT2DOCKER_PROFILE", "")
    profile = Path(named or paths.profile).absolute()
    merge = _Merge()
    merge.read_profile(profile)
    own = merge.read_own(merge.own_file(paths, environ, flags or {}))
    merge.read_environment(environ)
    merge.stop_at_mistakes(ConfigError, resolution=f"Correct '{profile}' or the environment.")
    merge.read_flags(flags or {})
    merge.stop_at_mistakes(UsageError, resolution="boot2docker help options")
    merge.complete(paths)
    config = Config(
        **merge.values,
        profile=profile,
        origins=merge.origins,
        own=own,
        notes=tuple(merge.notes),
        warnings=tuple(merge.unknown_in(environ)),
    )
    _check_together(config)
    if named and not profile.exists():
        missing = f"There is no '{profile}', which BOOT2DOCKER_PROFILE names."
        return config._replace(warnings=(*config.warnings, missing))
    return config


class _Merge:
    """The values so far, where they came from, and the mistakes met on the way."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {s.field: s.default for s in SETTINGS}
        self.origins = {s.field: "default" for s in SETTINGS}
        self.notes: list[str] = []
        self.mistakes: list[str] = []

    def own_file(
        self, paths: Paths, environ: Mapping[str, str], flags: Mapping[str, object]
    ) -> Path | None:
        """Return the settings of this VM alone; its name comes from wherever it is given last."""
        vm = next(one for one in SETTINGS if one.field == "vm")
        given = flags.get("vm") or environ.get(vm.variable) or self.values["vm"]
        try:
            return paths.settings_of(str(vm.convert(given)))
        except ValueError:
            return None  # which is said of the name itself

    def read_own(self, file: Path | None) -> Mapping[str, Any]:
        """Read what was set for one VM alone, and return that."""
        if file is None or not file.exists():
            return {}
        self.read_profile(file, "set in")
        of_file = f"set in {file}"
        return {name: self.values[name] for name in self.values if self.origins[name] == of_file}

    def read_profile(self, profile: Path, kind: str = "profile") -> None:
        text = profile_file.read_text(profile)
        settings = {s.former_key.lower(): s for s in SETTINGS if s.former_key}
        settings.update({s.key.lower(): s for s in SETTINGS})
        obsolete = {o.key.lower(): o.reason for o in OBSOLETE}
        keys: dict[str, str] = {}  # by the fields that they set
        for key, value in profile_file.parse(text, profile).items():
            place = f"{profile}, line {profile_file.line_of(key, text)}: {key}"
            if key.lower() in settings:
                setting = settings[key.lower()]
                first = keys.setdefault(setting.field, key)
                if first != key:  # TOML forbids only the same spelling twice
                    line = profile_file.line_of(first, text)
                    self.mistakes.append(f"{place} is the same as {first} in line {line}")
                self._set(setting, value, place, f"{kind} {profile}")
            elif key.lower() in obsolete:
                self.notes.append(f"{place} has no effect: {obsolete[key.lower()]}")
            else:
                self.mistakes.append(f"{place} is unknown{_nearest_key(key)}")

    def read_environment(self, environ: Mapping[str, str]) -> None:
        for setting in SETTINGS:
            for name in (setting.variable, setting.former_variable):
                if environ.get(name):
                    self._set(setting, environ[name], name, f"environment {name}")
                    break

    def unknown_in(self, environ: Mapping[str, str]) -> Iterator[str]:
        """Yield what is wrong with variables that look like settings and are none."""
        variables = {setting.variable for setting in SETTINGS}
        former = {setting.former_variable for setting in SETTINGS}
        for name in sorted(environ):
            if name.startswith(PREFIX) and name not in variables | former | NO_SETTINGS:
                yield f"{name} is no setting{_nearest(name, variables)}, and has no effect."

    def read_flags(self, flags: Mapping[str, object]) -> None:
        for setting in SETTINGS:
            if flags.get(setting.field) is not None:
                value, origin = flags[setting.field], f"flag {setting.flag}"
                self._set(setting, value, setting.flag, origin)

    def complete(self, paths: Paths) -> None:
        """Fill in the defaults that depend on the VM."""
        vm_name = self.values["vm"]
        self.values["iso"] = self.values["iso"] or paths.iso_of(vm_name)
        self.values["ssh_key"] = self.values["ssh_key"] or paths.key_of(vm_name)

    def _set(self, setting: Setting, value: object, place: str, origin: str) -> None:
        try:
            demand_no_nul(value)
            self.values[setting.field] = setting.convert(value)
            self.origins[setting.field] = origin
        except ValueError as error:
            self.mistakes.append(f"{place} {error}{_what_was_typed(setting, value, error)}")

    def stop_at_mistakes(self, kind: type[UsageError], *, resolution: str) -> None:
        if len(self.mistakes) == 1:
            raise kind(self.mistakes[0], resolution=resolution)
        if self.mistakes:
            raise kind(
                f"{len(self.mistakes)} settings cannot be used",
                details="\n".join(self.mistakes),
                resolution=resolution,
            )


def _nearest_key(key: str) -> str:
    return _nearest(key, [s.key for s in SETTINGS], "; did you mean {}?")


def _nearest(name: str, known: Iterable[str], question: str = " (did you mean {}?)") -> str:
    import difflib

    by_letters = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_letters, n=1, cutoff=0.5)
    return question.format(by_letters[near[0]]) if near else ""


_OF_DOCKER = "172.17.0.0/16"  # docker0, unless another was chosen
# What the guest makes of the MAC address: iso/root/usr/lib/boot2docker/network.
INTERNAL_ADDRESSES = "192.168.60.0/24"


def _check_together(config: Config) -> None:
    mistakes = [
        *_host_only_mistakes(config),
        *_nat_mistakes(config),
        *_internal_mistakes(config),
    ]
    if config.docker_port and config.ssh_port == config.docker_port:
        mistakes.append(f"--sshport and --dockerport are both {config.ssh_port}")
    if mistakes:
        raise UsageError(
            "two settings contradict each other",
            details="\n".join(mistakes),
            resolution="See where each comes from: boot2docker config",
        )


def _host_only_mistakes(config: Config) -> list[str]:
    network_fields = ("host_ip", "netmask", "dhcp_ip", "lower_ip", "upper_ip")
    if all(config.origins[field] == "default" for field in network_fields):
        return []  # so that most commands do not import what reads addresses
    import ipaddress

    try:
        network = ipaddress.IPv4Network(f"{config.host_ip}/{config.netmask}", strict=False)
    except ValueError:
        return [f"--netmask {config.netmask} is not a network mask"]
    mistakes = [
        f"--{field.replace('_', '')} {getattr(config, field)} is outside of {network}"
        for field in ("dhcp_ip", "lower_ip", "upper_ip")
        if ipaddress.IPv4Address(getattr(config, field)) not in network
    ]
    if ipaddress.IPv4Address(config.lower_ip) > ipaddress.IPv4Address(config.upper_ip):
        mistakes.append(f"--lowerip {config.lower_ip} is above --upperip {config.upper_ip}")
    return mistakes


def _nat_mistakes(config: Config) -> list[str]:
    if config.origins["nat_network"] == "default" and config.origins["host_ip"] == "default":
        return []  # so that most commands do not import what reads addresses
    import ipaddress

    nat = ipaddress.IPv4Network(config.nat_network)
    with contextlib.suppress(ValueError):  # a mask that is none is reported elsewhere
        host_only = ipaddress.IPv4Network(f"{config.host_ip}/{config.netmask}", strict=False)
        others = {"the host-only network": host_only, "docker's own network": _OF_DOCKER}
        return [
            f"--nat-network {nat} overlaps {what}, {ipaddress.IPv4Network(other)}"
            for what, other in others.items()
            if nat.overlaps(ipaddress.IPv4Network(other))
        ]
    return []


def _internal_mistakes(config: Config) -> list[str]:
    if not config.internal_network:
        return []
    import ipaddress

    internal = ipaddress.IPv4Network(INTERNAL_ADDRESSES)
    networks = {
        "--nat-network": config.nat_network,
        "--hostip": f"{config.host_ip}/{config.netmask}",
    }
    with contextlib.suppress(ValueError):  # a mask that is none is reported elsewhere
        return [
            f"{flag} {network} overlaps the network of --internal-network, {internal}"
            for flag, network in networks.items()
            if internal.overlaps(ipaddress.IPv4Network(network, strict=False))
        ]
    return []


def _shown(config: Config) -> Config:
    """Return the settings without what may be a password."""
    fields = ("engine_proxy", "engine_environment", "engine_options")
    return config._replace(**{field: shown_of(field, getattr(config, field)) for field in fields})


def _what_was_typed(setting: Setting, value: object, error: ValueError) -> str:
    """Return what was typed in place of what is wanted, for the end of an error."""
    if setting.field in ("engine_proxy", "engine_environment"):
        return ""  # one that is written wrongly may have its password anywhere
    wrong = error.item if isinstance(error, WrongItemError) else value
    words = wrong if isinstance(wrong, (list, tuple)) else [wrong]
    return ", not " + (", ".join(map(repr, words)) or "nothing")


def shown_of(field: str, value: Any) -> Any:
    """Return the value of a setting as it may be shown, without secrets."""
    if isinstance(value, (list, tuple)):
        words = map(variable_as_shown, value) if field == "engine_environment" else value
        return tuple(without_secrets(word) if isinstance(word, str) else word for word in words)
    return without_secrets(value) if isinstance(value, str) else value


def as_dict(config: Config) -> dict[str, object]:
    """Return the settings as `config --json` prints them."""
    values = _shown(config)._asdict()
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in values.items()
        if name not in ("origins", "own", "warnings")
    }


def read_own(file: Path) -> Mapping[str, Any]:
    """Return what is set for one VM alone now, as `Config.own` has it of when it was loaded.

    Raises:
        ConfigError: the file is wrong.
    """
    merge = _Merge()
    own = merge.read_own(file)
    merge.stop_at_mistakes(ConfigError, resolution=f"Correct '{file}'.")
    return own


def write_own(file: Path, own: Mapping[str, Any]) -> None:
    """Write what is set for one VM alone, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    from boot2docker_py import whole_file

    whole_file.clear(file)
    if not own:
        file.unlink(missing_ok=True)
        return
    lines = ["# Written by `boot2docker set`, for this VM alone.\n"]
    for setting in SETTINGS:
        if setting.field in own:
            value = profile_file.value_as_toml(own[setting.field])
            lines.append(f"{setting.key} = {value}\n")
    whole_file.write(file, "".join(lines).encode())


def as_toml(config: Config) -> str:
    """Return the settings as a profile that `load` reads back, each with its origin."""
    lines = [f"# boot2docker profile filename: {config.profile}"]
    config = _shown(config)
    for setting in SETTINGS:
        value = profile_file.value_as_toml(getattr(config, setting.field))
        lines.append(f"{setting.key} = {value}  # {config.origins[setting.field]}")
    return "\n".join([*lines, *(f"# {note}" for note in config.notes)]) + "\n"
