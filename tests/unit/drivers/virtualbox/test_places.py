"""Where VirtualBox and its glue are found, on every system, with made-up files."""

from __future__ import annotations

import pytest

from boot2docker_py.drivers.virtualbox.binding.places import (
    Installation,
    System,
    glue_folders,
    installation,
)

WINDOWS = {"ProgramW6432": r"C:\Program Files"}
USUAL = r"C:\Program Files\Oracle\VirtualBox"
OTHER = r"D:\Virtual Box"


def a_system(
    platform: str,
    *there: str,
    environ: dict[str, str] | None = None,
    registry: tuple[str, ...] = (),
    installation_file: str = "",
) -> System:
    return System(
        platform, environ or {}, (3, 8), lambda file: file in there, registry, installation_file
    )


@pytest.mark.parametrize(
    ("environ", "registry", "folder"),
    [
        ({}, (), USUAL),
        ({"VBOX_MSI_INSTALL_PATH": OTHER + "\\"}, (), OTHER),
        ({"VBOX_INSTALL_PATH": OTHER}, (), OTHER),
        ({}, (OTHER + "\\",), OTHER),
        ({"VBOX_MSI_INSTALL_PATH": r"E:\removed"}, (OTHER,), OTHER),
    ],
    ids=str,
)
def test_windows_says_where_it_is(
    environ: dict[str, str], registry: tuple[str, ...], folder: str
) -> None:
    there = folder + r"\VBoxSVC.exe"
    system = a_system("win32", there, environ={**WINDOWS, **environ}, registry=registry)
    assert installation(system) == Installation(folder, folder + r"\sdk")


@pytest.mark.parametrize(
    "below",
    [r"sdk\install", r"sdk\install\python\vboxapi\src", r"sdk\installer\python\vboxapi\src"],
)
def test_windows_has_the_glue_in_the_sdk_of_any_version(below: str) -> None:
    found = Installation(OTHER, OTHER + r"\sdk")
    assert rf"{OTHER}\{below}" in glue_folders(a_system("win32"), found)


def test_a_folder_is_not_looked_at_twice() -> None:
    looked_at: list[str] = []
    system = a_system("win32", environ=WINDOWS, registry=(USUAL + "\\", USUAL))

    def exists(file: str) -> bool:
        looked_at.append(file)
        return False

    system = system._replace(exists=exists)
    assert installation(system) is None
    assert looked_at == [USUAL + r"\VBoxSVC.exe"]


@pytest.mark.parametrize(
    ("program", "environ", "installation_file"),
    [
        ("/usr/lib/virtualbox", {}, ""),
        ("/usr/lib64/virtualbox", {}, ""),
        ("/opt/VirtualBox", {}, ""),
        ("/srv/vbox", {"VBOX_PROGRAM_PATH": "/srv/vbox"}, ""),
        ("/srv/vbox", {}, "# VirtualBox installation directory\nINSTALL_DIR='/srv/vbox'\n"),
    ],
)
def test_linux(program: str, environ: dict[str, str], installation_file: str) -> None:
    there = f"{program}/VBoxXPCOM.so"
    system = a_system("linux", there, environ=environ, installation_file=installation_file)
    found = installation(system)
    assert found == Installation(program, f"{program}/sdk")
    folders = glue_folders(system, found)
    assert folders[0] == "/usr/lib/python3/dist-packages", "Debian's, which no venv sees"
    assert f"{program}/sdk/installer" in folders
    assert f"{program}/sdk/installer/python/vboxapi/src" in folders
    assert "/usr/lib/python3.8/site-packages" in folders


def test_macos() -> None:
    program = "/Applications/VirtualBox.app/Contents/MacOS"
    system = a_system("darwin", f"{program}/VBoxXPCOM.dylib")
    found = installation(system)
    assert found == Installation(program, f"{program}/sdk")
    assert "/Library/Python/3.8/site-packages" in glue_folders(system, found)


def test_the_glue_is_told_what_the_user_has_not_told_it() -> None:
    """That of PyPI has placeholders where the installer's has folders."""
    found = Installation("/opt/VirtualBox", "/opt/VirtualBox/sdk")
    told = {"VBOX_PROGRAM_PATH": "/opt/VirtualBox", "VBOX_SDK_PATH": "/opt/VirtualBox/sdk"}
    assert found.environment({}) == told
    assert found.environment({"VBOX_SDK_PATH": "/my/sdk"}) == {
        "VBOX_PROGRAM_PATH": "/opt/VirtualBox"
    }


def test_another_sdk_than_the_programs_own() -> None:
    there = "/opt/VirtualBox/VBoxXPCOM.so"
    found = installation(a_system("linux", there, environ={"VBOX_SDK_PATH": "/my/sdk"}))
    assert found == Installation("/opt/VirtualBox", "/my/sdk")


@pytest.mark.parametrize("platform", ["win32", "darwin", "linux"])
def test_nothing_is_installed(platform: str) -> None:
    system = a_system(platform, environ=WINDOWS)
    assert installation(system) is None
    assert all("sdk" not in folder for folder in glue_folders(system, None))
