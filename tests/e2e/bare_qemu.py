"""A virtual machine in bare QEMU: one image, some disks, no tool of ours in between.

What fails here is the image's fault. Software emulation is used on purpose: it is
everywhere, and it is slow enough to show races.
"""

from __future__ import annotations

import functools
import io
import json
import re
import shlex
import shutil
import socket
import subprocess
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from boot2docker_py.drivers.qemu import command_line

MAGIC = "boot2docker, please format-me"
#: The official image reads no more of the seed than this.
FIRST_PART = 4096
CONTROLLERS = {
    "ahci": "ich9-ahci,id=ahci1",
    "scsi": "virtio-scsi-pci,id=scsi1",
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class KeyPair:
    private: Path
    public: str

    @classmethod
    def make(cls, path: Path, kind: str = "ed25519") -> KeyPair:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", str(path)], check=True
        )
        return cls(path, path.with_name(path.name + ".pub").read_text())


@functools.lru_cache(maxsize=None)
def emulation() -> str:
    """Return how this QEMU emulates CPUs without killing Linux now and then."""
    version = subprocess.run(
        ["qemu-system-x86_64", "--version"], capture_output=True, check=True, text=True
    ).stdout
    is_careful = command_line.emulation(version) == command_line.CAREFUL_EMULATION
    return "tcg,thread=single" if is_careful else "tcg,thread=multi"


def seed(
    public_key: str, extra: Mapping[str, bytes] | None = None, *, folder_mode: int = 0o700
) -> bytes:
    """The tar at the start of a new disk; ``extra`` holds what stands below .boot2docker/."""
    buffer = io.BytesIO()
    archive = tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT)

    def add(name: str, content: bytes = b"", *, folder: bool = False, mode: int = 0o600) -> None:
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
        entry.mode = mode
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))

    add(MAGIC, MAGIC.encode())
    add(".ssh", folder=True, mode=folder_mode)
    for name in (".ssh/authorized_keys", ".ssh/authorized_keys2"):
        add(name, public_key.encode())
    while archive.offset < FIRST_PART:
        add(".ssh/", folder=True, mode=folder_mode)
    folders = set()
    for name, content in (extra or {}).items():
        for parent in reversed(Path(name).parents):
            if str(parent) != "." and parent not in folders:
                folders.add(parent)
                add(f".boot2docker/{parent}", folder=True, mode=0o755)
        add(f".boot2docker/{name}", content)
    archive.close()
    return buffer.getvalue()


def sparse_disk(path: Path, megabytes: int, start: bytes = b"") -> Path:
    with path.open("wb") as disk:
        disk.write(start)
        disk.truncate(megabytes * 1024 * 1024)
    return path


@dataclass
class Disk:
    path: Path
    #: virtio, ahci, ide or scsi (virtio-scsi)
    bus: str = "virtio"


@dataclass
class BareVM:
    iso: Path
    folder: Path
    disks: Sequence[Disk] = ()
    key: KeyPair | None = None
    memory: int = 2048
    cpus: int = 2
    #: As QEMU takes it; one of another name than emulation's own passes for a real CPU.
    cpu: str = "max"
    cd_bus: str = "ide"
    nics: Sequence[str] = ("virtio-net-pci",)
    extra: Sequence[str] = ()
    ssh_options: Sequence[str] = ()
    ssh_port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    plain_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _console: Path = field(init=False)

    def __post_init__(self) -> None:
        self._console = self.folder / "console.log"

    # -- life -----------------------------------------------------------------

    def arguments(self) -> list[str]:
        words = [
            "qemu-system-x86_64",
            "-accel",
            emulation(),
            "-cpu",
            self.cpu,
            "-machine",
            "q35",
        ]
        words += [
            "-smp",
            str(self.cpus),
            "-m",
            str(self.memory),
            "-display",
            "none",
            "-nodefaults",
            "-vga",
            "std",
        ]
        buses = {self.cd_bus, *(disk.bus for disk in self.disks)}
        for bus, controller in CONTROLLERS.items():
            if bus in buses:
                words += ["-device", controller]
        words += ["-boot", "d"]
        words += ["-chardev", f"file,id=console,path={self._console}", "-serial", "chardev:console"]
        words += ["-chardev", f"socket,id=qmp,path={self.folder / 'qmp'},server=on,wait=off"]
        words += ["-mon", "chardev=qmp,mode=control"]
        taken = {"ahci": 0, "ide": 0, "scsi": 0, "virtio": 0}

        def attach(number: int, bus: str, kind: str) -> list[str]:
            place = taken[bus]
            taken[bus] += 1
            return {
                "ahci": ["-device", f"ide-{kind},drive=d{number},bus=ahci1.{place}"],
                "ide": [
                    "-device",
                    f"ide-{kind},drive=d{number},bus=ide.{place // 2},unit={place % 2}",
                ],
                "scsi": ["-device", f"scsi-{kind},drive=d{number},bus=scsi1.0"],
                "virtio": ["-device", f"virtio-blk-pci,drive=d{number}"],
            }[bus]

        words += ["-drive", f"if=none,id=d0,media=cdrom,readonly=on,format=raw,file={self.iso}"]
        words += attach(0, self.cd_bus, "cd")
        for number, disk in enumerate(self.disks, 1):
            form = "qcow2" if disk.path.suffix == ".qcow2" else "raw"
            words += [
                "-drive",
                f"if=none,id=d{number},format={form},cache=writeback,file={disk.path}",
            ]
            words += attach(number, disk.bus, "hd")
        for number, model in enumerate(self.nics):
            network = f"user,id=n{number},net=10.0.{2 + number}.0/24,restrict=on"
            if number == 0:
                for host, guest in (
                    (self.ssh_port, 22),
                    (self.tls_port, 2376),
                    (self.plain_port, 2375),
                ):
                    network += f",hostfwd=tcp:127.0.0.1:{host}-:{guest}"
            words += ["-netdev", network, "-device", f"{model},netdev=n{number}"]
        return words + list(self.extra)

    def start(self) -> BareVM:
        self._console.write_bytes(b"")
        with (self.folder / "qemu.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def kill(self) -> None:
        """The power cut."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> BareVM:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_off(self, seconds: float) -> float:
        """Waits until QEMU has ended by itself; returns how long that took."""
        assert self.process is not None
        begin = time.monotonic()
        self.process.wait(timeout=seconds)
        return time.monotonic() - begin

    # -- QMP ------------------------------------------------------------------

    def qmp(self, command: str, /, **arguments: Any) -> Any:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.folder / "qmp"))
            stream = connection.makefile("rw", encoding="utf-8")

            def ask(name: str, /, **values: Any) -> Any:
                stream.write(json.dumps({"execute": name, "arguments": values}) + "\n")
                stream.flush()
                for line in stream:
                    answer = json.loads(line)
                    if "error" in answer:
                        raise RuntimeError(f"{name}: {answer['error']}")
                    if "return" in answer:
                        return answer["return"]
                raise RuntimeError(f"{name}: the monitor closed")

            stream.readline()
            ask("qmp_capabilities")
            return ask(command, **arguments)

    def power_button(self) -> None:
        self.qmp("system_powerdown")

    # -- what can be seen -------------------------------------------------------

    def console(self) -> str:
        return self._console.read_text(errors="replace").replace("\r", "")

    def wait(self, what: str, check: Callable[[], Any], seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while True:
            result = check()
            if result:
                return result
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(
                    f"QEMU ended while waiting for {what}; console:\n{self.console()[-3000:]}"
                )
            if time.monotonic() > end:
                raise AssertionError(
                    f"no {what} within {seconds} s; console:\n{self.console()[-3000:]}"
                )
            time.sleep(0.1)

    def wait_console(self, pattern: str, seconds: float = 90) -> re.Match[str]:
        found: re.Match[str] = self.wait(
            f"{pattern!r} on the console", lambda: re.search(pattern, self.console()), seconds
        )
        return found

    def boot_times(self, seconds: float = 120) -> dict[str, float]:
        """The numbers of the line that closes a boot."""
        line = self.wait_console(r"boot times:(( \w+ [\d.-]+)+)\n", seconds)
        words = line.group(1).split()
        return {name: float(value) for name, value in zip(words[::2], words[1::2]) if value != "-"}

    # -- SSH --------------------------------------------------------------------

    def ssh_arguments(self, *options: str) -> list[str]:
        assert self.key is not None
        words = [
            shutil.which("ssh") or "ssh",
            "-F",
            "none",
            "-p",
            str(self.ssh_port),
            "-i",
            str(self.key.private),
        ]
        for option in (
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "ConnectTimeout=20",
            *self.ssh_options,
            *options,
        ):
            words += ["-o", option]
        return words + ["docker@127.0.0.1"]

    def run(
        self,
        command: str | Sequence[str],
        *,
        check: bool = True,
        stdin: bytes = b"",
        seconds: float = 120,
    ) -> str:
        """A command in the guest; its standard output, stripped."""
        text = (
            command if isinstance(command, str) else " ".join(shlex.quote(word) for word in command)
        )
        done = subprocess.run(
            [*self.ssh_arguments("BatchMode=yes"), text],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=seconds,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{text!r} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
            )
        return done.stdout.decode(errors="replace").strip()

    def status(self, command: str) -> int:
        done = subprocess.run(
            [*self.ssh_arguments("BatchMode=yes"), command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
        )
        return done.returncode

    def wait_ssh(self, seconds: float = 90) -> None:
        def answers() -> bool:
            try:
                with socket.create_connection(("127.0.0.1", self.ssh_port), 5) as connection:
                    connection.settimeout(5)
                    return connection.recv(4) == b"SSH-"
            except OSError:
                return False

        self.wait("SSH banner", answers, seconds)
