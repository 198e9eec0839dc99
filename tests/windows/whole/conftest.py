"""boot2docker.exe, as pip installs it for Windows, and a real VM that it made; run by Linux."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

from boot2docker_py.host import named_pipe

ROOT = Path(__file__).parents[3]
TESTBED = ROOT / "tests" / "windows" / "testbed"
PYTHON = r"C:\Python\python.exe"
TIMEOUT_S = 600

# What a user of Windows may be called, and what a shell would make something of.
HOME = "C:\\users\\Jörg & Söhne 100% ^so! x"


class Windows:
    """Programs of Windows, and boot2docker.exe among them."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.root = Path(self._testbed("build", version).decode().strip())
        self.environ = {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "USERPROFILE": HOME,
            "BOOT2DOCKER_DIR": HOME + "\\b 2 d",
            "BOOT2DOCKER_QEMU": "C:\\unix\\qemu-system-x86_64.exe",
            "WINDOWS_TEST_QEMU": str(ROOT / "tests" / "qemu-offline"),
        }
        for name in ("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT"):
            self.environ.pop(name, None)
        shutil.rmtree(self.here(HOME), ignore_errors=True)  # of a try that was ended
        self.here(HOME).mkdir(parents=True)

    def here(self, path: str) -> Path:
        """Return where a file of C: is on this system."""
        return self.root / "prefix" / "drive_c" / path[3:].replace("\\", "/")

    def install(self, wheel: Path) -> None:
        self._testbed("install", self.version, str(wheel))

    def command(self, *words: str) -> list[str]:
        return [str(self.root / "run"), *words]

    def run(
        self,
        *words: str,
        stdin: bytes = b"",
        timeout_s: float = TIMEOUT_S,
        **environ: str,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program, whatever comes of it."""
        return subprocess.run(
            self.command(*words),
            input=stdin,
            capture_output=True,
            env={**self.environ, **environ},
            timeout=timeout_s,
            check=False,
        )

    def popen(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(*words), env=self.environ, **options)

    def python(self, script: str, *words: str, python: str = PYTHON) -> str:
        """Run a program of Python, which must succeed; return what it printed."""
        done = self.run(python, "-X", "utf8", "-c", script, *words)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode().replace("\r\n", "\n")

    def press(self, command_line: str, *buttons: str) -> list[str]:
        """Run a program with windows, press buttons; return what stood in each window."""
        program = f"Z:{Path(__file__).with_name('pages.py')}".replace("/", "\\")
        done = self.run(PYTHON, "-X", "utf8", program, *buttons, stdin=command_line.encode())
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
        return done.stdout.decode().splitlines()

    def _testbed(self, *words: str) -> bytes:
        done = subprocess.run([str(TESTBED), *words], stdout=subprocess.PIPE, check=True)
        return done.stdout


class VM:
    """A VM, by the words that a user types."""

    program = "C:\\Python\\Scripts\\boot2docker.exe"

    def __init__(self, windows: Windows, name: str) -> None:
        self.windows = windows
        self.name = name
        self.pipe = named_pipe.pipe_of_vm(name)

    def words(self, *words: str) -> list[str]:
        return [self.program, "--driver", "qemu", "--vm", self.name, *words]

    def try_run(
        self, *words: str, stdin: bytes = b"", timeout_s: float = TIMEOUT_S
    ) -> subprocess.CompletedProcess[bytes]:
        """Run boot2docker.exe, whatever comes of it."""
        return self.windows.run(*self.words(*words), stdin=stdin, timeout_s=timeout_s)

    def run(self, *words: str, stdin: bytes = b"") -> str:
        """Run boot2docker.exe, which must succeed; return what it printed, as Linux ends lines."""
        answer = self.try_run(*words, stdin=stdin)
        assert answer.returncode == 0, answer.stderr.decode(errors="replace")
        return answer.stdout.decode("utf-8", "replace").replace("\r\n", "\n")

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json"))
        return found


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words: Sequence[str] = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def windows() -> Windows:
    return Windows("3.8")


@pytest.fixture(scope="session")
def one_vm(windows: Windows, wheel: Path) -> Iterator[VM]:
    """Install the program, make a VM and start it; it is deleted in the end."""
    windows.install(wheel)
    iso = Path(os.environ.get("BOOT2DOCKER_TEST_ISO", ROOT / "build" / "boot2docker.iso"))
    assert iso.exists(), f"there is no '{iso}'; build it with: make iso"
    vm = VM(windows, "käpt'n a+b")
    image = f"Z:{str(iso)}".replace("/", "\\")
    vm.run("init", "--iso-url", image, "--memory", "1024", "--cpus", "2", "--disksize", "6000")
    vm.run("up", "--timeout", "540")
    yield vm
    vm.run("delete", "--force")


@pytest.fixture
def vm(one_vm: VM) -> VM:
    """Return the VM, running."""
    one_vm.run("up", "--timeout", "540")
    return one_vm


@pytest.fixture(scope="session")
def busybox(one_vm: VM) -> str:
    """Make an image of containers from a local file: there is no registry here."""
    program = shutil.which("busybox")
    assert program, "there is no static busybox; get it with: make deps"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(program, "bin/busybox")
        for name in ("sh", "httpd", "echo"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    one_vm.run("ssh", "docker", "import", "-", "busybox", stdin=archive.getvalue())
    return "busybox"
