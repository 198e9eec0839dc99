"""Settings: four places, one order, every mistake named."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from boot2docker_py import config as configuration
from boot2docker_py.config import Config, values
from boot2docker_py.config.settings import OBSOLETE, PREFIX, SETTINGS, Setting
from boot2docker_py.errors import ConfigError, UsageError
from boot2docker_py.paths import Paths, find

# A profile as `boot2docker config` of v1.8.0 prints it.
ORIGINAL = """# boot2docker profile filename: /home/me/.boot2docker/profile
Init = false
Verbose = false
Driver = "virtualbox"
Clobber = true
ForceUpgradeDownload = false
SSH = "ssh"
SSHGen = "ssh-keygen"
SSHKey = "/home/me/.ssh/id_boot2docker"
VM = "boot2docker-vm"
Dir = "/home/me/.boot2docker"
ISOURL = "https://api.github.com/repos/boot2docker/boot2docker/releases"
ISO = "/home/me/.boot2docker/boot2docker.iso"
DiskSize = 20000
Memory = 2048
CPUs = 8
SSHPort = 2022
DockerPort = 0
HostIP = "192.168.59.3"
DHCPIP = "192.168.59.99"
NetMask = [255, 255, 255, 0]
LowerIP = "192.168.59.103"
UpperIP = "192.168.59.254"
DHCPEnabled = true
Serial = false
SerialFile = "/home/me/.boot2docker/boot2docker-vm.sock"
Waittime = 300
Retries = 75

[DriverCfg]
  [DriverCfg.virtualbox]
    VBM = "VBoxManage"
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = find({"BOOT2DOCKER_DIR": str(tmp_path / "home")}, tmp_path)
    found.home.mkdir()
    return found


def load(paths: Paths, profile: str = "", /, **environ: str) -> Config:
    paths.profile.write_text(profile, encoding="utf-8")
    return configuration.load(paths, environ)


def mistake(paths: Paths, profile: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(paths, profile)
    return f"{caught.value.brief}\n{caught.value.details}"


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    others = {"profile", "origins", "own", "notes", "warnings"}
    assert {s.field for s in SETTINGS} == set(Config._fields) - others


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_a_setting_has_one_name_in_profile_environment_and_on_the_command_line(
    setting: Setting,
) -> None:
    def letters(name: str) -> str:
        return re.sub("[_-]", "", name).lower()

    names = {setting.key, setting.flag, setting.variable[len(PREFIX) :]}
    assert len({letters(name) for name in names}) == 1


def test_no_name_is_of_two_settings() -> None:
    keys = [key.lower() for s in SETTINGS for key in {s.key, s.former_key} if key]
    keys += [obsolete.key.lower() for obsolete in OBSOLETE]
    variables = [name for s in SETTINGS for name in {s.variable, s.former_variable}]
    assert len(keys) == len(set(keys))
    assert len(variables) == len(set(variables))


def test_former_names_are_still_read(paths: Paths) -> None:
    former = {"BOOT2DOCKER_MEMORY_MB": "1000", "BOOT2DOCKER_TIMEOUT_S": "7"}
    config = load(paths, "DHCPEnabled = false\nTCPPort = 2375", **former)
    assert (config.dhcp, config.tcp_port, config.memory_mb, config.timeout_s) == (
        *(False, 2375, 1000),
        7.0,
    )
    assert not config.warnings


def test_the_name_of_a_variable_wins_over_its_former_one(paths: Paths) -> None:
    config = load(paths, BOOT2DOCKER_MEMORY_MB="1000", BOOT2DOCKER_MEMORY="2000")
    assert config.memory_mb == 2000


def test_defaults_need_no_profile(tmp_path: Path) -> None:
    config = configuration.load(find({"BOOT2DOCKER_DIR": str(tmp_path / "nowhere")}, tmp_path), {})
    assert (config.vm, config.memory_mb, config.disk_mb) == ("boot2docker-vm", 2048, 20000)
    assert set(config.origins.values()) == {"default"}


def test_later_places_win(paths: Paths) -> None:
    profile = "Memory = 1000\nDiskSize = 1000\nCPUs = 1"
    environ = {"BOOT2DOCKER_MEMORY": "2000", "BOOT2DOCKER_DISKSIZE": "2000"}
    paths.profile.write_text(profile)
    config = configuration.load(paths, environ, {"disk_mb": "3000"})
    assert (config.cpus, config.memory_mb, config.disk_mb) == (1, 2000, 3000)
    assert config.origins["cpus"] == f"profile {paths.profile}"
    assert config.origins["memory_mb"] == "environment BOOT2DOCKER_MEMORY"
    assert config.origins["disk_mb"] == "flag --disksize"


def test_profile_of_the_original_is_read(paths: Paths) -> None:
    config = load(paths, ORIGINAL)
    assert (config.driver, config.cpus, config.ssh_port) == ("virtualbox", 8, 2022)
    assert config.netmask == "255.255.255.0"
    assert len(config.notes) == len([o for o in OBSOLETE if o.key != "VBM"])


def test_case_of_keys_does_not_matter(paths: Paths) -> None:
    assert load(paths, "memory = 512\nCPUS = 2").memory_mb == 512


def test_profile_elsewhere(paths: Paths, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("Memory = 777")
    found = load(paths, "", BOOT2DOCKER_PROFILE=str(other))
    assert (found.memory_mb, found.warnings) == (777, ())


def test_profile_elsewhere_that_is_not_there_is_said(paths: Paths, tmp_path: Path) -> None:
    [warning] = load(paths, "", BOOT2DOCKER_PROFILE=str(tmp_path / "ohter")).warnings
    assert str(tmp_path / "ohter") in warning


def test_byte_order_mark_of_windows_editors(paths: Paths) -> None:
    assert load(paths, "\ufeffMemory = 512").memory_mb == 512


def test_printed_settings_are_a_profile(paths: Paths) -> None:
    nasty = 'C:\\Users\\O\'Neil "x"\t\u00e4'
    config = load(paths, f"SSHKey = {configuration.profile_file.value_as_toml(nasty)}\nCPUs = 3")
    again = load(paths, configuration.as_toml(config))
    for setting in SETTINGS:
        assert getattr(again, setting.field) == getattr(config, setting.field)


def test_unknown_key_is_named_with_line_and_nearest(paths: Paths) -> None:
    assert f"{paths.profile}, line 2: Memroy is unknown; did you mean Memory?" in mistake(
        paths, "# mine\nMemroy = 4096"
    )


@pytest.mark.parametrize(("first", "second"), [("Memory", "memory"), ("TCPPort", "TCP")])
def test_two_spellings_of_one_key_are_a_mistake(paths: Paths, first: str, second: str) -> None:
    told = mistake(paths, f"{first} = 2048\n# later\n{second} = 4096\n")
    assert f"{paths.profile}, line 3: {second} is the same as {first} in line 1" in told


@pytest.mark.parametrize(
    "line", [r'Provision = ["/a\u0000b"]', r'VBoxShare = ["/a\u0000b=x"]', r'ISO = "/a\u0000b"']
)
def test_no_setting_has_a_nul(paths: Paths, line: str) -> None:
    assert "cannot have a NUL in it" in mistake(paths, line + "\n")


def test_all_mistakes_are_told_at_once(paths: Paths) -> None:
    told = mistake(paths, "Memory = 0\nCPUs = 1\nSSHPort = 70000\nDhcpEnabled = 7\n[oops]\n")
    assert "4 settings cannot be used" in told
    for line, words in ((1, "Memory must"), (3, "SSHPort must"), (4, "DhcpEnabled must")):
        assert f"line {line}: {words}" in told
    assert "line 5: oops is unknown" in told


def test_broken_profile_names_file_and_line(paths: Paths) -> None:
    told = mistake(paths, 'VM = "x"\nMemory = = 3')
    assert str(paths.profile) in told
    assert "line 2" in told


def test_profile_that_is_no_text(paths: Paths) -> None:
    paths.profile.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot read the profile"):
        configuration.load(paths, {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_mb", "0"),
        ("memory_mb", "-1"),
        ("memory_mb", "lots"),
        ("memory_mb", "1.5"),
        ("cpus", "0"),
        ("cpus", "33"),
        ("disk_mb", "10"),
        ("ssh_port", "65536"),
        ("ssh_port", "-1"),
        ("timeout_s", "0"),
        ("timeout_s", "nan"),
        ("timeout_s", "soon"),
        ("driver", "hyperv"),
        ("sha256", "abc"),
        ("host_ip", "192.168.59"),
        ("vm", "a/b"),
        ("vm", "a\\b"),
        ("vm", ""),
        ("vm", "   "),
        ("vm", ".."),
        ("vm", "-x"),
        ("vm", "x."),
        ("vm", "x" * 65),
        ("vm", "a\nb"),
        ("iso_url", ""),
        ("ssh_key", ""),
    ],
)
def test_bad_flag_is_refused_by_name(paths: Paths, field: str, value: str) -> None:
    flag = next(s.flag for s in SETTINGS if s.field == field)
    with pytest.raises(UsageError) as caught:
        configuration.load(paths, {}, {field: value})
    assert not isinstance(caught.value, ConfigError)
    assert caught.value.brief.startswith(f"{flag} must ")


@pytest.mark.parametrize("name", ["dev", "my vm", "Käyttäjä O'Neil", "a.b_c-d"])
def test_good_names(paths: Paths, name: str) -> None:
    assert configuration.load(paths, {}, {"vm": name}).vm == name


@pytest.mark.parametrize("name", ["CON", "aux", "nul", "Com1", "lpt9", "prn.x"])
def test_names_of_windows_devices_are_refused(paths: Paths, name: str) -> None:
    """A folder of that name can be made nowhere on Windows, and opens the device."""
    with pytest.raises(UsageError) as caught:
        configuration.load(paths, {}, {"vm": name})
    assert "--vm must be a plain name: Windows keeps this one" in caught.value.brief


@pytest.mark.parametrize("name", ["console", "com", "con-1", "nullable", "auxiliary.vm"])
def test_names_that_only_resemble_devices_are_good(paths: Paths, name: str) -> None:
    assert configuration.load(paths, {}, {"vm": name}).vm == name


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"ssh_port": "3000", "docker_port": "3000"}, "--sshport and --dockerport"),
        ({"lower_ip": "192.168.59.200", "upper_ip": "192.168.59.100"}, "is above"),
        ({"dhcp_ip": "10.0.0.1"}, "--dhcpip 10.0.0.1 is outside of 192.168.59.0/24"),
        ({"netmask": "255.0.255.0"}, "is not a network mask"),
    ],
)
def test_contradictions(paths: Paths, flags: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        configuration.load(paths, {}, flags)
    assert words in caught.value.details


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 2000,
        "Memory = " + "9" * 5000,
        "Memory = [1]",
        "VM = 5",
        "a = {b" + "={b" * 999,
    ],
)
def test_profile_that_nobody_means(tmp_path: Path, text: str) -> None:
    profile = tmp_path / "profile"
    profile.write_text(text)
    with pytest.raises(ConfigError):
        configuration.load(Paths(tmp_path, tmp_path), {}, {})


@pytest.mark.skipif(os.name != "posix", reason="needs FIFOs")
def test_profile_that_never_ends(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "profile")
    with pytest.raises(ConfigError, match="cannot read"):
        configuration.load(Paths(tmp_path, tmp_path), {}, {})
    for field in ("iso", "ssh_key", "cacert", "base_vmdk"):
        with pytest.raises(UsageError, match="not a pipe"):
            configuration.load(
                Paths(tmp_path / "home", tmp_path), {}, {field: str(tmp_path / "profile")}
            )


@pytest.mark.parametrize(
    "name", ["CON", "aux", "nul", "COM1", "lpt9.x", "CONIN$", "com\u00b9", "nul .x"]
)
def test_name_of_a_device_of_windows_is_no_name_of_a_vm(name: str) -> None:
    with pytest.raises(ValueError, match="device"):
        values.vm_name(name)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("10.0.2.5/24", "network"),
        ("10.0.2.0", "256 addresses"),
        ("10.0.0.0/16", "256 addresses"),
        ("127.0.0.0/24", "private"),
        ("169.254.1.0/24", "private"),
        ("8.8.8.0/24", "private"),
        ("x", "network"),
        ("192.168.59.0/24", "overlaps the host-only network"),
        ("172.17.200.0/24", "overlaps docker's own network"),
    ],
)
def test_a_network_that_cannot_be_the_vms_is_refused(
    paths: Paths, network: str, reason: str
) -> None:
    with pytest.raises(UsageError) as caught:
        configuration.load(paths, {}, {"nat_network": network})
    assert reason in f"{caught.value.brief}\n{caught.value.details}"


def test_a_host_only_network_must_not_be_the_vms_own(paths: Paths) -> None:
    flags = {"host_ip": "10.0.2.1", "dhcp_ip": "10.0.2.9"}
    flags.update(lower_ip="10.0.2.20", upper_ip="10.0.2.30")
    with pytest.raises(UsageError) as caught:
        configuration.load(paths, {}, flags)
    assert "--nat-network 10.0.2.0/24 overlaps the host-only network" in caught.value.details
    assert configuration.load(paths, {}, {**flags, "nat_network": "10.7.7.0/24"}).nat_network


@pytest.mark.parametrize(
    ("flag", "flags"),
    [
        ("--nat-network", {"nat_network": "192.168.60.0/24"}),
        (
            "--hostip",
            {
                "host_ip": "192.168.60.1",
                "dhcp_ip": "192.168.60.2",
                "lower_ip": "192.168.60.3",
                "upper_ip": "192.168.60.9",
            },
        ),
    ],
)
def test_a_network_that_would_hide_the_internal_one_is_refused_by_name(
    paths: Paths, flag: str, flags: dict[str, str]
) -> None:
    assert configuration.load(paths, {}, flags), "without an internal network nothing is hidden"
    with pytest.raises(UsageError) as caught:
        configuration.load(paths, {}, {**flags, "internal_network": "ours"})
    assert flag in caught.value.details
    assert "overlaps the network of --internal-network, 192.168.60.0/24" in caught.value.details
