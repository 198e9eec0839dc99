r"""What the installer does beside copying, run by the Python that it has installed.

python setup_steps.py stop|finish|undo|undo-with-vms, in FOLDER\python. What is said goes to the
window of the installer, and to FOLDER\setup.log.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import shutil
import subprocess
import sys
import time
import winreg
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
PYTHON = FOLDER / "python" / "python.exe"
PROGRAMS = FOLDER / "bin"
IMAGE = FOLDER / "image" / "boot2docker.iso"
MAIN = "import sys\n{}from boot2docker_py.__main__ import main\nmain()\n"
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
KEEPER = "boot2docker-end-of-session"  # boot2docker_py/host/windows_session.py
NO_WINDOW = 0x08000000
STEP_S = 300

START = '@title Boot2Docker\r\n@"%~dp0boot2docker.exe" shell || pause\r\n'
STATUS = (
    "@title Boot2Docker Status\r\n"
    '@"%~dp0boot2docker.exe" status\r\n@"%~dp0boot2docker.exe" ports\r\n@pause\r\n'
)


def say(words: str) -> None:
    """Tell the user, in the window and in the log."""
    with (FOLDER / "setup.log").open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {words}\n")
    print(words.encode("ascii", "replace").decode(), flush=True)


def boot2docker(*words: str) -> tuple[int, str]:
    """Run the program that is installed here."""
    done = subprocess.run(
        [str(PYTHON), "-m", "boot2docker_py", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        creationflags=NO_WINDOW,
        timeout=STEP_S,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace").strip()


def vms() -> list[str]:
    """Return the names of the VMs of this user."""
    from boot2docker_py import paths

    folder = paths.find(os.environ).home / "vms"
    return sorted(file.parent.name for file in folder.glob("*/driver"))


def stop() -> None:
    """End what runs from this folder; the VMs go on."""
    user32 = ctypes.WinDLL("user32")
    user32.FindWindowW.restype = ctypes.c_void_p
    for _each in range(20):
        window = user32.FindWindowW(KEEPER, None)
        if not window:
            break
        user32.PostMessageW(ctypes.c_void_p(window), 0x0010, 0, 0)  # WM_CLOSE
        time.sleep(0.5)
    for name in vms():
        status, words = boot2docker("--vm", name, "forward", "--stop")
        if status:
            say(f"The forwarder of VM '{name}' was not stopped: {words}")


def finish() -> None:
    """Make the programs, the PATH and the image, and say what is missing."""
    if any(letter in str(FOLDER) for letter in "%;"):
        raise SystemExit("The PATH of Windows takes no folder with % or ; in its name.")
    PROGRAMS.mkdir(exist_ok=True)
    make_program("boot2docker", "")
    (PROGRAMS / "start.cmd").write_bytes(START.encode("ascii"))
    (PROGRAMS / "status.cmd").write_bytes(STATUS.encode("ascii"))
    change_path(lambda folders: [*folders, str(PROGRAMS)])
    offer_docker()
    take_image()
    for name in vms():
        if boot2docker("--vm", name, "status") == (0, "running"):
            boot2docker("--vm", name, "forward")
    if not has_virtualbox():
        say(
            "VirtualBox is not installed. Get it from https://www.virtualbox.org/wiki/Downloads "
            "(6.1 for Windows 7 and 8)."
        )


def make_program(name: str, more: str) -> None:
    """Write a program of Windows that runs our package with the Python of this folder."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("__main__.py", MAIN.format(more))
    launcher = (PYTHON.parent / "launcher.bin").read_bytes()
    new = PROGRAMS / f"{name}.new"
    new.write_bytes(launcher + f'#!"{PYTHON}"\r\n'.encode() + memory.getvalue())
    new.replace(PROGRAMS / f"{name}.exe")


def offer_docker() -> None:
    """Make a docker that runs the client of the VM, where there is no other in the PATH."""
    ours = PROGRAMS / "docker.exe"
    others = os.pathsep.join(p for p in os.environ["PATH"].split(";") if Path(p) != PROGRAMS)
    found = shutil.which("docker", path=others)
    if found is None:
        make_program("docker", "sys.argv.insert(1, 'docker')\n")
        say("There is no docker client: 'docker' runs that of the VM (boot2docker docker).")
    elif ours.exists():
        ours.unlink()
        say(f"docker is {found}.")


def take_image() -> None:
    """Give the image of the installer to a user without one."""
    from boot2docker_py import paths

    if IMAGE.exists() and not paths.find(os.environ).iso.exists():
        status, words = boot2docker("download", "--iso-url", str(IMAGE))
        say(words if status == 0 else f"The image was not taken: {words}")


def has_virtualbox() -> bool:
    """Tell whether VirtualBox's installer has been here."""
    access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
    with contextlib.suppress(OSError), winreg.OpenKey(
        winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Oracle\VirtualBox", 0, access
    ):
        return True
    return False


def change_path(change: object) -> None:
    """Change the folders of the user's own PATH, and tell the programs that run."""
    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, "Environment") as key:
        try:
            text, kind = winreg.QueryValueEx(key, "Path")
        except FileNotFoundError:
            text, kind = "", winreg.REG_EXPAND_SZ
        before = [folder for folder in text.split(";") if folder]
        others = [folder for folder in before if folder.lower() != str(PROGRAMS).lower()]
        after = change(others)  # type: ignore[operator]
        if after == before:
            return
        if after:
            winreg.SetValueEx(key, "Path", 0, kind, ";".join(after))
        else:
            winreg.DeleteValue(key, "Path")
    user32 = ctypes.WinDLL("user32")
    # HWND_BROADCAST, WM_SETTINGCHANGE, SMTO_ABORTIFHUNG
    user32.SendMessageTimeoutW(0xFFFF, 0x001A, 0, ctypes.c_wchar_p("Environment"), 2, 2000, None)


def undo(*, with_vms: bool) -> None:
    """Take back what `finish` and the program have written outside of this folder."""
    if with_vms:
        for name in vms():
            status, words = boot2docker("--vm", name, "delete", "--force")
            if status:
                raise SystemExit(f"VM '{name}' was not deleted: {words}")
    stop()
    change_path(list)
    with contextlib.suppress(FileNotFoundError), winreg.OpenKey(
        winreg.HKEY_CURRENT_USER, RUN, 0, winreg.KEY_READ | winreg.KEY_SET_VALUE
    ) as key:
        count = winreg.QueryInfoKey(key)[1]
        for name, value, _kind in [winreg.EnumValue(key, index) for index in range(count)]:
            if name.startswith("boot2docker ") and str(FOLDER).lower() in str(value).lower():
                winreg.DeleteValue(key, name)


def main(verb: str) -> None:
    """Do one step; whatever fails is said in the log."""
    try:
        if verb == "stop":
            stop()
        elif verb == "finish":
            finish()
        else:
            undo(with_vms=verb == "undo-with-vms")
    except BaseException as error:
        say(f"{verb}: {type(error).__name__}: {error}")
        raise


main(sys.argv[1])
