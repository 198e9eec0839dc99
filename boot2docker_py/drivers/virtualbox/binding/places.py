"""Where VirtualBox and `vboxapi`, its glue for Python, are: one function for all systems.

Sources: the installers of 5.2 to 7.2 and the packages of Debian; Windows was not run.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import sys
from typing import Callable, Mapping, NamedTuple, Sequence

# Where `vboxapi` is below the SDK: up to 7.0; from 7.1 on, in both of its layouts.
_GLUE_IN_SDK = (
    ("install",),
    ("installer",),
    ("install", "python", "vboxapi", "src"),
    ("installer", "python", "vboxapi", "src"),
    ("installer", "python"),
)
_MACOS = "/Applications/VirtualBox.app/Contents/MacOS"
_LINUX = ("/usr/lib/virtualbox", "/usr/lib64/virtualbox", "/opt/VirtualBox")
LINUX_INSTALLATION_FILE = "/etc/vbox/vbox.cfg"  # written by the .run installer
REGISTRY_KEY = r"SOFTWARE\Oracle\VirtualBox"  # of HKEY_LOCAL_MACHINE


class Installation(NamedTuple):
    """One VirtualBox: its programs and libraries, and its SDK."""

    program: str
    sdk: str

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables for the glue; that of PyPI knows no folder by itself."""
        told = {"VBOX_PROGRAM_PATH": self.program, "VBOX_SDK_PATH": self.sdk}
        return {name: folder for name, folder in told.items() if not environ.get(name)}


class System(NamedTuple):
    """What decides where things are; tests make one of any system on any other."""

    platform: str
    environ: Mapping[str, str]
    python: tuple[int, int]
    exists: Callable[[str], bool] = os.path.exists
    registry: Sequence[str] = ()  # InstallDir as the 64-bit and the 32-bit registry have it
    installation_file: str = ""  # the content of LINUX_INSTALLATION_FILE

    @property
    def is_windows(self) -> bool:
        """Whether the API is reached by COM."""
        return self.platform == "win32"


def installation(system: System) -> Installation | None:
    """Return the first VirtualBox that is there, None when there is none."""
    sign = {"win32": "VBoxSVC.exe", "darwin": "VBoxXPCOM.dylib"}.get(
        system.platform, "VBoxXPCOM.so"
    )
    join = ntpath.join if system.is_windows else posixpath.join
    for program in _programs(system):
        if system.exists(join(program, sign)):
            sdk = system.environ.get("VBOX_SDK_PATH") if not system.is_windows else ""
            return Installation(program, sdk or join(program, "sdk"))
    return None


def _programs(system: System) -> list[str]:
    environ = system.environ
    if system.is_windows:
        root = environ.get("ProgramW6432") or environ.get("ProgramFiles") or r"C:\Program Files"
        named = [environ.get(name) for name in ("VBOX_MSI_INSTALL_PATH", "VBOX_INSTALL_PATH")]
        found = [*named, *system.registry, ntpath.join(root, "Oracle", "VirtualBox")]
        return _once([folder.rstrip("\\") for folder in found if folder])
    usual = [_MACOS] if system.platform == "darwin" else [_told(system.installation_file), *_LINUX]
    return _once([environ.get("VBOX_PROGRAM_PATH", ""), *usual])


def _told(installation_file: str) -> str:
    for line in installation_file.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "INSTALL_DIR":
            return value.strip().strip("'\"")
    return ""


def glue_folders(system: System, found: Installation | None) -> list[str]:
    """Return the folders in which `vboxapi` may be, that of the installation first."""
    join = ntpath.join if system.is_windows else posixpath.join
    folders = [join(found.sdk, *parts) for parts in _GLUE_IN_SDK] if found else []
    version = ".".join(map(str, system.python))
    if system.platform == "darwin":
        folders.append(f"/Library/Python/{version}/site-packages")
    elif not system.is_windows:
        # Packages put it beside the modules of the system's Python, which an environment of its
        # own (venv) does not see.
        folders.insert(0, "/usr/lib/python3/dist-packages")
        for root in ("/usr/lib", "/usr/lib64", "/usr/local/lib"):
            for name in ("site-packages", "dist-packages"):
                folders.append(f"{root}/python{version}/{name}")
    return folders


def this_system() -> System:
    """Return the system that this process runs on."""
    return System(
        platform=sys.platform,
        environ=os.environ,
        python=sys.version_info[:2],
        registry=_registry(),
        installation_file=_content(LINUX_INSTALLATION_FILE),
    )


def _content(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as content:  # noqa: PTH123
            return content.read()
    except OSError:  # of another system, or of another installer
        return ""


def _once(folders: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(folder for folder in folders if folder))


if sys.platform == "win32":
    import winreg

    def _registry() -> list[str]:
        found = []
        for view in (winreg.KEY_WOW64_64KEY, winreg.KEY_WOW64_32KEY):
            try:
                with winreg.OpenKey(
                    winreg.HKEY_LOCAL_MACHINE, REGISTRY_KEY, access=winreg.KEY_READ | view
                ) as key:
                    found.append(str(winreg.QueryValueEx(key, "InstallDir")[0]))
            except OSError:  # not in this half of the registry
                continue
        return found
else:

    def _registry() -> list[str]:
        return []
