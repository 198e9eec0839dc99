"""A login and a logoff, as Wine does them, for a VM of VirtualBox that starts and is saved by them.

`wineboot` starts what the Run key has, and with `--end-session` it asks every window whether the
session may end, and says that it does; as Windows itself, by its documentation.
"""

# mypy: ignore-errors
# What is called is of Windows alone.

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.host.autostart.entry import settings_in
from boot2docker_py.host.windows_session import WINDOW_CLASS
from boot2docker_py.wait import Check, Deadline, wait_for
from tests.unit.image.iso_bytes import make_iso
from tests.windows.com.serving import VERSION, WHY_NOT, connected

pytestmark = pytest.mark.skipif(not VERSION, reason=WHY_NOT)

VM = "of the login"
WITHIN_S = 200.0
DETACHED = 0x00000008  # no console, no streams: as a program of the Run key has none


@pytest.fixture
def api(tmp_path: Path) -> Iterator[API]:
    with connected(tmp_path / "VirtualBox VMs") as api:
        yield api


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a home of our own, which the user's own environment names too, as after `setx`."""
    import winreg

    for name in settings_in(os.environ):
        monkeypatch.delenv(name)
    home = str(tmp_path / "home")
    monkeypatch.setenv("BOOT2DOCKER_DIR", home)
    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, "Environment") as key:
        winreg.SetValueEx(key, "BOOT2DOCKER_DIR", 0, winreg.REG_SZ, home)
        yield
        winreg.DeleteValue(key, "BOOT2DOCKER_DIR")


def boot2docker(*words: str) -> str:
    """Run a command, which must succeed."""
    command = [sys.executable, "-m", "boot2docker_py", "--driver", "virtualbox", "--vm", VM, *words]
    done = subprocess.run(command, stdin=-3, stdout=-1, stderr=-1, timeout=WITHIN_S, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode().strip()


def is_there() -> bool:
    """Tell whether the program that waits for the end of the session runs."""
    return bool(ctypes.WinDLL("user32").FindWindowW(WINDOW_CLASS, None))


def wineboot(*words: str) -> int:
    """Let the session begin or end, as nobody's child."""
    return subprocess.Popen(["wineboot", *words], creationflags=DETACHED).wait(WITHIN_S)


def until_it_runs(api: API) -> None:
    def why_not(_deadline: Deadline) -> str | None:
        found = str(api.virtualbox.find_machine(VM).state)
        return None if found == "Running" else found

    wait_for([Check("the VM", why_not)], Deadline(WITHIN_S))


@pytest.mark.usefixtures("settings")
def test_the_vm_comes_with_the_login_and_is_saved_at_logoff(api: API, tmp_path: Path) -> None:
    iso = tmp_path / "small.iso"
    iso.write_bytes(make_iso())
    boot2docker("download", "--iso-url", str(iso))
    boot2docker("init", "--hostonly", "off")
    boot2docker("autostart", "on", "--save-at-logoff")
    try:
        assert wineboot() == 0
        wait_for(
            [Check("the program", lambda _: None if is_there() else "it is not there")],
            Deadline(WITHIN_S),
        )
        until_it_runs(api)
        wineboot("--end-session", "--shutdown")
        assert boot2docker("status") == "saved"
        assert not is_there()
    finally:
        boot2docker("autostart", "off")
    log = (tmp_path / "home" / "boot2docker.log").read_text(encoding="utf-8")
    assert "defect" not in log
