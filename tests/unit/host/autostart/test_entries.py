"""What each system is to do at login, in its own language."""

from __future__ import annotations

import configparser
import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from boot2docker_py.errors import StorageError, UsageError
from boot2docker_py.host import autostart
from boot2docker_py.host.autostart import run_key
from boot2docker_py.host.autostart.entry import Entry, FileEntry, Job, Kept, settings_in
from boot2docker_py.host.autostart.launch_agent import LaunchAgent
from boot2docker_py.host.autostart.run_key import RunKey
from boot2docker_py.host.autostart.systemd_unit import SystemdUnit
from boot2docker_py.host.autostart.xdg import DesktopEntry

ODD = 'it\'s 50% "$HOME" \\ ö'
SETTINGS = {"BOOT2DOCKER_DIR": f"/home/{ODD}/b2d"}
MAKERS: list[Callable[[Path], FileEntry]] = [
    lambda folder: SystemdUnit(ODD, folder / "systemd" / "user"),
    lambda folder: DesktopEntry(ODD, folder / "autostart"),
    lambda folder: LaunchAgent(ODD, folder / "LaunchAgents"),
]
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="paths and links of POSIX")
each_file = pytest.mark.parametrize("maker", MAKERS, ids=["systemd", "xdg", "launchd"])


@on_posix
@each_file
def test_on_and_off_can_be_said_again(maker: Callable[[Path], FileEntry], tmp_path: Path) -> None:
    entry = maker(tmp_path)
    assert (entry.kept(SETTINGS), entry.remove()) == ((Kept.OFF, False), False)
    for saves in (False, True, True, False):
        entry.write(Job(ODD, saves, settings=SETTINGS))
        assert entry.kept(SETTINGS) == (Kept.ON, saves)
    assert [file.name for file in entry.file.parent.iterdir() if file.is_file()] == [
        entry.file.name
    ]
    assert (entry.remove(), entry.remove()) == (True, False)
    assert entry.kept(SETTINGS) == (Kept.OFF, False)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


@each_file
def test_another_python_or_folder_is_stale(
    maker: Callable[[Path], FileEntry], tmp_path: Path
) -> None:
    entry = maker(tmp_path)
    entry.write(Job(ODD, saves_at_logoff=True, python="/old/python", settings=SETTINGS))
    assert entry.kept(SETTINGS) == (Kept.STALE, False)
    entry.write(Job(ODD, saves_at_logoff=True, settings=SETTINGS))
    assert entry.kept({}) == (Kept.STALE, False)


@each_file
def test_a_folder_that_cannot_be_made_is_an_error(
    maker: Callable[[Path], FileEntry], tmp_path: Path
) -> None:
    entry = maker(tmp_path / "file")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        entry.write(Job(ODD, saves_at_logoff=False))


def test_vms_of_like_names_have_files_of_their_own(tmp_path: Path) -> None:
    names = ["a b", "a-b", "a+b", "a/b", "CON", "ö"]
    assert len({DesktopEntry(name, tmp_path).file for name in names}) == len(names)


@on_posix
def test_the_unit_says_what_it_starts_and_how_it_ends(tmp_path: Path) -> None:
    unit = SystemdUnit("boot2docker-vm", tmp_path)
    job = Job("boot2docker-vm", saves_at_logoff=True, python="/usr/bin/python3")
    assert unit.written(job) == (
        "# Made by: boot2docker autostart on\n"
        "[Unit]\n"
        "Description=boot2docker VM boot2docker-vm\n\n"
        "[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        'ExecStart="/usr/bin/python3" "-m" "boot2docker_py" "--vm" "boot2docker-vm" "up"\n'
        'ExecStop="/usr/bin/python3" "-m" "boot2docker_py" "--vm" "boot2docker-vm" "save"\n'
        "TimeoutStartSec=660\n"
        "TimeoutStopSec=330\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )
    assert "ExecStop" not in unit.written(job._replace(saves_at_logoff=False))


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or os.name != "posix", reason="needs systemd-analyze"
)
@pytest.mark.parametrize("vm_name", ["boot2docker-vm", ODD])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, vm_name: str) -> None:
    unit = SystemdUnit(vm_name, tmp_path)
    unit.write(Job(vm_name, saves_at_logoff=True, settings=SETTINGS))
    words = ["systemd-analyze", "--user", "verify", str(unit.file)]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(words, capture_output=True, text=True, env=environ, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@on_posix
def test_the_unit_is_enabled_by_a_link_and_stale_without_it(tmp_path: Path) -> None:
    unit = SystemdUnit("vm", tmp_path)
    unit.write(Job("vm", saves_at_logoff=False))
    link = tmp_path / "default.target.wants" / "boot2docker-vm.service"
    assert link.resolve() == unit.file.resolve()
    link.unlink()
    assert unit.kept({}) == (Kept.STALE, False)
    assert unit.remove()


@on_posix
def test_the_desktop_starts_the_words_as_they_are(tmp_path: Path) -> None:
    entry = DesktopEntry(ODD, tmp_path)
    job = Job(ODD, saves_at_logoff=True, settings=SETTINGS)
    entry.write(job)
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(entry.file, encoding="utf-8")
    line = parser["Desktop Entry"]["Exec"].replace("\\\\", "\\").replace("%%", "%")
    # What the specification escapes is what a shell reads between double quotes.
    shell = ["sh", "-c", f"printf '%s\\n' {line}"]
    read = subprocess.run(shell, capture_output=True, check=True).stdout.decode().splitlines()
    assert read == ["env", f"BOOT2DOCKER_DIR={SETTINGS['BOOT2DOCKER_DIR']}", *job.command]
    assert job.command[-2:] == ["autostart", "run"]


def test_the_agent_is_a_property_list(tmp_path: Path) -> None:
    agent = LaunchAgent("vm", tmp_path)
    agent.write(Job("vm", saves_at_logoff=False, python="/p", settings={"A": "b"}))
    assert plistlib.loads(agent.file.read_bytes()) == {
        "Label": "boot2docker-vm",
        "ProgramArguments": ["/p", "-m", "boot2docker_py", "--vm", "vm", "up"],
        "RunAtLoad": True,
        "AbandonProcessGroup": True,
        "ExitTimeOut": 300,
        "EnvironmentVariables": {"A": "b"},
    }


class TestChoice:
    @pytest.mark.parametrize(
        ("platform", "has_systemd", "kind"),
        [
            ("linux", True, SystemdUnit),
            ("linux", False, DesktopEntry),
            ("darwin", False, LaunchAgent),
            ("win32", False, RunKey),
        ],
    )
    def test_by_system(
        self, tmp_path: Path, platform: str, has_systemd: bool, kind: type[Entry]
    ) -> None:
        mark = tmp_path if has_systemd else tmp_path / "missing"
        entry = autostart.entry("vm", {"HOME": str(tmp_path)}, platform, systemd_runs=mark)
        assert type(entry) is kind

    def test_xdg_config_home_counts(self, tmp_path: Path) -> None:
        environ = {"HOME": "/home/me", "XDG_CONFIG_HOME": str(tmp_path)}
        entry = autostart.entry("vm", environ, "linux", systemd_runs=tmp_path / "missing")
        assert entry.place == str(tmp_path / "autostart" / "boot2docker-vm.desktop")


def test_settings_are_those_that_another_boot2docker_needs() -> None:
    environ = {"PATH": "/bin", "BOOT2DOCKER_DIR": "/d", "BOOT2DOCKER_VM": "x"}
    environ["BOOT2DOCKER_PYTHON"] = "/p"
    assert settings_in(environ) == {"BOOT2DOCKER_DIR": "/d"}


class TestRunKey:
    def test_the_program_has_no_window(self) -> None:
        job = Job("a b", saves_at_logoff=True, python="C:\\Käpt'n\\python.exe")
        line = 'C:\\Käpt\'n\\pythonw.exe -m boot2docker_py --vm "a b" autostart run'
        assert run_key.command_line(job) == line
        assert run_key.windowless("C:\\x\\boot2docker.exe") == "C:\\x\\boot2docker.exe"

    def test_a_command_that_windows_would_cut_is_refused(self) -> None:
        job = Job("vm", saves_at_logoff=False, python="C:\\" + "long\\" * 50 + "python.exe")
        with pytest.raises(UsageError, match="260"):
            run_key.demand_possible(job, {})

    def test_a_variable_that_is_not_there_at_login_is_refused(self) -> None:
        job = Job("vm", saves_at_logoff=False, settings={"BOOT2DOCKER_DIR": "D:\\b2d"})
        with pytest.raises(UsageError) as caught:
            run_key.demand_possible(job, {"BOOT2DOCKER_DIR": "C:\\other"})
        assert caught.value.resolution.endswith('setx BOOT2DOCKER_DIR "D:\\b2d"')
        run_key.demand_possible(job, {"BOOT2DOCKER_DIR": "D:\\b2d"})
