"""The guest contract of our own image, on a real machine: bare QEMU, no code of ours around it.

Boots are dear, so one boot answers many questions: the classes below share machines.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import re
import shlex
import shutil
import ssl
import struct
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Dict, Iterator

import pytest

from tests.e2e.bare_qemu import MAGIC, BareVM, Disk, KeyPair, seed, sparse_disk

ISO = Path(
    os.environ.get("BOOT2DOCKER_TEST_ISO")
    or Path(__file__).resolve().parents[2] / "build" / "boot2docker.iso"
)
MB = 1024 * 1024
#: Package indexes take files of 100 MB, and the wheel adds its licences and manifest.
MOST_BYTES = 98_000_000
DISK_MB = 6000
GROWN_MB = 7000

BOOTSYNC = b"""#!/bin/sh
pidof dockerd && echo engine-was-there
sleep 1
echo "bootsync $(cut -d' ' -f1 /proc/uptime)" >> /var/lib/boot2docker/order
"""
BOOTLOCAL = b"""#!/bin/sh
docker version > /dev/null && echo "bootlocal $(cut -d' ' -f1 /proc/uptime)" \
    >> /var/lib/boot2docker/order
"""
PROFILE = b"""export HTTP_PROXY=http://proxy.example:3128
EXTRA_ARGS='--label "kind=a\\b" --label=from=profile'
exit_is_survived=yes
exit 3
"""


def digest(path: Path) -> str:
    value = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(MB), b""):
            value.update(block)
    return value.hexdigest()


def authority(folder: Path) -> bytes:
    """A certificate authority of a company, as a proxy that reads along has one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-subj", "/CN=Kitchen Authority", "-days", "30"]
        + ["-keyout", str(folder / "authority.key"), "-out", str(folder / "authority.pem")],
        check=True,
        capture_output=True,
    )
    return (folder / "authority.pem").read_bytes()


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return KeyPair.make(tmp_path_factory.mktemp("key") / "id")


class Lab:
    """One data disk and its neighbours, through several boots."""

    def __init__(self, folder: Path, key: KeyPair) -> None:
        self.folder = folder
        self.host_key = KeyPair.make(folder / "host_key")
        extra: Dict[str, bytes] = {
            "ssh/ssh_host_ed25519_key": self.host_key.private.read_bytes(),
            "ssh/ssh_host_ed25519_key.pub": self.host_key.public.encode(),
            "etc/hostname": b"kitchen\n",
            "profile": PROFILE,
            "bootsync.sh": BOOTSYNC,
            "bootlocal.sh": BOOTLOCAL,
            "certs/kitchen.pem": authority(folder),
        }
        # Modes that must not be believed.
        self.seed = seed(key.public, extra, folder_mode=0o777)
        self.data = sparse_disk(folder / "data.img", DISK_MB, self.seed)
        self.blank = sparse_disk(folder / "blank.img", 64)
        self.foreign = sparse_disk(folder / "foreign.img", 64, b"\0" * 512 + os.urandom(8192))
        self.neighbours = (self.blank, self.foreign)
        self.before = [digest(disk) for disk in self.neighbours]
        disks = (Disk(self.blank), Disk(self.foreign, "ahci"), Disk(self.data))
        self.vm = BareVM(ISO, folder, disks, key, nics=("virtio-net-pci", "e1000"))
        self.times: Dict[str, float] = {}

    def boot(self) -> None:
        self.vm.start()
        self.times = self.vm.boot_times()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, key: KeyPair) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"), key)
    try:
        yield lab
    finally:
        lab.vm.kill()


@pytest.fixture(scope="module")
def first(lab: Lab) -> Lab:
    """The first boot: the disk is formatted."""
    lab.boot()
    return lab


@pytest.fixture(scope="module")
def used(first: Lab) -> BareVM:
    """The first boot with an image in its engine, made from the guest's own busybox."""
    first.vm.run(
        "mkdir -p /tmp/context && cd /tmp/context && cp /bin/busybox . && "
        "printf 'FROM scratch\\nCOPY busybox /bin/busybox\\n"
        'RUN ["/bin/busybox","--install","-s","/bin"]\\n\' > Dockerfile && '
        "docker build -q -t box . 2>&1"
    )
    return first.vm


def slow_part_read_kb(vm: BareVM) -> int:
    """How much of the part that is packed with xz has been read since the boot began."""
    return int(
        vm.run(
            "for loop in /sys/block/loop*; do "
            "grep -q /root.squashfs $loop/loop/backing_file 2>/dev/null || continue; "
            "set -- $(cat $loop/stat); echo $(($3 / 2)); done"
        )
    )


#: The initrd cannot leave itself without them: it reaches the medium by them.
MODULES_OF_THE_MEDIUM = set(
    "ahci cdrom isofs libahci libata loop overlay scsi_common scsi_mod sd_mod squashfs sr_mod".split()
)


class TestReading:
    """A megabyte of the slow part takes an interpreted CPU ten seconds: iso/hot.txt names the rest."""

    def test_a_boot_and_a_login_read_little_of_the_slow_part(self, first: Lab) -> None:
        assert 0 < slow_part_read_kb(first.vm) < 1024

    def test_no_module_is_in_the_slow_part_that_a_busy_machine_loads_from_there(
        self, first: Lab
    ) -> None:
        """The initrd has most of them too, but is left before they are all loaded."""
        # Each layer of an overlay has a device number of its own.
        slow = first.vm.run(
            "for module in $(lsmod | tail -n +2 | cut -d' ' -f1); do "
            "file=$(/usr/sbin/modinfo -n $module); [ -e $file ] || continue; "
            "[ $(stat -c %d $file) = $(stat -c %d /usr/bin/bash) ] || echo $module; done"
        )
        assert set(slow.split()) <= MODULES_OF_THE_MEDIUM
        assert set(slow.split()) & MODULES_OF_THE_MEDIUM


class TestFormat:
    def test_only_the_disk_that_asks_is_formatted(self, first: Lab) -> None:
        console = first.vm.console()
        assert "formatting /dev/vdb, because it asks for it" in console
        assert "vda left alone" in console
        assert "sda left alone" in console

    def test_the_layout_is_the_official_one(self, first: Lab) -> None:
        table = first.vm.run("sudo sfdisk --dump /dev/vdb")
        assert "label: gpt" in table
        swap, data = (
            next(line for line in table.splitlines() if line.startswith(f"/dev/vdb{number} "))
            for number in (2, 1)
        )
        assert "start=        2048" in swap
        start = {line: int(line.split("start=")[1].split(",")[0].strip()) for line in (swap, data)}
        assert start[data] > start[swap]
        assert first.vm.run("findmnt -no FSTYPE /var/lib/docker") == "ext4"
        assert first.vm.run("sudo e2label /dev/vdb1") == "boot2docker-data"
        assert "/dev/vdb2" in first.vm.run("cat /proc/swaps")

    def test_the_folders_are_those_of_the_official_image(self, first: Lab) -> None:
        for folder in ("/var/lib/docker", "/var/lib/boot2docker", "/tmp"):
            assert first.vm.run(f"findmnt -no SOURCE {folder}") == f"/dev/vdb1[{folder}]"

    def test_the_seed_is_kept(self, first: Lab) -> None:
        text = first.vm.run("sudo sha256sum /var/lib/boot2docker/userdata.tar").split()[0]
        assert text == hashlib.sha256(first.seed.ljust(MB, b"\0")).hexdigest()


class TestSeed:
    def test_home_belongs_to_docker(self, first: Lab) -> None:
        wanted = {
            "/home/docker": "755",
            "/home/docker/.ssh": "700",
            "/home/docker/.ssh/authorized_keys": "600",
            "/home/docker/.ssh/authorized_keys2": "600",
        }
        for path, mode in wanted.items():
            assert first.vm.run(f"stat -c '%U %G %a' {path}") == f"docker staff {mode}"

    def test_only_what_is_meant_for_home_is_there(self, first: Lab) -> None:
        names = first.vm.run("ls -A /home/docker").splitlines()
        assert MAGIC not in names
        assert ".boot2docker" not in names

    def test_settings_are_laid_out(self, first: Lab) -> None:
        assert first.vm.run("hostname") == "kitchen"
        assert first.vm.run(
            "sudo stat -c '%U %a' /var/lib/boot2docker/ssh/ssh_host_ed25519_key"
        ) == ("root 600")

    def test_the_host_key_is_the_one_given(self, first: Lab) -> None:
        known = first.folder / "known_hosts"
        key = " ".join(first.host_key.public.split()[:2])
        known.write_text(f"[127.0.0.1]:{first.vm.ssh_port} {key}\n")
        words = first.vm.ssh_arguments("BatchMode=yes")
        words[words.index("StrictHostKeyChecking=no")] = "StrictHostKeyChecking=yes"
        words[words.index("UserKnownHostsFile=/dev/null")] = f"UserKnownHostsFile={known}"
        subprocess.run([*words, "true"], check=True, stdin=subprocess.DEVNULL, timeout=60)


class TestLogin:
    def test_no_password_is_asked_for(self, first: Lab) -> None:
        words = first.vm.ssh_arguments(
            "PubkeyAuthentication=no", "NumberOfPasswordPrompts=1", "BatchMode=no"
        )
        done = subprocess.run(
            [*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60
        )
        assert done.returncode == 255
        assert b"Permission denied (publickey)" in done.stderr

    def test_sudo_needs_none(self, first: Lab) -> None:
        assert first.vm.run("sudo -n id -u") == "0"
        assert "docker" in first.vm.run("id -nG").split()

    def test_unix_sockets_are_forwarded(self, first: Lab) -> None:
        path = first.folder / "forwarded"
        words = first.vm.ssh_arguments("BatchMode=yes", "ExitOnForwardFailure=yes")
        words[-1:-1] = ["-N", "-L", f"{path}:/var/run/docker.sock"]
        tunnel = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        try:
            first.vm.wait("the tunnel", path.exists, 30)
            done = subprocess.run(
                ["curl", "-s", "--unix-socket", str(path), "http://localhost/_ping"],
                stdout=subprocess.PIPE,
                check=False,
                timeout=30,
            )
            assert done.stdout == b"OK"
        finally:
            tunnel.kill()
            tunnel.wait()


class TestSettings:
    def test_the_profile_reaches_the_engine(self, first: Lab) -> None:
        environment = first.vm.run("sudo cat /proc/$(cat /var/run/docker.pid)/environ")
        names = dict(word.split("=", 1) for word in environment.split("\0") if word)
        assert names["HTTP_PROXY"] == "http://proxy.example:3128"
        assert "EXTRA_ARGS" not in names
        assert "SUDO_USER" not in names
        assert "from=profile" in first.vm.run("docker info --format '{{.Labels}}'")

    def test_scripts_run_before_and_after_the_engine(self, first: Lab) -> None:
        lines = first.vm.wait(
            "bootlocal.sh",
            lambda: [
                line.split()
                for line in [*first.vm.run("cat /var/lib/boot2docker/order").splitlines()]
            ]
            if "bootlocal" in first.vm.run("cat /var/lib/boot2docker/order")
            else None,
        )
        assert [line[0] for line in lines] == ["bootsync", "bootlocal"]
        assert "engine-was-there" not in first.vm.run(
            "cat /var/lib/boot2docker/log/bootsync.sh.log"
        )
        assert float(lines[0][1]) < first.times["engine"] < float(lines[1][1])

    def test_authorities_are_trusted(self, first: Lab) -> None:
        command = (
            "cat > /tmp/a.pem; openssl verify -CApath /etc/ssl/certs /tmp/a.pem && "
            "openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /tmp/a.pem"
        )
        given = (first.folder / "authority.pem").read_bytes()
        assert first.vm.run(command, stdin=given).count("OK") == 2

    def test_times_are_told(self, first: Lab) -> None:
        assert list(first.times) == ["kernel", "disk", "network", "ssh", "engine"]
        assert first.times["kernel"] < first.times["disk"] < first.times["engine"]
        assert "boot times: kernel" in first.vm.run("cat /var/lib/boot2docker/log/boot.log")


class TestClock:
    def test_it_is_right_soon_after_the_vm_stood_still(self, first: Lab) -> None:
        vm = first.vm

        def is_right() -> bool:
            return abs(int(vm.run("date +%s")) + 0.5 - time.time()) <= 2

        vm.wait("the right time before", is_right, 5)
        vm.qmp("stop")
        time.sleep(8)
        vm.qmp("cont")
        vm.wait("the right time", is_right, 30)

    def test_what_is_set_in_the_vm_stays(self, first: Lab) -> None:
        vm = first.vm
        hour_ago = int(time.time()) - 3600
        vm.run(f"sudo date -s @{hour_ago}")
        time.sleep(3)
        assert int(vm.run("date +%s")) < hour_ago + 1800
        vm.run(f"sudo date -s @{int(time.time())}")


class TestTools:
    def test_what_managers_type(self, first: Lab) -> None:
        vm = first.vm
        assert "ID=boot2docker" in vm.run("cat /etc/os-release").splitlines()
        assert "inet 10.0.2.15" in vm.run("ip addr show dev eth0")
        assert "inet 10.0.3.15" in vm.run("ip addr show dev eth1")
        command = vm.run("grep -a tcp:// /proc/$(cat /var/run/docker.pid)/cmdline")
        assert "tcp://0.0.0.0:2376" in command
        assert ":2376" in vm.run(
            "if ! type netstat 1>/dev/null; then ss -tln; else netstat -tln; fi"
        )
        archive = subprocess.run(
            [*vm.ssh_arguments("BatchMode=yes"), "tar c /home/docker/.docker/*.pem"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
            timeout=60,
        ).stdout
        names = tarfile.open(fileobj=io.BytesIO(archive)).getnames()
        assert sorted(Path(name).name for name in names) == ["ca.pem", "cert.pem", "key.pem"]

    def test_programs_are_in_the_path_of_plain_ssh(self, first: Lab) -> None:
        names = "docker dockerd ip ss ps date tar sudo netstat iptables curl reboot poweroff less"
        for name in names.split():
            assert first.vm.run(f"command -v {name}")

    def test_the_version_is_one(self, first: Lab) -> None:
        with ISO.open("rb") as stream:
            stream.seek(16 * 2048 + 40)
            volume = stream.read(32).decode().strip()
        version = first.vm.run(". /etc/os-release && echo $VERSION_ID")
        assert volume == f"b2d-v{version}"
        assert version.startswith(
            first.vm.run("docker version -f '{{.Server.Version}}'").split("+")[0]
        )


def tls_context(vm: BareVM, folder: Path, *, with_key: bool) -> ssl.SSLContext:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text(vm.run(f"cat /home/docker/.docker/{name}") + "\n")
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if with_key:
        context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
    return context


def ping(vm: BareVM, context: ssl.SSLContext) -> bytes:
    connection = http.client.HTTPSConnection("127.0.0.1", vm.tls_port, context=context, timeout=20)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().read()
    finally:
        connection.close()


#: Options of the kernel that make an emulated CPU faster and a guest weaker.
QUICK = [
    "mitigations=off",
    "security=none",
    "norandmaps",
    "rodata=off",
    "init_on_alloc=0",
    "initcall_blacklist=jent_mod_init",
]


@pytest.fixture(scope="class")
def hardened(tmp_path_factory: pytest.TempPathFactory, key: KeyPair) -> Iterator[BareVM]:
    """A VM whose CPU does not say that it is emulated."""
    folder = tmp_path_factory.mktemp("hardened")
    disk = sparse_disk(folder / "data.img", 1200, seed(key.public))
    with BareVM(ISO, folder, [Disk(disk)], key, cpu="max,model-id=Real") as vm:
        vm.boot_times(300)
        yield vm


class TestHardening:
    """What docs/hardening.md says is on, where."""

    def test_an_emulated_cpu_gets_speed(self, first: Lab) -> None:
        assert set(QUICK) <= set(first.vm.run("cat /proc/cmdline").split())
        assert first.vm.run("cat /proc/sys/kernel/randomize_va_space") == "0"
        assert "apparmor" not in first.vm.run("docker info --format '{{.SecurityOptions}}'")

    def test_another_gets_all_protection(self, hardened: BareVM) -> None:
        assert not set(QUICK) & set(hardened.run("cat /proc/cmdline").split())
        assert hardened.run("cat /proc/sys/kernel/randomize_va_space") == "2"
        assert "name=apparmor" in hardened.run("docker info --format '{{.SecurityOptions}}'")

    def test_containers_are_confined_there(self, hardened: BareVM) -> None:
        hardened.run("tar c -C / usr/bin/busybox | docker import - box")
        profile = hardened.run("docker run --rm box /usr/bin/busybox cat /proc/1/attr/current")
        assert profile == "docker-default (enforce)"


class TestTLS:
    def test_the_engine_answers_those_with_a_certificate(self, first: Lab) -> None:
        assert ping(first.vm, tls_context(first.vm, first.folder, with_key=True)) == b"OK"

    def test_and_no_others(self, first: Lab) -> None:
        context = tls_context(first.vm, first.folder, with_key=False)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ping(first.vm, context)

    def test_all_names_and_addresses_are_in_the_certificate(self, first: Lab) -> None:
        text = first.vm.run(
            "sudo openssl x509 -noout -text -in /var/lib/boot2docker/tls/server.pem"
        )
        for name in ("DNS:kitchen", "DNS:localhost", "127.0.0.1", "10.0.2.15", "10.0.3.15"):
            assert name in text
        assert "0:0:0:0:0:0:0:1" in text

    def test_keys_are_private(self, first: Lab) -> None:
        listing = first.vm.run("stat -c '%U %a %n' /home/docker/.docker/key.pem")
        assert listing.startswith("docker 600")
        assert first.vm.run("sudo stat -c %a /var/lib/boot2docker/tls/serverkey.pem") == "600"

    def test_new_ones_are_made_before_the_end_and_for_new_addresses(self, first: Lab) -> None:
        vm = first.vm
        folder = "/var/lib/boot2docker/tls"
        serial = f"sudo openssl x509 -noout -serial -in {folder}/server.pem"
        old = vm.run(serial)
        vm.run("sudo /etc/init.d/docker check-certificates")
        assert vm.run(serial) == old
        vm.run("sudo ip addr add 10.0.3.77/24 dev eth1; sudo /etc/init.d/docker check-certificates")
        assert vm.run(serial) != old
        assert "10.0.3.77" in vm.run(f"sudo openssl x509 -noout -text -in {folder}/server.pem")
        second = vm.run(serial)
        vm.run(
            f'sudo sed -i "s/^until .*/until $(($(date +%s) + 20 * 86400))/" '
            f"{folder}/boot2docker-certificates; sudo /etc/init.d/docker check-certificates"
        )
        assert vm.run(serial) not in (old, second)
        vm.wait("the engine", lambda: vm.status("docker version") == 0)


class TestEngine:
    def test_build_run_and_exec(self, used: BareVM) -> None:
        assert used.run("docker run --rm box /bin/busybox echo hello") == "hello"
        assert used.run("docker run --rm -i box /bin/busybox cat", stdin=b"through") == "through"
        used.run("docker run -d --name sleeper box sleep 600")
        assert used.run("docker exec -i sleeper cat", stdin=b"inside") == "inside"
        used.run("echo copied > /tmp/a; docker cp /tmp/a sleeper:/b; docker cp sleeper:/b /tmp/c")
        assert used.run("cat /tmp/c") == "copied"
        used.run("docker rm -f sleeper")

    def test_limits_count(self, used: BareVM) -> None:
        assert "No swap limit" not in used.run("docker info 2>&1")
        out = used.run(
            "docker run --rm --memory 32m --pids-limit 20 --cpus 0.5 box "
            "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max"
        )
        assert out.split() == [str(32 * MB), "20", "50000", "100000"]

    def test_published_ports_and_networks(self, used: BareVM) -> None:
        used.run("docker network create backend")
        used.run(
            "docker run -d --name web --network backend -p 8080:80 box "
            "sh -c 'echo page > /index.html; httpd -f -p 80 -h /'"
        )
        fetch = "docker run --rm --network backend box wget -qO- http://web/"
        assert used.wait("the web server", lambda: used.run(fetch, check=False)) == "page"
        assert used.run("curl -s http://127.0.0.1:8080/") == "page"
        used.run("docker rm -f web; docker network rm backend")


class TestService:
    def test_commands(self, used: BareVM) -> None:
        service = "sudo /etc/init.d/docker"
        assert used.run(f"{service} status") == "Docker daemon is running"
        used.run(f"{service} stop")
        assert used.status(f"{service} status") == 1
        assert used.status("docker version") != 0
        used.run("sudo /usr/local/etc/init.d/docker start && docker version")
        pid = used.run("cat /var/run/docker.pid")
        used.run(f"{service} restart && docker version")
        assert used.run("cat /var/run/docker.pid") != pid
        used.run(f"{service} reload && {service} status")

    @pytest.mark.parametrize(
        ("profile", "listening"),
        [("DOCKER_TLS=no", {"2375"}), ("DOCKER_REMOTE=no", set()), ("export A=1", {"2376"})],
    )
    def test_the_profile_decides_about_tcp(
        self, used: BareVM, profile: str, listening: set[str]
    ) -> None:
        used.run(f"echo {shlex.quote(profile)} | sudo tee /var/lib/boot2docker/profile")
        used.run("sudo /etc/init.d/docker restart && docker version")
        ports = {
            line.split()[3].rsplit(":", 1)[1]
            for line in used.run("netstat -tln").splitlines()
            if line.startswith("tcp")
        }
        assert ports & {"2375", "2376"} == listening


def run_slow_to_stop(vm: BareVM, name: str, *, takes_s: int, has_s: int) -> None:
    """Run a container that writes its last word as late as `takes_s` after it was asked to stop."""
    script = (
        f"trap 'sleep {takes_s}; echo bye > /kept/{name}; exit 0' TERM; while :; do sleep 1; done"
    )
    vm.run(
        f"docker run -d --name {name} --stop-timeout {has_s} -v kept:/kept box "
        f"sh -c {shlex.quote(script)}"
    )


def last_words(vm: BareVM) -> list[str]:
    return vm.run("sudo ls /var/lib/docker/volumes/kept/_data").split()


class TestStop:
    """Containers have the time that they were promised."""

    @pytest.mark.parametrize("verb", ["stop", "restart"])
    def test_the_service_waits_for_them(self, used: BareVM, verb: str) -> None:
        run_slow_to_stop(used, f"slow-{verb}", takes_s=30, has_s=90)
        said = used.run(f"sudo /etc/init.d/docker {verb}", seconds=200)
        assert f"slow-{verb}" in last_words(used)
        assert f"container slow-{verb} still runs, and has 90 s to end" in said
        used.run("sudo /etc/init.d/docker start")

    def test_one_that_is_cut_off_is_named(self, used: BareVM) -> None:
        """By an engine that hangs."""
        run_slow_to_stop(used, "cut", takes_s=1000, has_s=5)
        used.run("sudo sed -i.kept s/^margin_s=.*/margin_s=1/ /usr/lib/boot2docker/engine-end")
        used.run("sudo kill -STOP $(cat /var/run/docker.pid)")
        said = used.run("sudo /etc/init.d/docker stop; echo status $?", seconds=200)
        assert "container cut was cut off" in said
        assert "container cut was cut off" in used.console()
        assert said.endswith("status 1")
        used.run("cd /usr/lib/boot2docker && sudo mv engine-end.kept engine-end")
        used.run("sudo /etc/init.d/docker start && docker rm -f cut")


class TestPowerButton:
    """Ends the first boot, and begins the second on a larger disk."""

    def test_containers_are_stopped_and_the_machine_is_off_soon(self, used: BareVM) -> None:
        used.run(
            "docker run -d --name clean -v kept:/kept box sh -c "
            "'trap \"echo bye > /kept/word; exit 0\" TERM; while :; do sleep 1; done'"
        )
        used.run("echo 'if then (' | sudo tee /var/lib/boot2docker/profile; echo gone > ~/file")
        time.sleep(2)
        used.power_button()
        assert used.wait_off(60) < 30
        assert "shutting down" in used.console()

    def test_other_disks_are_what_they_were(self, first: Lab) -> None:
        assert [digest(disk) for disk in first.neighbours] == first.before

    def test_the_data_is_there_and_has_grown(self, first: Lab) -> None:
        with first.data.open("r+b") as disk:
            disk.truncate(GROWN_MB * MB)
        first.boot()
        vm = first.vm
        assert "formatting" not in vm.console()
        size = int(vm.run("df -m --output=size /var/lib/docker | tail -n 1"))
        assert size > GROWN_MB - 1300
        assert "Verify" not in vm.run("sudo sfdisk --verify /dev/vdb 2>&1 | grep -i error || true")
        assert vm.run("docker start clean > /dev/null; docker exec clean cat /kept/word") == "bye"

    def test_home_is_new_and_the_host_key_is_not(self, first: Lab) -> None:
        assert first.vm.status("test -e ~/file") == 1
        key = first.vm.run("sudo cat /var/lib/boot2docker/ssh/ssh_host_ed25519_key.pub")
        assert key.split()[1] == first.host_key.public.split()[1]

    def test_a_broken_profile_is_told_and_survived(self, first: Lab) -> None:
        assert "profile has a syntax error" in first.vm.console()
        assert first.vm.run("hostname") == "kitchen"

    def test_the_console_is_logged_in(self, first: Lab) -> None:
        first.vm.wait_console(r"docker@kitchen:~\$")

    def test_poweroff_does_the_same(self, first: Lab) -> None:
        first.vm.run("sudo poweroff", check=False)
        assert first.vm.wait_off(60) < 30

    def test_it_waits_for_containers(self, first: Lab) -> None:
        first.boot()
        run_slow_to_stop(first.vm, "slow-button", takes_s=35, has_s=120)
        first.vm.power_button()
        first.vm.wait_off(200)
        assert "container slow-button has ended" in first.vm.console()
        first.boot()
        assert "slow-button" in last_words(first.vm)


def make_certificate(folder: Path, name: str, *options: str) -> None:
    """Make NAME.pem and NAME-key.pem as Docker Machine does: RSA, by its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        + ["-subj", f"/O=pantry.{name}", "-keyout", str(folder / f"{name}-key.pem")]
        + ["-out", str(folder / f"{name}.pem"), *options],
        check=True,
        capture_output=True,
    )


# libmachine/provision/boot2docker.go and utils.go of Docker Machine; its shell takes \" for ".
MACHINE_PROFILE = """
EXTRA_ARGS='
--label provider=generic


'
CACERT=/var/lib/boot2docker/ca.pem
DOCKER_HOST='-H tcp://0.0.0.0:2376'
DOCKER_STORAGE=aufs
DOCKER_TLS=auto
SERVERKEY=/var/lib/boot2docker/server-key.pem
SERVERCERT=/var/lib/boot2docker/server.pem

export \\"NO_PROXY=127.0.0.1\\"

"""


@pytest.fixture(scope="class")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareVM]:
    """A VM whose key signs by SHA-1, as Docker Machine's built-in client does."""
    folder = tmp_path_factory.mktemp("machine")
    key = KeyPair.make(folder / "id_rsa", "rsa")
    disk = sparse_disk(folder / "data.img", 1200, seed(key.public))
    options = ("PubkeyAcceptedAlgorithms=ssh-rsa",)
    with BareVM(ISO, folder, [Disk(disk)], key, ssh_options=options) as vm:
        vm.boot_times()
        yield vm


class TestDockerMachine:
    """What Docker Machine's provisioner for boot2docker types, by its built-in SSH client.

    That client knows no other signatures of RSA keys than those by SHA-1.
    """

    def test_it_provisions(self, machine: BareVM) -> None:
        folder = machine.folder
        san = "subjectAltName=IP:10.0.2.15,DNS:localhost,IP:127.0.0.1"
        make_certificate(folder, "ca", "-addext", "basicConstraints=critical,CA:TRUE")
        for name in ("server", "client"):
            signer = ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca-key.pem")]
            make_certificate(folder, name, *signer, "-addext", san)

        assert "ID=boot2docker" in machine.run("cat /etc/os-release")
        name = "pantry"
        machine.run(
            f"sudo /usr/bin/sethostname {name} && "
            f'echo "{name}" | sudo tee /var/lib/boot2docker/etc/hostname'
        )
        assert machine.run("hostname") == name
        listens = ":2376.*LISTEN"
        assert re.search(listens, machine.run("netstat -an"))
        machine.run("sudo mkdir -p /var/lib/boot2docker")
        machine.run("sudo /etc/init.d/docker stop")
        machine.run('if [ ! -z "$(ip link show docker0)" ]; then sudo ip link delete docker0; fi')
        for file in ("ca.pem", "server.pem", "server-key.pem"):
            text = (folder / file).read_text()
            machine.run(f"printf '%s' '{text}' | sudo tee /var/lib/boot2docker/{file}")
        machine.run(f'printf %s "{MACHINE_PROFILE}" | sudo tee /var/lib/boot2docker/profile')
        machine.run("sudo /etc/init.d/docker start")
        machine.wait("the engine", lambda: re.search(listens, machine.run("netstat -an")))

        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Docker Machine's have no key usage either
        context.load_cert_chain(folder / "client.pem", folder / "client-key.pem")
        assert ping(machine, context) == b"OK"
        assert "provider=generic" in machine.run("docker info --format '{{.Labels}}'")

    def test_rsync_is_there_for_its_scp(self, machine: BareVM) -> None:
        (machine.folder / "sent").write_text("by rsync")
        shell = shlex.join(machine.ssh_arguments("BatchMode=yes")[:-1])
        target = "docker@127.0.0.1:/tmp/sent"
        subprocess.run(["rsync", "-e", shell, str(machine.folder / "sent"), target], check=True)
        assert machine.run("cat /tmp/sent") == "by rsync"

    def test_signatures_by_sha1_are_taken_from_the_nat_network_alone(self, machine: BareVM) -> None:
        """What comes through the port forward on the user's machine, and not from a network."""
        machine.run("cat > ~/id && chmod 600 ~/id", stdin=machine.key.private.read_bytes())  # type: ignore[union-attr]
        login = (
            "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR -i ~/id "
            "-o PubkeyAcceptedAlgorithms={} docker@{} true"
        )
        for address in ("127.0.0.1", "10.0.2.15", "172.17.0.1"):
            assert machine.status(login.format("ssh-rsa", address)) == 255
            assert machine.status(login.format("rsa-sha2-256", address)) == 0

    def test_the_name_and_the_certificates_stay_over_its_restart(self, machine: BareVM) -> None:
        machine.run("sudo shutdown -r now", check=False)
        machine.wait_console("boot times:(.|\n)*boot times:", 200)
        assert machine.run("hostname") == "pantry"
        served = ssl.get_server_certificate(("127.0.0.1", machine.tls_port))
        assert served.split() == (machine.folder / "server.pem").read_text().split()


BOM = b"\xef\xbb\xbf"


def as_windows_saves(text: bytes) -> bytes:
    return BOM + text.replace(b"\n", b"\r\n")


class Certificates:
    """Authorities of a company, in the forms in which dialogs of Windows export them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: Dict[str, bytes] = {}
        for name in ("der", "first", "second", "bundled", "crlf"):
            self._run(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                f"/CN=Kitchen {name}",
                "-days",
                "30",
                "-keyout",
                f"{name}.key",
                "-out",
                f"{name}.pem",
            )
        self._run("x509", "-in", "der.pem", "-outform", "der", "-out", "root.cer")
        self._run(
            "crl2pkcs7",
            "-nocrl",
            "-certfile",
            "first.pem",
            "-certfile",
            "second.pem",
            "-out",
            "chain.p7b",
        )
        self._run(
            "crl2pkcs7", "-nocrl", "-certfile", "bundled.pem", "-outform", "der", "-out", "der.p7b"
        )
        for name in ("root.cer", "chain.p7b", "der.p7b"):
            self.files[name] = (folder / name).read_bytes()
        key = (folder / "crlf.key").read_bytes()
        self.files["With A Name.CRT"] = as_windows_saves((folder / "crlf.pem").read_bytes() + key)
        self.files["export.pfx"] = b"0\x82\x01\x02 and so on"

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def pem(self, name: str) -> bytes:
        return (self.folder / f"{name}.pem").read_bytes()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def windows(
    tmp_path_factory: pytest.TempPathFactory, key: KeyPair, certificates: Certificates
) -> Iterator[BareVM]:
    """A VM whose user wrote its files with Notepad, and shares a folder."""
    folder = tmp_path_factory.mktemp("windows")
    shared = folder / "shared"
    shared.mkdir()
    (shared / "hello").write_text("from the host")
    extra = {
        "profile": as_windows_saves(
            b"EXTRA_ARGS='--label kind=windows'\nexport NO_PROXY=a.example\nexit 3\n"
        ),
        "boot2docker-py/engine.sh": b'EXTRA_ARGS="$EXTRA_ARGS --label from=outside"\n',
        "profile.txt": b"EXTRA_ARGS=",
        "bootsync.sh": as_windows_saves(
            b"#!/bin/sh\nif true; then\n  echo synced > /tmp/synced\nfi\n"
        ),
        "bootlocal.sh": "\ufeff#!/bin/sh\r\necho local > /tmp/local\r\nexit 3\r\n".encode(
            "utf-16-le"
        ),
        "etc/hostname": as_windows_saves(b"pantry\n"),
        "etc/docker/daemon.json": as_windows_saves(b'{\n  "debug": true\n}\n'),
        "etc/docker/certs.d/registry.example/ca.crt": certificates.files["root.cer"],
        **{f"certs/{name}": content for name, content in certificates.files.items()},
    }
    disk = sparse_disk(folder / "data.img", 1200, seed(key.public, extra))
    share = ["-fsdev", f"local,id=share,path={shared},security_model=none"]
    share += ["-device", "virtio-9p-pci,fsdev=share,mount_tag=work/space"]
    with BareVM(ISO, folder, [Disk(disk)], key, extra=share) as vm:
        vm.boot_times()
        yield vm


def problems(vm: BareVM) -> str:
    return vm.run("cat /run/boot2docker/problems", check=False)


class TestFilesOfWindows:
    """Texts with carriage returns and marks of their encoding, certificates in every form."""

    def test_texts_are_understood(self, windows: BareVM) -> None:
        assert windows.run("hostname") == "pantry"
        assert windows.run("cat /tmp/synced") == "synced"
        windows.wait("bootlocal.sh", lambda: windows.status("test -e /tmp/local") == 0)
        assert windows.run("cat /tmp/local") == "local"
        environment = windows.run("sudo cat /proc/$(cat /var/run/docker.pid)/environ")
        assert "NO_PROXY=a.example" in environment.split("\0")

    def test_a_profile_that_exits_keeps_nothing_of_ours_out(self, windows: BareVM) -> None:
        command = windows.run("tr '\\0' ' ' < /proc/$(cat /var/run/docker.pid)/cmdline")
        assert "--label kind=windows --label from=outside" in command

    @pytest.mark.parametrize("name", ["der", "first", "second", "bundled", "crlf"])
    def test_authorities_are_trusted_in_every_form(
        self, windows: BareVM, certificates: Certificates, name: str
    ) -> None:
        command = (
            "cat > /tmp/a.pem; openssl verify -CApath /etc/ssl/certs /tmp/a.pem && "
            "openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /tmp/a.pem"
        )
        assert windows.run(command, stdin=certificates.pem(name)).count("OK") == 2

    def test_no_private_key_is_spread(self, windows: BareVM) -> None:
        assert windows.run("grep -rl 'PRIVATE KEY' /etc/ssl/certs/", check=False) == ""
        assert "certs/With A Name.CRT holds a private key" in problems(windows)

    @pytest.mark.parametrize(
        "name",
        ["certs/export.pfx", "profile.txt", "etc/docker/certs.d/registry.example/ca.crt"],
    )
    def test_what_cannot_be_used_is_named(self, windows: BareVM, name: str) -> None:
        assert f"cannot use {name}: " in problems(windows)
        assert f"cannot use {name}: " in windows.run("cat /run/boot2docker/boot.log")
        assert f"cannot use {name}: " in windows.console()

    def test_a_script_that_fails_is_named(self, windows: BareVM) -> None:
        windows.wait("the word", lambda: "bootlocal.sh ended with status 3" in problems(windows))


class TestHost:
    """The machine of the user, seen from the guest."""

    def test_a_folder_that_qemu_shares_is_mounted(self, windows: BareVM) -> None:
        assert windows.run("cat /work/space/hello") == "from the host"
        assert windows.run("echo back | sudo tee /work/space/answer") == "back"
        assert (windows.folder / "shared" / "answer").read_text() == "back\n"

    def test_host_gateway_is_the_machine_of_the_user(self, windows: BareVM) -> None:
        command = windows.run("tr '\\0' ' ' < /proc/$(cat /var/run/docker.pid)/cmdline")
        assert "--host-gateway-ip 10.0.2.2 " in command


class TestEngineThatEnds:
    """The last of these tests' VM: it says why there is no engine, and quickly."""

    def test_its_state_is_told(self, windows: BareVM) -> None:
        assert windows.run("cat /run/boot2docker/engine") == "running"

    def test_of_what_it_refuses_its_own_words_are_told(self, windows: BareVM) -> None:
        windows.run("echo '{\"bogus\": 1}' | sudo tee /etc/docker/daemon.json")
        said = windows.run("sudo /etc/init.d/docker restart 2>&1; echo status $?")
        assert said.endswith("status 1")
        told = windows.run("cat /run/boot2docker/engine")
        assert told.startswith("ended with status 1: ")
        assert "bogus" in told
        assert "bogus" in windows.console()
        assert windows.run("pgrep -f /etc/init.d/[d]ocker", check=False) == ""

    def test_a_script_that_does_not_end_is_told(self, windows: BareVM) -> None:
        script = "#!/bin/sh\nsleep 10000\n"
        windows.run("sudo tee /var/lib/boot2docker/bootsync.sh; sync", stdin=script.encode())
        windows.kill()
        windows.start()
        windows.wait_console("bootsync.sh still runs after 10 s", 200)
        windows.wait_ssh()
        assert windows.run("cat /run/boot2docker/engine") == "waits for bootsync.sh"


def test_two_disks_that_ask_are_both_left_alone(tmp_path: Path, key: KeyPair) -> None:
    disks = [sparse_disk(tmp_path / name, 600, seed(key.public)) for name in ("one", "two")]
    before = [digest(disk) for disk in disks]
    with BareVM(ISO, tmp_path, [Disk(disk) for disk in disks], key) as vm:
        vm.wait_console("2 disks ask to be formatted .*formatting none")
        vm.wait_console("NO DATA DISK: .*LOST AT POWER-OFF")
        vm.boot_times()
    assert [digest(disk) for disk in disks] == before


def test_a_power_cut_while_formatting_loses_nothing(tmp_path: Path, key: KeyPair) -> None:
    extra = {"etc/hostname": b"survivor\n"}
    disk = sparse_disk(tmp_path / "data.img", 3000, seed(key.public, extra))
    vm = BareVM(ISO, tmp_path, [Disk(disk)], key)
    for delay in (0.15, 0.6, 1.2):
        with vm:
            vm.wait_console("formatting /dev/vda|boot times")
            time.sleep(delay)
    with vm:
        vm.boot_times()
        assert vm.run("hostname") == "survivor"
        assert vm.run("findmnt -no SOURCE /var/lib/docker") == "/dev/vda1[/var/lib/docker]"


@pytest.fixture(scope="module")
def nics(tmp_path_factory: pytest.TempPathFactory, key: KeyPair) -> Iterator[BareVM]:
    """A VM with a NIC that gets no address, and one whose cable is put in late."""
    folder = tmp_path_factory.mktemp("nics")
    disk = sparse_disk(folder / "data.img", 1200, seed(key.public))
    silent = ("-netdev", "hubport,id=silent,hubid=1", "-device", "e1000,netdev=silent")
    models = ("virtio-net-pci", "e1000")
    with BareVM(ISO, folder, [Disk(disk)], key, nics=models, extra=silent) as vm:
        vm.wait("the monitor", (folder / "qmp").exists)
        vm.qmp("set_link", name="n1", up=False)
        assert vm.boot_times()["engine"]
        yield vm


class TestNICs:
    def test_one_without_an_address_is_not_waited_for(self, nics: BareVM) -> None:
        assert nics.run("ip -4 -o addr show dev eth2") == ""
        assert "10.0.2.15" in named_by_the_certificate(nics)

    def test_an_address_that_comes_late_gets_into_the_certificate(self, nics: BareVM) -> None:
        assert "10.0.3.15" not in named_by_the_certificate(nics)
        nics.qmp("set_link", name="n1", up=True)
        nics.wait("the new certificate", lambda: "10.0.3.15" in named_by_the_certificate(nics))
        nics.wait("the engine", lambda: nics.status("docker version") == 0)

    def test_their_names_follow_the_bus_when_the_initrd_did_not_come_to_them(
        self, nics: BareVM
    ) -> None:
        leases = "/run/boot2docker/lease.eth0 /run/boot2docker/lease.eth1"
        begin_anew = (
            "sleep 1; killall udhcpc; rmmod virtio_net e1000; rm -r /run/boot2docker/nic; "
            "exec /usr/lib/boot2docker/network"
        )
        nics.run(
            f"sudo rm {leases}; "
            f"sudo setsid sh -c {shlex.quote(begin_anew)} > /dev/null 2>&1 < /dev/null &"
        )
        nics.wait("the leases", lambda: nics.status(f"ls {leases}") == 0)
        assert "inet 10.0.2.15" in nics.run("ip addr show dev eth0")


class TestModules:
    def test_those_of_the_engine_come_without_being_asked_for(self, nics: BareVM) -> None:
        """No container has run here, so nothing has asked for these."""
        assert {"veth", "xt_nat", "xt_tcpudp"} <= loaded_modules(nics)

    def test_those_that_the_kernel_asks_for_come(self, nics: BareVM) -> None:
        assert "dummy" not in loaded_modules(nics)
        nics.run("sudo ip link add dummy7 type dummy")
        assert "dummy" in loaded_modules(nics)


def loaded_modules(vm: BareVM) -> set[str]:
    return {line.split()[0] for line in vm.run("cat /proc/modules").splitlines()}


def named_by_the_certificate(vm: BareVM) -> str:
    certificate = "/var/lib/boot2docker/tls/server.pem"
    return vm.run(f"sudo openssl x509 -noout -ext subjectAltName -in {certificate}")


def test_a_disk_of_the_old_official_image_is_used(tmp_path: Path, key: KeyPair) -> None:
    """MBR with the data first and swap behind, SCSI, an IDE-only CD, little memory, no virtio NIC."""
    disk = sparse_disk(tmp_path / "old.img", 1200)
    entry = "<B3sB3sII"
    data = struct.pack(entry, 0, b"", 0x83, b"", 2048, 2000000)
    swap = struct.pack(entry, 0, b"", 0x82, b"", 2002048, 400000)
    with disk.open("r+b") as stream:
        stream.write(b"\0" * 446 + data + swap + b"\0" * 32 + b"\x55\xaa")
    content = tmp_path / "content"
    home = content / "var/lib/boot2docker"
    home.mkdir(parents=True)
    # As the official image leaves it: the first 4096 bytes, without an end.
    (home / "userdata.tar").write_bytes(seed(key.public)[:4096])
    subprocess.run(
        [
            shutil.which("mke2fs", path="/usr/sbin:/sbin") or "mke2fs",
            "-q",
            "-t",
            "ext4",
            "-L",
            "boot2docker-data",
            "-d",
            str(content),
        ]
        + ["-E", f"offset={2048 * 512}", str(disk), "1000000k"],
        check=True,
    )
    with BareVM(
        ISO, tmp_path, [Disk(disk, "scsi")], key, memory=512, cpus=1, nics=("e1000",)
    ) as vm:
        vm.boot_times(180)
        assert vm.run("findmnt -no SOURCE /var/lib/docker") == "/dev/sda1[/var/lib/docker]"
        assert vm.run("hostname") == "boot2docker"
        assert "formatting" not in vm.console()


def test_the_manifest_is_the_image(tmp_path: Path) -> None:
    manifest = ISO.with_name("boot2docker.iso.manifest")
    if not manifest.exists():
        pytest.skip("this image came without its manifest")
    lines = manifest.read_text().splitlines()
    with ISO.open("rb") as stream:
        stream.seek(16 * 2048 + 40)
        assert stream.read(32).decode().strip() == f"b2d-{lines[0].split()[1]}"
    assert any(line.startswith("docker.io ") for line in lines)
    name = ISO.with_name("boot2docker.iso.sha256").read_text().split()
    assert name == [digest(ISO), "boot2docker.iso"]


@pytest.mark.skipif("BOOT2DOCKER_TEST_ISO" in os.environ, reason="no index has to take that image")
def test_a_package_index_takes_it() -> None:
    parts = subprocess.run(
        ["xorriso", "-indev", str(ISO), "-find", "/", "-type", "f", "-exec", "lsdl"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    bytes_of = {line.split("'")[1]: int(line.split()[4]) for line in parts.splitlines()}
    assert sum(bytes_of.values()) > MOST_BYTES // 2, "these are not its parts"
    largest_first = sorted(bytes_of.items(), key=lambda part: -part[1])
    assert ISO.stat().st_size <= MOST_BYTES, largest_first
