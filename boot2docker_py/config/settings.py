"""The table of settings: the command line, the profile, the environment and the docs follow it."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, NamedTuple

from boot2docker_py.config import engine, shares, values
from boot2docker_py.paths import USUAL_VM

DRIVERS = ("auto", "virtualbox", "qemu")

# All logical CPUs of a large host make the VM slower, not faster.
CPUS = max(1, min(4, os.cpu_count() or 1))

DISK_FORMATS = ("VMDK", "VDI")
PUBLISH_MODES = ("off", "loopback", "all")
HOST_ONLY_MODES = ("auto", "required", "off")
COLOURS = ("auto", "always", "never")
PREFIX = "BOOT2DOCKER_"
HOST_ONLY = "has_host_only_network"
SHARES = "has_shared_folders"
INTERNAL = "has_internal_network"


class Setting(NamedTuple):
    """One setting: where it can be given, how it is read, what it is for."""

    field: str  # of Config
    key: str  # in the profile; case does not matter, as in the original
    flags: str  # separated by a space; the long one first
    metavar: str  # empty for a switch
    default: object  # None: Config.load knows better, from the paths
    convert: Callable[[Any], object]  # raises ValueError with words that follow the name
    help: str
    needs: str = ""  # the driver's feature without which it has no effect
    is_list: bool = False  # its flag may be given more than once
    former_key: str = ""  # which old profiles have

    @property
    def variable(self) -> str:
        """Return the name of its environment variable, which is that of its flag."""
        return PREFIX + self.flag[2:].upper().replace("-", "_")

    @property
    def former_variable(self) -> str:
        """Return the name that its variable once had, which is still read; often the same."""
        return PREFIX + self.field.upper()

    @property
    def flag(self) -> str:
        """Return its long flag."""
        return self.flags.split()[0]


class Obsolete(NamedTuple):
    """A setting of the original that stands in old profiles and scripts and steers nothing here."""

    key: str
    flag: str  # empty when it never was one
    metavar: str  # empty for a switch
    reason: str


# fmt: off
SETTINGS = (
    Setting("vm", "VM", "--vm", "NAME", USUAL_VM, values.vm_name,
            "Name of the VM."),
    Setting("driver", "Driver", "--driver", "|".join(DRIVERS), "auto", values.choice(*DRIVERS),
            "Hypervisor; a VM keeps the one it was made with."),
    Setting("iso_url", "ISOURL", "--iso-url", "URL", "auto", values.text,
            "Where the image comes from: auto (the installed package boot2docker-image, else the "
            "original's releases), a releases API address, a URL, or a file."),
    Setting("iso", "ISO", "--iso", "FILE", None, values.readable_path,
            "The image on this machine."),
    Setting("sha256", "SHA256", "--sha256", "HEX", "", values.sha256,
            "Digest that a fetched image must have."),
    Setting("allow_unverified", "AllowUnverified", "--allow-unverified", "", False, values.truth,
            "Take an image over plain http although no digest of it is known."),
    Setting("cacert", "CACert", "--cacert", "FILE", None, values.optional_readable_path,
            "Certificates to trust for downloads."),
    Setting("offline", "Offline", "--offline", "", False, values.truth,
            "Use the image that is there; ask no network."),
    Setting("force_upgrade_download", "ForceUpgradeDownload", "--force-upgrade-download", "",
            False, values.truth, "Fetch the image even when it is current."),
    Setting("ssh_key", "SSHKey", "--sshkey", "FILE", None, values.readable_path,
            "Private SSH key."),
    Setting("disk_mb", "DiskSize", "--disksize -s", "SIZE", 20000,
            values.size_mb(256, 64 * 1024 * 1024),
            "Data disk, in MB or as 20g, when the VM is made."),
    Setting("disk_format", "DiskFormat", "--diskformat --vboxdisk", "|".join(DISK_FORMATS),
            "VMDK", values.choice(*DISK_FORMATS), "Format of the data disk, when the VM is made.",
            "has_disk_formats"),
    Setting("memory_mb", "Memory", "--memory -m", "SIZE", 2048,
            values.size_mb(128, 4 * 1024 * 1024), "Memory, in MB or as 4g, when the VM is made."),
    Setting("cpus", "CPUs", "--cpus -c", "N", CPUS, values.whole_number(1, 32),
            "CPUs, when the VM is made; default: the host's, at most 4."),
    Setting("ssh_port", "SSHPort", "--sshport", "PORT", 0, values.whole_number(0, 65535),
            "Port of SSH on 127.0.0.1, when the VM is made; 0: 2022, or a free one."),
    Setting("docker_port", "DockerPort", "--dockerport", "PORT", 0, values.whole_number(0, 65535),
            "Port on 127.0.0.1 for the engine's TLS port, when the VM is made; 0: none."),
    Setting("nat_network", "NATNetwork", "--nat-network", "NETWORK", "10.0.2.0/24",
            values.nat_network,
            "Network between the VM (.15) and this machine (.2), when the VM is made."),
    Setting("tcp_port", "TCP", "--tcp", "PORT", 0, values.whole_number(0, 65535),
            "Port on 127.0.0.1 at which every user of this machine, and the VM itself, "
            "can use the engine; 0: none.", former_key="TCPPort"),
    Setting("plain_ssh", "PlainSSH", "--plain-ssh", "", False, values.truth,
            "Leave SSH's packets and channels to paramiko: slower, for when the fast way fails."),
    Setting("console_log", "SerialFile", "--serialfile", "FILE", None, values.optional_path,
            "Log of the VM's serial console, when the VM is made."),
    Setting("timeout_s", "Timeout", "--timeout", "TIME", 300.0, values.seconds,
            "Time after which the command gives up: seconds, or as 5m."),
    Setting("verbose", "Verbose", "--verbose -v", "", False, values.truth,
            "Say more, on stderr."),
    Setting("color", "Color", "--color", "|".join(COLOURS), "auto", values.choice(*COLOURS),
            "Colours; auto: on a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set."),
    Setting("publish", "Publish", "--publish", "|".join(PUBLISH_MODES), "loopback",
            values.choice(*PUBLISH_MODES),
            "Where published ports of containers appear on this machine, from the next up on."),
    Setting("host_only", "HostOnly", "--hostonly", "|".join(HOST_ONLY_MODES), "auto",
            values.choice(*HOST_ONLY_MODES),
            "Host-only adapter, when the VM is made; auto: go on without, if it cannot be had.",
            HOST_ONLY),
    Setting("host_ip", "HostIP", "--hostip", "ADDRESS", "192.168.59.3", values.address,
            "Host-only adapter: address of this machine.", HOST_ONLY),
    Setting("netmask", "NetMask", "--netmask", "MASK", "255.255.255.0", values.address,
            "Host-only adapter: network mask.", HOST_ONLY),
    Setting("dhcp", "DHCP", "--dhcp", "", True, values.truth,
            "Host-only adapter: run a DHCP server.", HOST_ONLY, former_key="DHCPEnabled"),
    Setting("dhcp_ip", "DHCPIP", "--dhcpip", "ADDRESS", "192.168.59.99", values.address,
            "Host-only adapter: address of the DHCP server.", HOST_ONLY),
    Setting("lower_ip", "LowerIP", "--lowerip", "ADDRESS", "192.168.59.103", values.address,
            "Host-only adapter: first address for VMs.", HOST_ONLY),
    Setting("upper_ip", "UpperIP", "--upperip", "ADDRESS", "192.168.59.254", values.address,
            "Host-only adapter: last address for VMs.", HOST_ONLY),
    Setting("internal_network", "InternalNetwork", "--internal-network", "NAME", "",
            values.network_name,
            "Network that the VMs of this name have among themselves, when the VM is made.",
            INTERNAL),
    Setting("vbox_share", "VBoxShare", "--vbox-share", "DIR[=NAME]",
            shares.default(sys.platform), shares.shares,
            "Folder to share with the VM, at /NAME there; more than once for more; disable: none.",
            is_list=True),
    Setting("share_symlinks", "ShareSymlinks", "--share-symlinks", "", False, values.truth,
            "Let the VM make symbolic links in shared folders.", "can_forbid_symlinks"),
    Setting("registry_mirrors", "RegistryMirror", "--registry-mirror", "URL", (),
            engine.list_of(engine.mirror), "Mirror that the engine asks first; more than once.",
            is_list=True),
    Setting("insecure_registries", "InsecureRegistry", "--insecure-registry", "HOST", (),
            engine.list_of(engine.registry),
            "Registry that the engine may reach without TLS; more than once.", is_list=True),
    Setting("engine_options", "EngineOpt", "--engine-opt", "KEY=VALUE", (),
            engine.list_of(engine.option, r"\n"),
            "Option of the engine's daemon.json; more than once.", is_list=True),
    Setting("engine_environment", "EngineEnv", "--engine-env", "NAME=VALUE", (),
            engine.list_of(engine.variable, r"\n"),
            "Variable in the engine's environment; more than once.", is_list=True),
    Setting("engine_dns", "DNS", "--dns", "ADDRESS", (), engine.list_of(values.address),
            "Name server of containers; more than once.", is_list=True),
    Setting("engine_proxy", "Proxy", "--proxy", "auto|off|URL", engine.AUTO, engine.proxy,
            "Proxy of the engine; auto: this machine's."),
    Setting("engine_ca", "EngineCA", "--engine-ca", "auto|off|FILE", (engine.AUTO,),
            engine.certificates,
            "Authorities that the engine trusts; auto: those added to this machine.",
            is_list=True),
    Setting("provision", "Provision", "--provision", "SCRIPT", (), engine.scripts,
            "Script of this machine to run in the VM, once; always:SCRIPT: at each boot.",
            is_list=True),
    Setting("notices", "Notices", "--notices", "", True, values.truth,
            "Say once a day when a newer image is known, or a newer program."),
    Setting("gui", "GUI", "--gui", "", False, values.truth,
            "Show the VM's screen in a window, when it starts.", "has_window"),
    Setting("base_vmdk", "BaseVMDK", "--basevmdk", "FILE", None, values.optional_readable_path,
            "Disk to copy for the data disk, when the VM is made; its SSH key counts.",
            "can_copy_disk"),
)

OBSOLETE = (
    Obsolete("Init", "", "VALUE", "it was the original's own note"),
    Obsolete("Dir", "", "VALUE", "the folder is named by BOOT2DOCKER_DIR"),
    Obsolete("Clobber", "--clobber", "", "the original never read it either"),
    Obsolete("SSH", "--ssh", "VALUE", "SSH is built in"),
    Obsolete("SSHGen", "--ssh-keygen", "VALUE", "keys are made without another program"),
    Obsolete("Serial", "--serial", "", "the serial console is always logged"),
    Obsolete("Waittime", "--waittime", "VALUE", "every wait ends by --timeout"),
    Obsolete("Retries", "--retries", "VALUE", "every wait ends by --timeout"),
    Obsolete("VBM", "--vbm", "VALUE", "VirtualBox is driven through its API"),
    Obsolete("DriverCfg", "", "VALUE", "drivers have no settings of their own"),
)
# fmt: on
