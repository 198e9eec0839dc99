"""What a new VM is made of, and what can be changed only by making a new one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py import drivers, whole_file
from boot2docker_py.drivers import host
from boot2docker_py.drivers.base import Driver
from boot2docker_py.drivers.model import HostOnly, VMInfo, VMSpec
from boot2docker_py.machine.internal_network import joined
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.config import Config
    from boot2docker_py.image import Image

log = logging.getLogger(__name__)

# Fields of Config that are also fields of VMInfo.
SET_WHEN_MADE = ("disk_mb", "memory_mb", "cpus", "ssh_port", "docker_port", "nat_network")


def demand_possible(config: Config, paths: VMPaths) -> None:
    """Raise what this host has against the VM, before an image is fetched for it.

    Raises:
        UsageError: a size is out of range.
        NetworkError: a port is taken.
    """
    host.demand_possible(_spec(config, paths, config.iso, b""))


def make(config: Config, driver: Driver, paths: VMPaths, image: Image, deadline: Deadline) -> None:
    """Make the VM: keys, pinned host key, seed, and what the driver makes of them."""
    if config.base_vmdk and driver.features.can_copy_disk:
        _make_from(config.base_vmdk, config, driver, paths, image)
        return
    make_private_folder(paths.folder)
    first_bytes = _new_seed(config, paths, image)
    drivers.remember(paths, driver)
    with joined(driver, paths, config.internal_network, deadline) as network:
        spec = _spec(config, paths, image.path, first_bytes)
        driver.create(spec._replace(internal_network=network))


def renew_disk(config: Config, driver: Driver, paths: VMPaths, image: Image, disk_mb: int) -> None:
    """Give the VM a new data disk, as that of a new VM.

    Until it has answered, the host key of the old one, which may stay, is pinned, too.
    """
    make_private_folder(paths.folder)
    driver.replace_disk(_new_seed(config, paths, image, keeps_pin=True), disk_mb)


def _new_seed(config: Config, paths: VMPaths, image: Image, *, keeps_pin: bool = False) -> bytes:
    """Return the first bytes of a new disk, whose host key is pinned."""
    from boot2docker_py.guest import names, seed
    from boot2docker_py.ssh import host_keys, keys

    public_key = keys.ensure_key_pair(config.ssh_key)
    host_key, host_name = keys.make_host_key(), names.host_name(config.vm)
    # Only our image takes its host key from the seed; the official one makes its own, which is
    # then pinned at first contact.
    whole_file.clear(paths.known_hosts)
    if image.is_ours:
        line = host_key.public_line
        host_keys.pin(paths.known_hosts, host_name, line, beside_others=keeps_pin)
    else:
        paths.known_hosts.unlink(missing_ok=True)
    files = {
        "ssh/ssh_host_ed25519_key": host_key.private,
        "ssh/ssh_host_ed25519_key.pub": host_key.public_line.encode() + b"\n",
        "etc/hostname": host_name.encode() + b"\n",
    }
    return seed.build_seed(public_key, files)


def new_identity(config: Config, paths: VMPaths) -> bytes:
    """Return the seed that gives a copy of a VM keys and a name of its own; its key is pinned."""
    from boot2docker_py.guest import names, seed
    from boot2docker_py.ssh import host_keys, keys

    make_private_folder(paths.folder)
    public_key = keys.ensure_key_pair(config.ssh_key)
    host_key, host_name = keys.make_host_key(), names.host_name(config.vm)
    whole_file.clear(paths.known_hosts)
    host_keys.pin(paths.known_hosts, host_name, host_key.public_line)
    files = {
        "ssh/ssh_host_ed25519_key": host_key.private,
        "ssh/ssh_host_ed25519_key.pub": host_key.public_line.encode() + b"\n",
        "etc/hostname": host_name.encode() + b"\n",
    }
    return seed.build_new_seed(public_key, files, is_copy=True)


def new_name(config: Config, paths: VMPaths, name: str) -> bytes:
    """Return the seed that gives a VM another name; the host key is pinned under that, too."""
    from boot2docker_py.guest import names, seed
    from boot2docker_py.ssh import keys

    public_key = keys.ensure_key_pair(config.ssh_key)
    host_name = names.host_name(name)
    keep_pin(paths.known_hosts, config.vm, paths.known_hosts, name)
    return seed.build_new_seed(
        public_key, {"etc/hostname": host_name.encode() + b"\n"}, is_copy=False
    )


def keep_pin(source: Path, source_name: str, target: Path, target_name: str) -> None:
    """Pin for one VM the host key that is pinned for another, if any is."""
    from boot2docker_py.guest import names
    from boot2docker_py.ssh import host_keys

    whole_file.clear(target)
    pinned = host_keys.pinned(source, names.host_name(source_name))
    if pinned:
        host_keys.pin(target, names.host_name(target_name), pinned)


def _make_from(disk: Path, config: Config, driver: Driver, paths: VMPaths, image: Image) -> None:
    """Make the VM with a copy of a disk, on which keys and host key are already."""
    from boot2docker_py.ssh import keys

    keys.load(config.ssh_key)
    make_private_folder(paths.folder)
    paths.known_hosts.unlink(missing_ok=True)
    drivers.remember(paths, driver)
    driver.create(_spec(config, paths, image.path, b"")._replace(base_disk=disk))


def _spec(config: Config, paths: VMPaths, iso: Path, seed: bytes) -> VMSpec:
    return VMSpec(
        iso=iso,
        seed=seed,
        disk_mb=config.disk_mb,
        memory_mb=config.memory_mb,
        cpus=config.cpus,
        ssh_port=config.ssh_port,
        docker_port=config.docker_port,
        nat_network=config.nat_network,
        console_log=config.console_log or paths.console_log,
        host_only=host_only_of(config),
        disk_format=config.disk_format,
    )


def host_only_of(config: Config) -> HostOnly:
    """Return the network that the settings describe."""
    return HostOnly(
        mode=config.host_only,
        host_ip=config.host_ip,
        netmask=config.netmask,
        dhcp=config.dhcp,
        dhcp_ip=config.dhcp_ip,
        lower_ip=config.lower_ip,
        upper_ip=config.upper_ip,
    )


def compare(config: Config, info: VMInfo) -> None:
    """Hold the settings against the VM that is there, and say which of them come too late.

    Raises:
        UsageError: its disk would have to shrink.
    """
    if config.flag("disk_mb"):
        host.demand_growth(config.vm, info.disk_mb, config.disk_mb)
    for field in SET_WHEN_MADE:
        flag, wish, fact = config.flag(field), getattr(config, field), getattr(info, field)
        if flag and wish not in (0, fact):
            words = "%s %s has no effect: VM '%s' has %s. To change it: boot2docker set %s %s"
            log.warning(words, flag, wish, config.vm, fact, flag, wish)
