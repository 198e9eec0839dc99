"""The installer, silent, from nothing to an uninstalled program: what comes, what stays, what goes.

The tests of this file are the chapters of one story, in their order.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py import __version__
from boot2docker_py.host import named_pipe
from tests.unit.image.iso_bytes import make_iso
from tests.windows.whole import engine
from tests.windows.whole.conftest import HOME, ROOT, Windows

FOLDER = "C:\\Käpt n & Söhne ^so!\\b2d"
VM = "of the installer"
OUR_VM = ("--driver", "qemu", "--vm", VM)
ISO = HOME + "\\b 2 d\\boot2docker.iso"
IMAGE = make_iso()  # the real one takes a minute to pack
BOOT_ID = ("cat", "/proc/sys/kernel/random/boot_id")
DOCKER_VERSION = ("docker", "version", "--format", "{{.Server.Os}}")
RUN = "Software\\Microsoft\\Windows\\CurrentVersion\\Run"
GONE_WITHIN_S = 120.0


class Installed:
    """The program, as the installer has left it."""

    def __init__(self, windows: Windows, setup: Path) -> None:
        self.windows = windows
        self._setup = setup
        self.folder = windows.here(FOLDER)

    def install(self) -> int:
        # The folder comes last and is not quoted, as NSIS wants it.
        return self.windows.run(self._program, "/S", *f"/D={FOLDER}".split(" ")).returncode

    def install_by_its_pages(self, *buttons: str) -> list[str]:
        return self.windows.press(f'"{self._program}" /D={FOLDER}', *buttons)

    @property
    def _program(self) -> str:
        return "Z:" + str(self._setup).replace("/", "\\")

    def uninstall(self) -> None:
        self.windows.run(f"{FOLDER}\\uninstall.exe", "/S")
        self.until_it_is_gone()

    def uninstall_by_its_pages(self, *buttons: str) -> list[str]:
        return self.windows.press(f'"{FOLDER}\\uninstall.exe"', *buttons)

    def until_it_is_gone(self) -> None:
        """Wait: the program copies itself elsewhere first, and returns."""
        end = time.monotonic() + GONE_WITHIN_S
        while (self.folder / "uninstall.exe").exists():
            assert time.monotonic() < end, (self.folder / "setup.log").read_text()
            time.sleep(0.5)

    def try_run(
        self, *words: str, program: str = "boot2docker"
    ) -> subprocess.CompletedProcess[bytes]:
        return self.windows.run(f"{FOLDER}\\bin\\{program}.exe", *words)

    def run(self, *words: str, program: str = "boot2docker") -> str:
        done = self.try_run(*words, program=program)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")

    def registry(self, key: str) -> str:
        return self.windows.run("reg", "query", f"HKCU\\{key}").stdout.decode("utf-8", "replace")

    def start_at_login(self, name: str, program: str) -> None:
        """Add what `boot2docker autostart on` does."""
        words = ["/v", name, "/d", f'"{program}" -m boot2docker_py', "/f"]
        assert self.windows.run("reg", "add", f"HKCU\\{RUN}", *words).returncode == 0

    def shortcuts(self) -> list[str]:
        return sorted(link.name for link in self.windows.here("C:\\users").rglob("*.lnk"))

    @property
    def vm_file(self) -> Path:
        return self.windows.here(HOME + "\\b 2 d") / "vms" / VM / "driver"

    def log(self) -> str:
        return (self.folder / "setup.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installed(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("setup")
    image = folder / "small.iso"
    image.write_bytes(IMAGE)
    windows.here(ISO).unlink(missing_ok=True)  # of a test before
    shutil.rmtree(windows.here(FOLDER), ignore_errors=True)  # of a try that was ended
    build = [ROOT / "installer" / "build", folder, windows.root.parent, image]
    subprocess.run(build, env={**os.environ, "COMPRESSOR": "zlib"}, check=True)
    found = Installed(windows, folder / f"boot2docker-py-{__version__}-setup.exe")
    yield found
    if (found.folder / "uninstall.exe").exists():
        found.uninstall()


def test_it_comes_with_all_that_a_user_looks_for(installed: Installed) -> None:
    assert installed.install() == 0
    said = installed.run("version").splitlines()
    assert said[0] == f"boot2docker_py version: v{__version__}"
    assert "\\b2d\\bin" in installed.registry("Environment")
    uninstall = installed.registry(
        "Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\boot2docker-py"
    )
    assert __version__ in uninstall
    both = ["Boot2Docker Start.lnk", "Boot2Docker Status.lnk"]
    assert installed.shortcuts() == sorted([*both, *both, "Uninstall.lnk"])


def test_the_image_that_it_brings_is_the_users(installed: Installed) -> None:
    assert installed.windows.here(ISO).read_bytes() == IMAGE


def test_it_says_what_is_missing(installed: Installed) -> None:
    assert "VirtualBox is not installed" in installed.log()
    assert "https://www.virtualbox.org" in installed.log()
    assert "There is no docker client" in installed.log()
    assert installed.try_run("ps", program="docker").returncode == 3  # there is no VM


def test_other_pythons_of_the_user_do_not_count(installed: Installed) -> None:
    shadow = installed.windows.here("C:\\shadow")
    (shadow / "boot2docker_py").mkdir(parents=True, exist_ok=True)
    (shadow / "boot2docker_py" / "__init__.py").write_text("raise SystemExit(99)")
    words = [f"{FOLDER}\\bin\\boot2docker.exe", "version"]
    done = installed.windows.run(*words, PYTHONPATH="C:\\shadow")
    assert done.returncode == 0, done.stderr


def test_a_vm_is_made(installed: Installed) -> None:
    iso = os.environ.get("BOOT2DOCKER_TEST_ISO", str(ROOT / "build" / "boot2docker.iso"))
    image = "Z:" + iso.replace("/", "\\")
    # In the place of the small one that the installer brought, which boots nothing.
    installed.run("download", "--iso-url", image)
    installed.run(*OUR_VM, "init", "--memory", "1024", "--disksize", "6000")
    assert installed.run(*OUR_VM, "status") == "poweroff\n"


class TestGuest:
    """With a VM that runs; without these, the others are one story too."""

    def test_comes_up_and_its_docker_answers(self, installed: Installed) -> None:
        installed.run(*OUR_VM, "up", "--timeout", "540")
        assert installed.run(*OUR_VM, *DOCKER_VERSION) == "linux\n"

    def test_its_engine_answers_at_the_pipe_byte_by_byte(self, installed: Installed) -> None:
        pipe = named_pipe.pipe_of_vm(VM)
        assert engine.ask(installed.windows, pipe).endswith("OK\n")
        python = f"{FOLDER}\\python\\python.exe"
        assert engine.carries_a_stream(installed.windows, pipe, python)

    def test_goes_on_during_an_upgrade(self, installed: Installed) -> None:
        """The forwarder has files of the program open: it is ended, and started again."""
        before = json.loads(installed.run(*OUR_VM, "status", "--json"))
        boot = installed.run(*OUR_VM, "ssh", *BOOT_ID)
        assert installed.install() == 0, installed.log()
        after = json.loads(installed.run(*OUR_VM, "status", "--json"))
        assert after["state"] == before["state"] == "running"
        assert after["forwarder"]["pid"] != before["forwarder"]["pid"]
        assert installed.run(*OUR_VM, "ssh", *BOOT_ID) == boot
        assert installed.run(*OUR_VM, *DOCKER_VERSION) == "linux\n"
        installed.run(*OUR_VM, "down")


def test_an_upgrade_keeps_keys_and_profile(installed: Installed) -> None:
    home = installed.windows.here(HOME + "\\b 2 d")
    (home / "profile").write_text("Verbose = false\n")
    key = (home / "id_boot2docker").read_bytes()
    stale = installed.folder / "python" / "of-an-older-version"
    stale.write_text("")
    assert installed.install() == 0, installed.log()
    assert not stale.exists()
    assert installed.registry("Environment").count("\\b2d\\bin") == 1
    assert installed.run(*OUR_VM, "status") == "poweroff\n"
    assert (home / "id_boot2docker").read_bytes() == key
    assert (home / "profile").read_text() == "Verbose = false\n"
    (home / "profile").unlink()


def test_nothing_is_left_but_what_must_stay(installed: Installed) -> None:
    installed.start_at_login("boot2docker ours", f"{FOLDER}\\python\\pythonw.exe")
    installed.start_at_login("boot2docker theirs", "C:\\elsewhere\\pythonw.exe")
    (installed.folder / "of the user.txt").write_text("")
    installed.uninstall()
    assert [file.name for file in installed.folder.iterdir()] == ["of the user.txt"]
    (installed.folder / "of the user.txt").unlink()
    assert installed.shortcuts() == []
    assert "\\b2d\\bin" not in installed.registry("Environment")
    assert "boot2docker-py" not in installed.registry(
        "Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
    )
    assert "ours" not in installed.registry(RUN)
    assert "theirs" in installed.registry(RUN)
    installed.windows.run("reg", "delete", f"HKCU\\{RUN}", "/v", "boot2docker theirs", "/f")
    assert installed.vm_file.exists()


def test_a_new_installation_by_its_pages_finds_the_vm(installed: Installed) -> None:
    *_, words, last = installed.install_by_its_pages(
        "License Agreement: I Agree",
        "Choose Install Location: Install",
        "needs VirtualBox, which is not installed: No",
        "Installation Complete: Close",
    )
    assert "https://www.virtualbox.org" in words
    assert "successfully" in last
    assert installed.run("--vm", VM, "status") == "poweroff\n"


def test_who_cancels_at_the_uninstallers_question_keeps_all(installed: Installed) -> None:
    installed.uninstall_by_its_pages(
        "Remove Boot2Docker: Uninstall",
        "Delete your VMs too: Cancel",
        "Uninstallation Aborted: Cancel",
    )
    assert installed.run("--vm", VM, "status") == "poweroff\n"


def test_who_says_yes_there_deletes_the_vms(installed: Installed) -> None:
    installed.uninstall_by_its_pages(
        "Remove Boot2Docker: Uninstall",
        "Delete your VMs too: Yes",
        "Uninstallation Complete: Close",
    )
    installed.until_it_is_gone()
    assert not installed.vm_file.exists()


def test_a_folder_that_is_not_ours_is_left_alone(installed: Installed) -> None:
    theirs = installed.folder / "python" / "theirs.txt"
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("precious")
    assert installed.install() != 0
    assert theirs.read_text() == "precious"
    theirs.unlink()
